"""Reads with fastavro and writes with functions of our own: wherever Python runs, and the measure for other engines.

A schema is parsed once per record type; bytes of today's layout are read without resolution, which would double the
cost. Only what another released version wrote is resolved.
"""

from functools import cache
from io import BytesIO
from typing import Any, Final, TypeVar

import fastavro
import msgspec
from msgspec import Struct

from schemas.definitions import expanded
from schemas.disclosure import Audience
from schemas.engines.refusals import malformed, trailing, truncated
from schemas.learning import learn
from schemas.writing import writer_of

__all__ = ["NAME", "ParsedSchema", "parsed", "read", "read_resolved", "write"]

NAME: Final = "fastavro"

T = TypeVar("T", bound=Struct)
ParsedSchema = str | list[Any] | dict[Any, Any]

_NATIVE: Final = (bytes,)


def read(record_type: type[T], data: bytes, offset: int) -> T:
    """The record in these bytes from the offset to their end."""
    return _read(record_type, data, offset, (_schema_of(record_type), None))


def read_resolved(record_type: type[T], writer: ParsedSchema, data: bytes) -> T:
    """The record as today's schema reads bytes that were written with another."""
    return _read(record_type, data, 0, (writer, _reader_of(record_type)))


def write(record: Struct, prefix: bytes, audience: Audience | None) -> bytes:
    """The bytes of a record after the prefix; for an audience, without what the schema never shows it."""
    parts = [prefix]
    writer_of(type(record).__name__, audience)(record, parts.append)
    return b"".join(parts)


def parsed(schema: dict[str, Any]) -> ParsedSchema:
    """A schema as this engine reads with it."""
    return fastavro.parse_schema(schema)


def _read(record_type: type[T], data: bytes, offset: int, schemas: tuple[ParsedSchema, ParsedSchema | None]) -> T:
    stream = BytesIO(data)
    stream.seek(offset)
    values = _values(stream, *schemas)
    if stream.tell() != len(data):
        raise trailing(record_type.__name__, len(data) - stream.tell())
    learn(record_type)
    try:
        return msgspec.convert(values, record_type, builtin_types=_NATIVE)
    except msgspec.ValidationError as error:
        raise malformed(record_type.__name__, type(error).__name__) from error


def _values(stream: BytesIO, writer: ParsedSchema, reader: ParsedSchema | None) -> object:
    try:
        return fastavro.schemaless_reader(stream, writer, reader)
    except (EOFError, IndexError) as error:
        raise truncated(type(error).__name__) from error
    except (TypeError, ValueError, KeyError, OverflowError, MemoryError, fastavro.read.SchemaResolutionError) as error:
        raise malformed("record", type(error).__name__) from error


@cache
def _schema_of(record_type: type[Struct]) -> ParsedSchema:
    return parsed(expanded(record_type.__name__))


@cache
def _reader_of(record_type: type[Struct]) -> ParsedSchema:
    """For resolution: what an earlier writer had no field for is its default, which fastavro gives out as it stands."""
    schema: ParsedSchema = _with_bytes(_schema_of(record_type))
    return schema


def _with_bytes(schema: Any) -> Any:
    """The same schema, parsed before; the default of bytes, which JSON can only state as text, is bytes."""
    if isinstance(schema, list):
        return [_with_bytes(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {name: _with_bytes(part) for name, part in schema.items()}
    is_text = inside.get("type") == "bytes" and isinstance(inside.get("default"), str)
    return inside | {"default": inside["default"].encode("latin-1")} if is_text else inside
