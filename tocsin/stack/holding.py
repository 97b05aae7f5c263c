"""Telling of legal holds: submitter and recipients keep what they have of a report while one stands (ADR 0048)."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from processors.letters import status_id
from schemas.catalogue import message
from schemas.failures import Temporary
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.values import Instant
from tocsin.runtime.database import one_transaction
from tocsin.runtime.ledger import erasing, legal_holds
from tocsin.runtime.ledger.erasing import Held
from tocsin.runtime.ledger.legal_holds import Standing
from tocsin.runtime.settings import Settings
from tocsin.stack.telling import tell


def tell_of(settings: Settings, reports: Iterable[ReportId]) -> int:
    """What counts of each report now, to whoever has or had it; tells how many messages that were.

    Twice is harmless. Raises Temporary where the broker is away: the hold counts at the exchange all the same.
    """
    statuses = _now(settings, reports)
    try:
        tell(settings, statuses)
    except Temporary as failure:
        raise Temporary(message("legal_hold.not_told"), code="legal_hold.not_told") from failure
    return len(statuses)


def tell_again(settings: Settings) -> int:
    """The same of every report of which a member may know another thing: who got it since, or was not reached."""
    with one_transaction(settings) as connection:
        reports = legal_holds.unexpired(connection)
    return tell_of(settings, reports)


def notices(held: Held, standing: Standing) -> Iterator[Status]:
    """One for the submitter's journal, one for each recipient's inbox and sinks; they carry ids and an instant."""
    yield _notice(held.report_id, held.submitter, standing)
    for copy in held.copies:
        notice = _notice(held.report_id, copy.member, standing)
        yield replace(notice, referral_id=copy.referral_id, mark=copy.mark)


def _now(settings: Settings, reports: Iterable[ReportId]) -> list[Status]:
    with one_transaction(settings) as connection:
        return [
            notice
            for report in reports
            if (held := erasing.held(connection, report))
            for notice in notices(held, legal_holds.standing(connection, report))
        ]


def _notice(report: ReportId, member: MemberId, standing: Standing) -> Status:
    at = _instant(standing.at)
    return Status(
        status_id=status_id(f"{report}#{member}#{at.epoch_ms}", 0, StatusKind.LEGAL_HOLD),
        member=member,
        report_id=report,
        kind=StatusKind.LEGAL_HOLD,
        at=at,
        code="legal_hold.stands" if standing.until else "legal_hold.ended",
        until=_instant(standing.until) if standing.until else None,
    )


def _instant(moment: datetime) -> Instant:
    return Instant(epoch_ms=int(moment.timestamp() * 1000))
