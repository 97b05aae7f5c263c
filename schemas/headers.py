"""CloudEvents attributes and the trace context as Kafka headers, so that a reader can route without decoding a body."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from schemas.definitions import NAMESPACE

CONTENT_TYPE: Final = "application/avro"
SPEC_VERSION: Final = "1.0"
MAX_HEADER_BYTES: Final = 1_024
"""Longer header values are not ours and are left out when headers are read."""

Headers = list[tuple[str, bytes]]

_TYPE, _ID, _SOURCE, _TIME, _VERSION = "ce_type", "ce_id", "ce_source", "ce_time", "ce_specversion"
_CONTENT_TYPE, _TRACE = "content-type", "traceparent"


class CloudEvent(Struct, frozen=True, kw_only=True, gc=False):
    """What the headers of one record say of it; an attribute that is missing or unreadable is empty."""

    event_id: str = ""
    type: str = ""
    source: str = ""
    time: str = ""
    content_type: str = ""
    traceparent: str = ""


def event_type(record_type: type[Struct]) -> str:
    """The CloudEvents type of a record: its schema's full name and major version."""
    return f"{NAMESPACE}.{record_type.__name__}.v1"


def cloud_event_headers(
    record_type: type[Struct], event_id: str, *, source: str, at_ms: int, traceparent: str = ""
) -> Headers:
    """The headers of one record: who (`source` is a member or a process), what, which, and when it was made."""
    headers = [
        (_VERSION, SPEC_VERSION.encode()),
        (_TYPE, event_type(record_type).encode()),
        (_ID, event_id.encode()),
        (_SOURCE, f"/{source}".encode()),
        (_TIME, _rfc_3339(at_ms).encode()),
        (_CONTENT_TYPE, CONTENT_TYPE.encode()),
    ]
    return [*headers, (_TRACE, traceparent.encode())] if traceparent else headers


def read_headers(headers: Iterable[tuple[str, bytes | None]] | None) -> CloudEvent:
    """What these headers say; headers are advice only, so nothing in them can fail a record."""
    found = {name: _text(value) for name, value in headers or ()}
    return CloudEvent(
        event_id=found.get(_ID, ""),
        type=found.get(_TYPE, ""),
        source=found.get(_SOURCE, "").removeprefix("/"),
        time=found.get(_TIME, ""),
        content_type=found.get(_CONTENT_TYPE, ""),
        traceparent=found.get(_TRACE, ""),
    )


def _text(value: bytes | None) -> str:
    if value is None or len(value) > MAX_HEADER_BYTES:
        return ""
    return value.decode("utf-8", "replace")


def _rfc_3339(at_ms: int) -> str:
    seconds, milliseconds = divmod(at_ms, 1_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"
