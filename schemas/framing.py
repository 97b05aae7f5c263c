"""The Confluent wire frame: a zero byte and the writer's schema id in four bytes, before the Avro bytes."""

from struct import Struct as Layout

from schemas.failures import UnreadableRecord

FRAME_BYTES = 5
MAX_SCHEMA_ID = 0xFFFF_FFFF
_MAGIC = 0
_FRAME = Layout(">BI")


def frame(schema_id: int) -> bytes:
    """The prefix of a value written with the schema of this id."""
    if not 0 <= schema_id <= MAX_SCHEMA_ID:
        raise ValueError(f"A schema id is 0 to {MAX_SCHEMA_ID}, found {schema_id}. Ask the schema registry for the id.")
    return _FRAME.pack(_MAGIC, schema_id)


def schema_id_of(value: bytes) -> int:
    """The writer's schema id of a framed value."""
    if len(value) < FRAME_BYTES:
        raise UnreadableRecord(
            f"A value starts with a frame of {FRAME_BYTES} bytes, found {len(value)}. Publish with Tocsin.",
            code="value.too_short",
        )
    magic, schema_id = _FRAME.unpack_from(value)
    if magic != _MAGIC:
        raise UnreadableRecord(
            "A value starts with a zero byte and a schema id, found another first byte. Publish with Tocsin.",
            code="value.not_framed",
        )
    assert isinstance(schema_id, int)  # noqa: S101 -- struct's format says so, its type does not
    return schema_id
