"""Whatever the values: what is written is read again, and what is broken is named and never hurts."""

from io import BytesIO
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from schemas.codec import UnreadableRecord, decode, encode
from schemas.definitions import RECORD_TYPES, expanded
from schemas.framing import FRAME_BYTES, MAX_SCHEMA_ID, frame, schema_id_of
from schemas.records.report import ReportSubmitted
from tests.builders.any_record import any_record
from tests.builders.reports import a_report, an_incident

SLOW_TO_BUILD = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
WHOLE = encode(a_report())
NAMED = {
    "record.truncated",
    "record.malformed",
    "record.trailing_bytes",
    "record.too_large",
}
HUGE = st.sampled_from([b"\xff" * 9 + b"\x01", b"\xfe" * 9 + b"\x01", b"\x80" * 40, b"\x01", b"\xfe\xff\xff\xff\x0f"])


@pytest.mark.parametrize("record_type", RECORD_TYPES)
@SLOW_TO_BUILD
@given(data=st.data())
def test_any_record_is_read_as_it_was_written(record_type: type[Struct], data: Any) -> None:
    record = data.draw(any_record(record_type))
    assert decode(record_type, encode(record)) == record


@pytest.mark.parametrize("record_type", RECORD_TYPES)
@SLOW_TO_BUILD
@given(data=st.data())
def test_our_bytes_are_those_of_fastavro(record_type: type[Struct], data: Any) -> None:
    record = data.draw(any_record(record_type))
    buffer = BytesIO()
    values = msgspec.to_builtins(record, builtin_types=(bytes,))
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(expanded(record_type.__name__)), values)
    assert encode(record) == buffer.getvalue()


def code_of(data: bytes) -> str:
    """What reading says: nothing, or a code; any other exception fails the test."""
    try:
        decode(ReportSubmitted, data)
    except UnreadableRecord as error:
        return error.code
    return ""


@given(st.binary(max_size=2_000))
def test_any_bytes_are_a_record_or_are_named_unreadable(data: bytes) -> None:
    assert code_of(data) in NAMED | {""}


@given(st.integers(0, len(WHOLE) - 1))
def test_a_record_that_ends_early_is_unreadable(length: int) -> None:
    with pytest.raises(UnreadableRecord) as caught:
        decode(ReportSubmitted, WHOLE[:length])
    assert caught.value.code in NAMED


@given(st.integers(0, len(WHOLE)), HUGE)
def test_a_huge_or_negative_length_anywhere_does_no_harm(place: int, length: bytes) -> None:
    assert code_of(WHOLE[:place] + length + WHOLE[place:]) in NAMED | {""}


@given(st.binary(min_size=1, max_size=100))
def test_bytes_after_the_last_field_are_unreadable(more: bytes) -> None:
    with pytest.raises(UnreadableRecord) as caught:
        decode(ReportSubmitted, WHOLE + more)
    assert caught.value.code == "record.trailing_bytes"


@given(st.integers(0, MAX_SCHEMA_ID), st.binary(max_size=50))
def test_a_frame_gives_back_its_schema_id(schema_id: int, body: bytes) -> None:
    assert schema_id_of(frame(schema_id) + body) == schema_id


@given(st.binary(max_size=50))
def test_a_record_is_read_after_any_prefix(prefix: bytes) -> None:
    record = an_incident()
    assert decode(ReportSubmitted, encode(record, prefix), len(prefix)) == record


def test_a_frame_has_five_bytes() -> None:
    assert len(frame(1)) == FRAME_BYTES
