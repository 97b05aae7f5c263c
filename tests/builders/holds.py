"""What the exchange tells of a legal hold."""

from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId, ReportId
from tests.builders.reports import an_instant


def a_hold(report: ReportId, member: MemberId, *, told_ms: int, until_ms: int | None) -> Status:
    """Until when one stands; without an end, that none does any more."""
    return Status(
        status_id=f"hold-{report}-{told_ms}",
        member=member,
        report_id=report,
        kind=StatusKind.LEGAL_HOLD,
        at=an_instant(told_ms),
        code="legal_hold.ended" if until_ms is None else "legal_hold.stands",
        until=None if until_ms is None else an_instant(until_ms),
    )
