"""CloudEvents headers, written and read."""

from schemas.headers import CloudEvent, cloud_event_headers, read_headers
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
