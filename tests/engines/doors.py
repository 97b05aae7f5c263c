"""What the compiled codec is tried with by bytes that nobody vouches for; whatever a door raises is a finding.

The fuzz targets of codec/fuzz call these by name, and so does what was learned there, in every test.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from io import BytesIO
from typing import Any, Final

import fastavro
import msgspec
from fastavro.schema import SchemaParseException
from msgspec import Struct

from schemas.definitions import RECORD_TYPES
from schemas.engines import compiled, interpreted
from tests.engines.comparing import Differs, codec_class, outcome

SEPARATOR: Final = b"\x00"
"""Between a schema and the bytes that are read with it: JSON has none."""
_REFUSED: Final = (ValueError, TypeError, KeyError)


def decode(data: bytes) -> None:
    """Of any bytes, a record of ours or a failure with a code; the first byte says of which type."""
    if data:
        outcome(compiled, _type_of(data), data[1:])


def both_ways(data: bytes) -> None:
    """What is read is what fastavro reads, is written as our Python writes it, and read again as the same."""
    found = outcome(compiled, _type_of(data), data[1:]) if data else ("nothing", "")
    if found[0]:
        return
    record = compiled.read(_type_of(data), data[1:], 0)
    written = compiled.write(record, b"", None)
    theirs = outcome(interpreted, _type_of(data), data[1:])
    _same(repr(found), repr(theirs))
    _same(repr(written), repr(interpreted.write(record, b"", None)))
    _same(repr(outcome(compiled, _type_of(data), written)), repr(found))


def load(data: bytes) -> None:
    """A schema of any JSON loads or is refused; what it reads then is what fastavro reads, and goes both ways."""
    text, _, rest = data.partition(SEPARATOR)
    codec = codec_of(text)
    if codec is None:
        return
    try:
        found = codec.decode(rest)
    except ValueError:
        return
    _same(repr(codec.decode(codec.encode(found))), repr(found))
    with suppress(SchemaParseException, *_REFUSED):
        theirs = fastavro.schemaless_reader(BytesIO(rest), fastavro.parse_schema(json.loads(text)), None)
        _same(repr(msgspec.msgpack.encode(found)), repr(msgspec.msgpack.encode(theirs)))


def codec_of(text: bytes) -> Any:
    """The codec of a schema, with a class for each type that it names; None where it is refused."""
    try:
        schema = json.loads(text)
        return codec_class()(schema, dict(_classes(schema)))
    except (*_REFUSED, RecursionError):
        return None


def _same(ours: str, theirs: str) -> None:
    if ours != theirs:
        raise Differs("from another reader, or from what was written")


DOORS: Final[Mapping[str, Callable[[bytes], None]]] = {"decode": decode, "both_ways": both_ways, "load": load}


def _type_of(data: bytes) -> type[Struct]:
    return RECORD_TYPES[data[0] % len(RECORD_TYPES)]


def _classes(schema: Any) -> Iterator[tuple[str, type]]:
    """A class for each named type that the JSON spells out, as far as Python has such a one."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        waiting += part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        if isinstance(part, dict) and isinstance(part.get("name"), str):
            with suppress(*_REFUSED, AttributeError, RuntimeError):  # the last by msgspec, of names that Python mangles
                yield _full_name(part), _class_of(part)


def _full_name(part: dict[str, Any]) -> str:
    return part["name"] if "namespace" not in part or "." in part["name"] else f"{part['namespace']}.{part['name']}"


def _class_of(part: dict[str, Any]) -> type:
    if "symbols" in part:
        made: type = StrEnum("E", {symbol: symbol for symbol in part["symbols"]})  # type: ignore[misc]  # from outside
        return made
    return msgspec.defstruct("R", [field["name"] for field in part["fields"]])
