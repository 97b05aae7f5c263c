"""The one narrow door between records and Avro bytes; the engine behind it is known to nobody else.

It is chosen once, at import. Whichever it is: the same records, the same bytes, the same failures and codes.
"""

import os
from struct import error as PackError  # noqa: N812 -- an exception by its role
from typing import Any, Final, TypeVar

import msgspec
from fastavro.schema import to_parsing_canonical_form
from msgspec import Struct

from schemas.definitions import expanded
from schemas.disclosure import Audience
from schemas.engines import interpreted
from schemas.engines.choosing import SETTING, engine_for
from schemas.failures import UnreadableRecord
from schemas.learning import learn

__all__ = [
    "ENGINE",
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

_NATIVE: Final = (bytes,)
_engine: Final = engine_for(os.environ.get(SETTING, "auto"))
ENGINE: Final[str] = _engine.NAME
"""Which engine was chosen: `compiled` or `fastavro`."""


class UnwritableRecord(ValueError):
    """A record whose values are not of the declared types: a mistake of the code that built it."""


def encode(record: Struct, prefix: bytes = b"", audience: Audience | None = None) -> bytes:
    """The Avro bytes of a record, after the prefix (the frame, where one is wanted).

    For an audience, a field whose ceiling does not name it is not even read: its default stands there instead.
    """
    try:
        written: bytes = _engine.write(record, prefix, audience)
    except (TypeError, ValueError, AttributeError, KeyError, OverflowError, PackError) as error:
        raise UnwritableRecord(
            f"A {type(record).__name__} has values of the declared types, found another ({type(error).__name__}). "
            "Build it from checked input: schemas.codec.checked."
        ) from error
    return written


def decode(record_type: type[T], data: bytes, offset: int = 0) -> T:
    """The record in these bytes from the offset on; bytes of another or a broken record raise UnreadableRecord."""
    _bounded(len(data) - offset)
    record: T = _engine.read(record_type, data, offset)
    return record


def decode_from(record_type: type[T], writer_schema: dict[str, Any], data: bytes) -> T:
    """The record as today's schema reads bytes that another released version wrote; `prepared` once, it is quicker."""
    _bounded(len(data))
    return interpreted.read_resolved(record_type, interpreted.parsed(writer_schema), data)


def prepared(writer_schema: dict[str, Any]) -> dict[str, Any]:
    """A writer's schema, parsed, for many calls of `decode_from`."""
    parsed = interpreted.parsed(writer_schema)
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


def _bounded(record_bytes: int) -> None:
    if record_bytes > MAX_RECORD_BYTES:
        raise UnreadableRecord(
            f"A record has at most {MAX_RECORD_BYTES} bytes, found {record_bytes}. Split the report.",
            code="record.too_large",
        )
