"""Both engines read and write the same: fastavro is the measure, the compiled codec is held against it."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from schemas.definitions import RECORD_TYPES
from schemas.disclosure import Audience
from schemas.engines import interpreted
from schemas.records.referral import Referral
from tests.builders.any_record import any_record
from tests.builders.reports import a_personal_part, a_report, a_withdrawal, an_incident

compiled = pytest.importorskip("schemas.engines.compiled", reason="the codec was not compiled here: make codec")
comparing = import_module("tests.engines.comparing")
memory = import_module("tests.engines.memory")
_codec: Any = import_module("_tocsin_codec")

FEW = settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
RECORDS = (a_report(), an_incident(), a_withdrawal(), a_personal_part())
WRITTEN = tuple((type(record), interpreted.write(record, b"", None)) for record in RECORDS)
SEED = 20_261_126
ROOT = Path(__file__).parents[2]


def written(engine: Any, record: Struct, audience: Audience) -> bytes | str:
    """The bytes, or why there are none: a required field that is not for the audience."""
    try:
        found: bytes = engine.write(record, b"", audience)
    except TypeError as error:
        return str(error)
    return found


@pytest.mark.parametrize("record_type", RECORD_TYPES)
@FEW
@given(data=st.data())
def test_any_record_has_the_same_bytes_and_comes_back_the_same(record_type: type[Struct], data: Any) -> None:
    record = data.draw(any_record(record_type))
    written = interpreted.write(record, b"before", None)
    assert compiled.write(record, b"before", None) == written
    assert (
        repr(compiled.read(record_type, written, 6)) == repr(interpreted.read(record_type, written, 6)) == repr(record)
    )


@FEW
@given(any_record(Referral))
def test_for_every_audience_both_leave_out_the_same(record: Referral) -> None:
    for audience in Audience:
        assert written(compiled, record, audience) == written(interpreted, record, audience)


def test_a_record_that_an_audience_cannot_have_is_written_for_it_by_neither() -> None:
    for engine in (compiled, interpreted):
        with pytest.raises(TypeError, match="is required, and not for"):
            engine.write(a_report(), b"", "nobody")


@pytest.mark.parametrize(("record_type", "data"), WRITTEN)
def test_wherever_a_record_breaks_off_both_say_the_same(record_type: type[Struct], data: bytes) -> None:
    for length in range(len(data)):
        assert comparing.outcome(compiled, record_type, data[:length]) == comparing.outcome(
            interpreted, record_type, data[:length]
        )


def test_records_by_chance_are_the_same_for_both() -> None:
    assert comparing.records(SEED, 2_000) == 2_000


def test_schemas_by_chance_are_read_and_written_as_by_fastavro() -> None:
    assert comparing.schemas_by_chance(SEED, 100) == 100


def test_bytes_that_were_changed_are_the_same_record_for_both_or_refused_by_the_compiled_one() -> None:
    """It refuses more: numbers of more than 64 bits, and lengths and places below zero, which fastavro takes.

    What both refuse may have another code: which of two faults is met first is not the same.
    """
    assert comparing.mutations(SEED, 2_000) == 2_000


@pytest.mark.parametrize(
    "kind",
    [
        "int",
        "float",
        "tocsin.Missing",
        ["null", "string", "long"],
        ["string", "null"],
        ["null", ["null", "string"]],
        {"type": "fixed", "name": "Digest", "size": 4},
        {"type": "long", "logicalType": "timestamp-millis"},
        {"type": "record", "name": "Empty", "fields": []},
        {"type": "array", "items": {"type": "record", "name": "Empty", "fields": []}},
    ],
)
def test_a_schema_of_another_shape_is_refused_when_it_loads(kind: Any) -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "f", "type": kind}]}
    classes = {"R": msgspec.defstruct("R", ["f"]), "Empty": msgspec.defstruct("Empty", [])}
    with pytest.raises(_codec.Unsuitable):
        _codec.Codec(schema, classes)


@pytest.mark.parametrize(
    "made",
    [
        msgspec.defstruct("R", ["g"]),
        msgspec.defstruct("R", ["f", "g"]),
        msgspec.defstruct("R", ["f"], namespace={"__post_init__": lambda _: None}),
    ],
)
def test_a_class_that_would_not_be_whole_is_refused_when_it_loads(made: type[Struct]) -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "f", "type": "string"}]}
    with pytest.raises(_codec.Unsuitable):
        _codec.Codec(schema, {"R": made})


def growth_elsewhere(calls: str) -> float:
    """Of a process that has nothing yet to give back: what other tests have freed would hide a leak."""
    code = f"from tests.engines import memory; print(memory.growth_bytes_per_call({calls}, 100_000))"
    words = [sys.executable, "-c", code]
    return float(subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT).stdout)  # noqa: S603  # our own words


def test_memory_stays_flat_over_100_000_calls_that_succeed_and_that_fail() -> None:
    assert growth_elsewhere(f"memory.calls_of_all_kinds({SEED})") <= memory.MOST_BYTES_PER_CALL


def test_memory_that_grows_by_one_small_object_a_call_is_seen() -> None:
    assert growth_elsewhere("[lambda kept=[]: kept.append(bytes(7))]") > memory.MOST_BYTES_PER_CALL
