"""Both engines read and write the same: fastavro is the measure, the compiled codec is held against it."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from schemas.definitions import RECORD_TYPES
from schemas.disclosure import Audience
from schemas.engines import interpreted
from schemas.failures import UnreadableRecord
from schemas.records.referral import Referral
from tests.builders.any_record import any_record
from tests.builders.reports import a_personal_part, a_report, a_withdrawal, an_incident

compiled = pytest.importorskip("schemas.engines.compiled", reason="the codec was not compiled here: make codec")

FEW = settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
RECORDS = (a_report(), an_incident(), a_withdrawal(), a_personal_part())
WRITTEN = tuple((type(record), interpreted.write(record, b"", None)) for record in RECORDS)
AUDIENCES_OF_REFERRALS = tuple(
    a for a in Audience if a not in {Audience.SUBMITTER, Audience.PLATFORM, Audience.OPERATOR}
)
READ = "read"
MUTATIONS = 3_000
HURTFUL = (b"\xff" * 9 + b"\x01", b"\xfe" * 9 + b"\x01", b"\x80" * 40, b"\x01", b"\x03", b"\xff\xff\xff\xff\x0f")


def outcome(engine: Any, record_type: type[Struct], data: bytes) -> tuple[str, str]:
    """What an engine makes of bytes: the record with the type of each value, or a code."""
    try:
        return READ, repr(engine.read(record_type, data, 0))
    except UnreadableRecord as error:
        return error.code, ""


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
    for audience in AUDIENCES_OF_REFERRALS:
        assert compiled.write(record, b"", audience) == interpreted.write(record, b"", audience)


def test_a_record_that_an_audience_cannot_have_is_written_for_it_by_neither() -> None:
    for engine in (compiled, interpreted):
        with pytest.raises(TypeError, match="is required, and not for"):
            engine.write(a_report(), b"", "nobody")


@pytest.mark.parametrize(("record_type", "data"), WRITTEN)
def test_wherever_a_record_breaks_off_both_say_the_same(record_type: type[Struct], data: bytes) -> None:
    for length in range(len(data)):
        assert outcome(compiled, record_type, data[:length]) == outcome(interpreted, record_type, data[:length])


@given(st.integers(0, 2**32))
@settings(max_examples=1)
def test_bytes_that_were_changed_are_the_same_record_for_both_or_refused_by_the_compiled_one(seed: int) -> None:
    """It refuses more: numbers of more than 64 bits, and lengths and places below zero, which fastavro takes.

    What both refuse may have another code: which of two faults is met first is not the same.
    """
    chance = random.Random(seed)  # noqa: S311 -- no secret
    for _ in range(MUTATIONS):
        record_type, data = chance.choice(WRITTEN)
        changed = mutated(chance, bytearray(data))
        ours, theirs = outcome(compiled, record_type, changed), outcome(interpreted, record_type, changed)
        assert ours[0] != READ or ours == theirs


def mutated(chance: random.Random, data: bytearray) -> bytes:
    for _ in range(chance.choice([1, 1, 2, 4])):
        place, length = chance.randrange(len(data)), chance.randrange(1, 9)
        changes = (chance.randbytes(1), chance.randbytes(length), b"", chance.choice(HURTFUL))
        which = chance.randrange(len(changes))
        data[place : place + (1, 0, length, 0)[which]] = changes[which]
    return bytes(data)
