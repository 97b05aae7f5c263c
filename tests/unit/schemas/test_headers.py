"""CloudEvents headers, written and read."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from schemas.headers import CloudEvent, cloud_event_headers, read_headers
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted
from tests.builders.reports import NOON_MS

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_headers_say_what_who_which_and_when() -> None:
    headers = cloud_event_headers(ReportSubmitted, "id-1", source="plat-a", at_ms=NOON_MS + 7, traceparent=TRACE)
    assert read_headers(headers) == CloudEvent(
        event_id="id-1",
        type="tocsin.ReportSubmitted.v1",
        source="plat-a",
        time="2026-01-01T12:00:00.007Z",
        content_type="application/avro",
        traceparent=TRACE,
    )
    assert ("ce_specversion", b"1.0") in headers


def test_a_trace_is_optional() -> None:
    names = [name for name, _ in cloud_event_headers(ReportSubmitted, "id-1", source="plat-a", at_ms=0)]
    assert "traceparent" not in names


def test_odd_headers_are_read_as_empty() -> None:
    assert read_headers(None) == CloudEvent()
    assert read_headers([("ce_id", None), ("ce_type", b"x" * 5_000)]) == CloudEvent()
    assert read_headers([("ce_id", b"\xff")]).event_id == "\ufffd"


@given(st.integers(-60_000_000_000_000, 250_000_000_000_000), st.sampled_from([0, 1, 999]))
def test_an_instant_is_told_as_the_calendar_has_it(seconds_ms: int, milliseconds: int) -> None:
    at_ms = seconds_ms // 1_000 * 1_000 + milliseconds
    told = read_headers(cloud_event_headers(ReportSubmitted, "id-1", source="plat-a", at_ms=at_ms)).time
    seconds = datetime.fromtimestamp(at_ms // 1_000, UTC)
    assert told == f"{seconds:%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def test_each_source_and_each_type_has_headers_of_its_own() -> None:
    def told(record_type: type[Struct], source: str) -> tuple[str, str]:
        found = read_headers(cloud_event_headers(record_type, "id-1", source=source, at_ms=0))
        return found.type, found.source

    for record_type in (ReportSubmitted, Referral):
        for source in ("plat-a", "triage"):
            assert told(record_type, source) == (f"tocsin.{record_type.__name__}.v1", source)
