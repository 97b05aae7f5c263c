"""The one narrow door between records and Avro bytes; fastavro, which reads, is known to nobody else.

A schema is parsed once per record type, and bytes of today's layout are read without resolution, which would double the
cost. Only `decode_from` reads what another released version wrote.
"""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from struct import error as PackError  # noqa: N812 -- an exception by its role
from typing import Any, Final, TypeVar

import fastavro
import msgspec
from fastavro.schema import to_parsing_canonical_form
from msgspec import Struct

from schemas.definitions import expanded
from schemas.disclosure import Audience
from schemas.failures import UnreadableRecord
from schemas.learning import learn
from schemas.writing import writer_of

__all__ = [
    "MAX_RECORD_BYTES",
    "MAX_SUBMITTED_BYTES",
    "UnreadableRecord",
    "UnwritableRecord",
    "checked",
    "decode",
    "decode_from",
    "encode",
    "prepared",
    "same_layout",
]

MAX_RECORD_BYTES: Final = 1_048_576
"""What Kafka accepts by default; every count and length inside a record is bounded by it."""
MAX_SUBMITTED_BYTES: Final = 262_144
"""What a submitter may send as one record."""

T = TypeVar("T", bound=Struct)
ParsedSchema = str | list[Any] | dict[Any, Any]

_NATIVE: Final = (bytes,)


class UnwritableRecord(ValueError):
    """A record whose values are not of the declared types: a mistake of the code that built it."""


def encode(record: Struct, prefix: bytes = b"", audience: Audience | None = None) -> bytes:
    """The Avro bytes of a record, after the prefix (the frame, where one is wanted).

    For an audience, a field whose ceiling does not name it is not even read: its default stands there instead.
    """
    parts = [prefix]
    try:
        writer_of(type(record).__name__, audience)(record, parts.append)
        return b"".join(parts)
    except (TypeError, ValueError, AttributeError, KeyError, OverflowError, PackError) as error:
        raise UnwritableRecord(
            f"A {type(record).__name__} has values of the declared types, found another ({type(error).__name__}). "
            "Build it from checked input: schemas.codec.checked."
        ) from error


def decode(record_type: type[T], data: bytes, offset: int = 0) -> T:
    """The record in these bytes from the offset on; bytes of another or a broken record raise UnreadableRecord."""
    return _decode(record_type, data, offset, lambda stream: _read(stream, _parsed_schema(record_type)))


def decode_from(record_type: type[T], writer_schema: dict[str, Any], data: bytes) -> T:
    """The record as today's schema reads bytes that another released version wrote; `prepared` once, it is quicker."""
    writer = fastavro.parse_schema(writer_schema)
    return _decode(record_type, data, 0, lambda stream: _read(stream, writer, _parsed_schema(record_type)))


def prepared(writer_schema: dict[str, Any]) -> dict[str, Any]:
    """A writer's schema, parsed, for many calls of `decode_from`."""
    parsed = fastavro.parse_schema(writer_schema)
    assert isinstance(parsed, dict)  # noqa: S101 -- a record's schema parses to one
    return parsed


def same_layout(record_type: type[Struct], writer_schema: dict[str, Any]) -> bool:
    """Whether bytes of this schema are laid out as today's: then they decode without resolution."""
    ours = to_parsing_canonical_form(expanded(record_type.__name__))
    return bool(ours == to_parsing_canonical_form(writer_schema))


def checked(record: T) -> T:
    """The same record, its values compared with the declared types: for records built from outside input."""
    learn(type(record))
    try:
        return msgspec.convert(msgspec.to_builtins(record, builtin_types=_NATIVE), type(record), builtin_types=_NATIVE)
    except msgspec.ValidationError as error:
        raise UnwritableRecord(f"A {type(record).__name__} has values of the declared types. {error}") from error


def _decode(record_type: type[T], data: bytes, offset: int, read: Callable[[BytesIO], object]) -> T:
    if len(data) - offset > MAX_RECORD_BYTES:
        raise UnreadableRecord(
            f"A record has at most {MAX_RECORD_BYTES} bytes, found {len(data) - offset}. Split the report.",
            code="record.too_large",
        )
    stream = BytesIO(data)
    stream.seek(offset)
    values = read(stream)
    if stream.tell() != len(data):
        raise UnreadableRecord(
            f"A {record_type.__name__} ends with its last field, found {len(data) - stream.tell()} bytes more. "
            "Check that the schema id is the one it was written with.",
            code="record.trailing_bytes",
        )
    learn(record_type)
    try:
        return msgspec.convert(values, record_type, builtin_types=_NATIVE)
    except msgspec.ValidationError as error:
        raise _malformed(record_type.__name__, error) from error


def _read(stream: BytesIO, writer: ParsedSchema, reader: ParsedSchema | None = None) -> object:
    try:
        return fastavro.schemaless_reader(stream, writer, reader)
    except (EOFError, IndexError) as error:
        raise UnreadableRecord(
            f"A record has every field of its schema, these bytes end early or break off ({type(error).__name__}). "
            "Check that the schema id is the one it was written with.",
            code="record.truncated",
        ) from error
    except (TypeError, ValueError, KeyError, OverflowError, MemoryError, fastavro.read.SchemaResolutionError) as error:
        raise _malformed("record", error) from error


def _malformed(name: str, error: Exception) -> UnreadableRecord:
    return UnreadableRecord(
        f"These bytes are no {name} ({type(error).__name__}). Check the schema id that it was written with.",
        code="record.malformed",
    )


@cache
def _parsed_schema(record_type: type[Struct]) -> ParsedSchema:
    return fastavro.parse_schema(expanded(record_type.__name__))
