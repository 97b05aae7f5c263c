"""Bytes go both ways between Java's Avro and each engine: what one writes the other reads, as the same values."""

import json
import struct
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import fastavro
import pytest
from msgspec import Struct

from schemas.definitions import RECORD_TYPES, expanded
from schemas.engines import interpreted
from tests.engines import jvm
from tests.engines.chance import Chance, named_types

pytestmark = pytest.mark.skipif(jvm.COMPILER is None, reason="javac is not here: Java's Avro needs a JDK, 17 or newer")

EACH: Final = 30
"""Records of every schema: empty and long arrays, every branch, the ends of every number."""
Known = dict[str, Any]


class Exchanged(Struct, frozen=True):
    """One record: what Java was told of it, and what it answered."""

    record_type: type[Struct]
    values: Any
    data: bytes
    answer: dict[str, Any]


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> list[Exchanged]:
    """Records by chance of every schema of ours, as fastavro writes them, through one Java."""
    told = [one for place, record_type in enumerate(RECORD_TYPES) for one in _records(record_type, place * EACH)]
    lines, last = [], None
    for record_type, values, data in told:
        if record_type is not last:
            lines.append(json.dumps({"schema": expanded(record_type.__name__)}))
        last = record_type
        lines.append(json.dumps({"bytes": data.hex(), "values": values}))
    answers = _answers(lines, tmp_path_factory.mktemp("java"))
    return [Exchanged(*one, answer) for one, answer in zip(told, answers, strict=True)]


@pytest.fixture(params=["fastavro", "compiled"])
def engine(request: pytest.FixtureRequest) -> Any:
    """Each engine that is here."""
    if request.param == interpreted.NAME:
        return interpreted
    return pytest.importorskip("schemas.engines.compiled", reason="the codec was not compiled here: make codec")


def test_java_reads_the_values_that_were_written(exchanged: list[Exchanged]) -> None:
    assert len(exchanged) == EACH * len(RECORD_TYPES)
    for one in exchanged:
        assert one.answer["values"] == one.values, one.record_type.__name__


def test_what_java_writes_each_engine_reads_and_writes_back_byte_for_byte(
    exchanged: list[Exchanged], engine: Any
) -> None:
    for one in exchanged:
        written = bytes.fromhex(one.answer["bytes"])
        assert written == one.data, one.record_type.__name__
        assert engine.write(engine.read(one.record_type, written, 0), b"", None) == written


def test_what_java_writes_in_blocks_is_the_same_record(exchanged: list[Exchanged], engine: Any) -> None:
    blocked = [(one, bytes.fromhex(one.answer["blocked"])) for one in exchanged]
    assert sum(data != one.data for one, data in blocked) > len(RECORD_TYPES)
    for one, data in blocked:
        assert repr(engine.read(one.record_type, data, 0)) == repr(interpreted.read(one.record_type, one.data, 0))


def _records(record_type: type[Struct], seed: int) -> list[tuple[type[Struct], Any, bytes]]:
    schema = expanded(record_type.__name__)
    known = named_types(schema)
    found = []
    for number in range(EACH):
        value = Chance(seed + number).value(schema, known)
        found.append((record_type, _shown(schema, value, known), _written(schema, value)))
    return found


def _written(schema: Any, value: Any) -> bytes:
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema), value)
    return buffer.getvalue()


def _shown(schema: Any, value: Any, known: Known) -> Any:
    """As JSON loses nothing of it: a double by its bits, bytes in hex."""
    if isinstance(schema, list):
        return None if value is None else _shown(schema[1], value, known)
    if isinstance(schema, str):
        return _shown(known[schema], value, known) if schema in known else _PLAIN.get(schema, _as_it_is)(value)
    if schema["type"] == "record":
        return {field["name"]: _shown(field["type"], value[field["name"]], known) for field in schema["fields"]}
    if schema["type"] == "array":
        return [_shown(schema["items"], item, known) for item in value]
    if schema["type"] == "map":
        return {key: _shown(schema["values"], item, known) for key, item in value.items()}
    return value


def _as_it_is(value: Any) -> Any:
    return value


_PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "double": lambda value: struct.unpack(">q", struct.pack(">d", value))[0],
    "bytes": bytes.hex,
}


def _answers(lines: list[str], folder: Path) -> list[dict[str, Any]]:
    command = jvm.command(Path(__file__).with_name("java") / "Exchange.java", jvm.AVRO, folder)
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, encoding="utf-8", check=False)  # noqa: S603  # our own words
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]
