"""How a member's record travels: sealed, its framed bytes, and the headers that say what it is and who signed it."""

from collections.abc import Callable

from msgspec import Struct

from schemas.headers import Headers, cloud_event_headers
from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted
from tocsin.runtime.keys.signer import Signer
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.tracing.spans import UNTRACED, Spans


class Wrapped(Struct, frozen=True, kw_only=True):
    """Exactly what is sent, now or after a crash."""

    value: bytes
    headers: Headers


class Envelope(Struct, frozen=True, kw_only=True):
    """One member's; without a signer nothing is signed, and nothing sealed without `seal`."""

    member: MemberId
    codec: RecordCodec
    signer: Signer | None = None
    seal: Callable[[ReportSubmitted, int], ReportSubmitted] | None = None
    """Closes the personal part of a report at an instant; raises Unsealable where there is no key for it."""
    spans: Spans = UNTRACED

    def wrap(self, record: Struct, event_id: str, at_ms: int) -> Wrapped:
        """Commit, seal, encode and sign; a report with what its recipients can check single fields by."""
        with self.spans.producing() as context:
            return self._wrapped(record, event_id, at_ms, context)

    def _wrapped(self, record: Struct, event_id: str, at_ms: int, context: str) -> Wrapped:
        if self.signer and isinstance(record, ReportSubmitted):
            record = self.signer.committed(record)
        if self.seal and isinstance(record, ReportSubmitted):
            record = self.seal(record, at_ms)
        value = self.codec.dumps(record)
        headers = cloud_event_headers(type(record), event_id, source=self.member, at_ms=at_ms, traceparent=context)
        signed = self.signer.headers(type(record), value) if self.signer else []
        return Wrapped(value=value, headers=[*headers, *signed])
