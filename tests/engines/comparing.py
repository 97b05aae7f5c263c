"""What is compared, one function for each: the first difference ends a run with the seed that repeats it."""

from functools import cache
from importlib import import_module
from io import BytesIO
from typing import Any

import fastavro
import msgspec
from msgspec import Struct

from schemas.definitions import RECORD_TYPES, expanded
from schemas.engines import compiled, interpreted
from schemas.failures import UnreadableRecord
from tests.engines.chance import Chance, named_types

_codec: Any = import_module("_tocsin_codec")
_HURTFUL = (b"\xff" * 9 + b"\x01", b"\xfe" * 9 + b"\x01", b"\x80" * 40, b"\x01", b"\x03", b"\xff\xff\xff\xff\x0f")


class Differs(Exception):
    """The engines do not agree."""


def records(seed: int, count: int) -> int:
    """Records of every schema of ours: the same bytes and the same values, type by type."""
    for number in range(count):
        record_type = RECORD_TYPES[number % len(RECORD_TYPES)]
        written = written_by_chance(record_type, Chance(seed + number))
        theirs = interpreted.read(record_type, written, 0)
        ours = compiled.read(record_type, written, 0)
        if repr(ours) != repr(theirs) or compiled.write(ours, b"", None) != written:
            raise Differs(f"a {record_type.__name__} of seed {seed + number}")
    return count


def schemas_by_chance(seed: int, count: int, each: int = 5) -> int:
    """Schemas of the shapes that ours have, with some records of each."""
    for number in range(count):
        chance = Chance(seed + number)
        schema, kind = chance.schema()
        codec, parsed, known = _codec.Codec(schema, chance.types), fastavro.parse_schema(schema), named_types(schema)
        for _ in range(each):
            written = _by_fastavro(parsed, chance.value(schema, known))
            values = fastavro.schemaless_reader(BytesIO(written), parsed, None)
            theirs = msgspec.convert(values, kind, builtin_types=(bytes,))
            ours = codec.decode(written)
            if repr(ours) != repr(theirs) or codec.encode(ours) != written:
                raise Differs(f"a schema of seed {seed + number}")
    return count


def mutations(seed: int, count: int) -> int:
    """Of changed bytes the compiled engine makes what fastavro makes, or refuses them; of a cut both say the same."""
    for number in range(count):
        chance = Chance(seed + number)
        record_type = RECORD_TYPES[number % len(RECORD_TYPES)]
        whole = written_by_chance(record_type, chance)
        cut = whole[: chance.random.randrange(len(whole))]
        if outcome(compiled, record_type, cut) != outcome(interpreted, record_type, cut):
            raise Differs(f"a {record_type.__name__} that breaks off, of seed {seed + number}")
        changed = mutated(chance, bytearray(whole))
        ours, theirs = outcome(compiled, record_type, changed), outcome(interpreted, record_type, changed)
        if ours[0] == "" and ours != theirs:
            raise Differs(f"a changed {record_type.__name__} of seed {seed + number}")
    return count


def mutated(chance: Chance, data: bytearray) -> bytes:
    """The same bytes with some replaced, put in, taken out, or with lengths in them that hurt."""
    for _ in range(chance.random.choice([1, 1, 2, 4])):
        place, length = chance.random.randrange(len(data) + 1), chance.random.randrange(1, 9)
        put = (chance.random.randbytes(1), chance.random.randbytes(length), b"", chance.random.choice(_HURTFUL))
        which = chance.random.randrange(len(put))
        data[place : place + (1, 0, length, 0)[which]] = put[which]
    return bytes(data)


def outcome(engine: Any, record_type: type[Struct], data: bytes) -> tuple[str, str]:
    """A code, or no code and the record with the type of each value."""
    try:
        return "", repr(engine.read(record_type, data, 0))
    except UnreadableRecord as error:
        return error.code, ""


def codec_class() -> Any:
    """The compiled codec itself, for schemas that are not ours."""
    return _codec.Codec


def written_by_chance(record_type: type[Struct], chance: Chance) -> bytes:
    """The bytes of some record of this type, by fastavro."""
    schema, parsed, known = _of(record_type)
    return _by_fastavro(parsed, chance.value(schema, known))


@cache
def _of(record_type: type[Struct]) -> tuple[Any, Any, dict[str, Any]]:
    schema = expanded(record_type.__name__)
    return schema, fastavro.parse_schema(schema), named_types(schema)


def _by_fastavro(parsed: Any, value: Any) -> bytes:
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, parsed, value)
    return buffer.getvalue()
