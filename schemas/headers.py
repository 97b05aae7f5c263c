"""CloudEvents attributes and the trace context as Kafka headers, so that a reader can route without decoding a body."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from msgspec import Struct

from schemas.definitions import NAMESPACE

CONTENT_TYPE: Final = "application/avro"
SPEC_VERSION: Final = "1.0"
MAX_HEADER_BYTES: Final = 1_024
"""Longer header values are not ours and are left out when headers are read."""

_Header = tuple[str, bytes]
Headers = list[_Header]

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
    kind, maker = _unchanging(record_type, source)
    headers = [*kind, (_ID, event_id.encode()), maker, (_TIME, _rfc_3339(at_ms)), _AVRO]
    return [*headers, (_TRACE, traceparent.encode())] if traceparent else headers


@lru_cache(maxsize=1_000)
def _unchanging(record_type: type[Struct], source: str) -> tuple[tuple[_Header, ...], _Header]:
    """What one source says of all records of one type, and of itself: these are made for every record that goes out."""
    kind = ((_VERSION, SPEC_VERSION.encode()), (_TYPE, event_type(record_type).encode()))
    return kind, (_SOURCE, f"/{source}".encode())


_AVRO: Final = (_CONTENT_TYPE, CONTENT_TYPE.encode())


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


@lru_cache(maxsize=1_000)
def _rfc_3339(at_ms: int) -> bytes:
    """All that one report leads to is of one instant."""
    seconds, milliseconds = divmod(at_ms, 1_000)
    return f"{_to_the_second(seconds)}.{milliseconds:03d}Z".encode()


@lru_cache(maxsize=1_000)
def _to_the_second(seconds: int) -> str:
    """Hundreds of records are of one second, and the calendar is dear."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
