"""Legal holds: a report that is kept whatever its retention says, and whoever asks to erase it (ADR 0028)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Row, text

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import ReportId


class NewLegalHold(Struct, frozen=True, kw_only=True):
    """What is asked for: which report, for whom, why, by whom it was set, and when it ends by itself."""

    report_id: ReportId
    owner: str
    """Who answers for it: an authority or a unit, not only a member."""
    reason: str
    set_by: str
    expires_at: datetime


class LegalHold(Struct, frozen=True, kw_only=True):
    """One that is in force."""

    number: int
    report_id: ReportId
    owner: str
    reason: str
    set_by: str
    set_at: datetime
    expires_at: datetime


def legal_holds(connection: Connection, report: str = "") -> Sequence[LegalHold]:
    """Those in force, the one that ends first foremost; of one report where it is named."""
    return [_hold(row) for row in connection.execute(_IN_FORCE, {"report": report})]


class Standing(Struct, frozen=True, kw_only=True):
    """What counts of one report at an instant of the database: the last of its holds to end, or none."""

    at: datetime
    until: datetime | None


def standing(connection: Connection, report: ReportId) -> Standing:
    """Read in one statement, so that of two that read it the later one knows what the other one did."""
    row = connection.execute(_STANDING, {"report": report}).one()
    return Standing(at=row.at, until=row.until)


def unexpired(connection: Connection) -> Sequence[ReportId]:
    """Reports with a hold whose time is not over, released ones included: of them a member may know another thing."""
    return [ReportId(str(row.report_id)) for row in connection.execute(_UNEXPIRED)]


def put(connection: Connection, new: NewLegalHold) -> int:
    """Tells its number; raises Refused for a report that the exchange does not hold, or does not hold any more."""
    row = {name: getattr(new, name) for name in NewLegalHold.__struct_fields__}
    if connection.execute(_IS_HELD, row).first() is None:
        raise Refused(message("legal_hold.no_report"), code="legal_hold.no_report")
    return int(connection.execute(_PUT, row).scalar_one())


def release(connection: Connection, number: int, by: str, reason: str) -> ReportId:
    """End it before its time; raises Refused where none is in force."""
    row = connection.execute(_RELEASE, {"number": number, "by": by, "reason": reason}).first()
    if row is None:
        raise Refused(message("legal_hold.unknown", number=number), code="legal_hold.unknown")
    return ReportId(str(row.report_id))


def _hold(row: Row[Any]) -> LegalHold:
    return LegalHold(**{name: row._mapping[name] for name in LegalHold.__struct_fields__})


_IN_FORCE: Final = text("""
    select number, report_id::text, owner, reason, set_by, set_at, expires_at from legal_holds
    where released_at is null and expires_at > now() and (:report = '' or report_id::text = :report)
    order by expires_at, number
""")
_STANDING: Final = text("""
    select statement_timestamp() as at, max(expires_at) as until from legal_holds
    where report_id = cast(:report as uuid) and released_at is null and expires_at > now()
""")
_UNEXPIRED: Final = text("select distinct report_id from legal_holds where expires_at > now() order by report_id")
_IS_HELD: Final = text("""
    select 1 from report_revisions where report_id = cast(:report_id as uuid)
    and not exists (select 1 from report_revisions where report_id = cast(:report_id as uuid) and revision = 2147483647)
""")
_PUT: Final = text(
    "insert into legal_holds (report_id, owner, reason, set_by, expires_at) "
    "values (cast(:report_id as uuid), :owner, :reason, :set_by, :expires_at) returning number"
)
_RELEASE: Final = text(
    "update legal_holds set released_by = :by, released_at = now(), released_because = :reason "
    "where number = :number and released_at is null and expires_at > now() returning report_id"
)
