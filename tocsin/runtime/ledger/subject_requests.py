"""What was asked for somebody whom a report is about: to keep it and do nothing else with it, or to correct a field."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Row, text

from schemas.records.identifiers import ReportId
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.pipeline import Query


class Kind(StrEnum):
    """What was asked (GDPR, articles 16 and 18; Directive (EU) 2016/680, article 16)."""

    RESTRICT = "restrict"
    CORRECT = "correct"


class Request(Struct, frozen=True, kw_only=True):
    """One that is in force: a restriction until it is lifted, a correction until a later revision came."""

    number: int
    report_id: ReportId
    kind: Kind
    field: str
    reason: str
    asked_by: str
    asked_at: datetime


def restricted(connection: Connection) -> frozenset[ReportId]:
    """The reports that are only kept now."""
    return restricted_in(connection.execute(*RESTRICTED))


def restriction_numbers(connection: Connection) -> Mapping[ReportId, int]:
    """Of each report that is only kept now, the number of the request."""
    return {ReportId(row.report_id): row.number for row in connection.execute(*RESTRICTED)}


def restricted_in(rows: Iterable[Any]) -> frozenset[ReportId]:
    """As RESTRICTED answers."""
    return frozenset(ReportId(row.report_id) for row in rows)


def restricted_of(reports: Iterable[ReportId]) -> Query:
    """Which of these reports are only kept now; answered as RESTRICTED is."""
    return Query(_RESTRICTED_OF, {"reports": sorted(set(reports))})


def requests(connection: Connection, reports: Sequence[ReportId]) -> tuple[Request, ...]:
    """Those in force on these reports, in the order in which they were asked."""
    return tuple(map(_request, connection.execute(_IN_FORCE, {"reports": sorted(set(reports))})))


def ask(connection: Connection, report: ReportId, about: tuple[Kind, str], excuse: Excuse) -> int:
    """Write it down; tells its number. Asked again while it is in force it is the same request."""
    kind, field = about
    row = {"report": report, "kind": kind, "field": field, "by": excuse.by, "reason": excuse.reason}
    return int(connection.execute(_ASK, row).scalar_one())


def number_above(connection: Connection, number: int) -> None:
    """Let the next request have a higher number: a database that was set back would give the same ones again.

    Never below what was drawn, by whoever has not committed yet.
    """
    connection.execute(_NUMBER_ABOVE, {"number": number})


def restrict_again(connection: Connection, report: ReportId, asked_at: datetime, excuse: Excuse) -> int:
    """Write down a restriction that the database has lost, as it was asked for; tells its new number."""
    row = {"report": report, "by": excuse.by, "reason": excuse.reason, "at": asked_at}
    return int(connection.execute(_RESTRICT_AGAIN, row).scalar_one())


def lift_again(connection: Connection, report: ReportId, ended_at: datetime, excuse: Excuse) -> int:
    """End one that the database has back, under a number that triage has never heard of; tells it."""
    row = {"report": report, "by": excuse.by, "reason": excuse.reason, "at": ended_at}
    return int(connection.execute(_LIFT_AGAIN, row).scalar_one())


def unsent(connection: Connection) -> Mapping[ReportId, tuple[int, bool]]:
    """Of each report whose last restriction triage has not carried out: its number, and whether it was lifted."""
    return {ReportId(row.report_id): (row.number, row.is_lifted) for row in connection.execute(_UNSENT)}


def lift(connection: Connection, report: ReportId, excuse: Excuse) -> int | None:
    """End a restriction; tells its number, or None where none is in force."""
    row = {"report": report, "by": excuse.by, "reason": excuse.reason}
    return connection.execute(_LIFT, row).scalar_one_or_none()


def unsent_lift(connection: Connection, report: ReportId) -> int | None:
    """The number of a restriction that ended although triage never heard of it; None while another one is in force."""
    return connection.execute(_UNSENT_LIFT, {"report": report}).scalar_one_or_none()


def _request(row: Row[tuple[object, ...]]) -> Request:
    found = {name: row._mapping[name] for name in Request.__struct_fields__}
    return Request(**(found | {"kind": Kind(row.kind)}))


RESTRICTED: Final = Query(
    text("select report_id::text, number from subject_requests where kind = 'restrict' and ended_at is null")
)
"""Triage asks it, too: it may read the table, and needs the reports alone."""
_RESTRICTED_OF: Final = text(
    "select report_id::text from subject_requests where kind = 'restrict' and ended_at is null "
    "and report_id = any(cast(:reports as uuid[]))"
)
_IN_FORCE: Final = text("""
    select number, report_id::text, kind, field, reason, asked_by, asked_at from subject_requests s
    where report_id = any(cast(:reports as uuid[])) and ended_at is null
    and not (kind = 'correct' and exists (
        select 1 from decisions later
        where later.report_id = s.report_id and later.ruling = 0 and later.revision > 1 and later.at > s.asked_at))
    order by number
""")
_ASK: Final = text("""
    insert into subject_requests (report_id, kind, field, reason, asked_by)
    values (cast(:report as uuid), :kind, :field, :reason, :by)
    on conflict (report_id, kind, field) where ended_at is null
    do update set kind = excluded.kind returning number
""")
_NUMBER_ABOVE: Final = text("""
    select setval(pg_get_serial_sequence('subject_requests', 'number'),
                  greatest(:number, nextval(pg_get_serial_sequence('subject_requests', 'number')),
                           (select max(number) from subject_requests)))
""")
_RESTRICT_AGAIN: Final = text("""
    insert into subject_requests (report_id, kind, reason, asked_by, asked_at)
    values (cast(:report as uuid), 'restrict', :reason, :by, :at)
    on conflict (report_id, kind, field) where ended_at is null
    do update set kind = excluded.kind returning number
""")
_LIFT_AGAIN: Final = text("""
    update subject_requests set number = default, ended_by = :by, ended_at = :at, ended_because = :reason
    where report_id = cast(:report as uuid) and kind = 'restrict' and ended_at is null returning number
""")
_UNSENT: Final = text("""
    select report_id::text, number, is_lifted from (
        select distinct on (report_id) report_id, number, ended_at is not null as is_lifted
        from subject_requests where kind = 'restrict' order by report_id, number desc) last
    where not exists (
        select 1 from rulings r where r.report_id = last.report_id
        and r.occasion = case when is_lifted then 'lifted:' else 'restricted:' end || number)
""")
_LIFT: Final = text("""
    update subject_requests set ended_by = :by, ended_at = now(), ended_because = :reason
    where report_id = cast(:report as uuid) and kind = 'restrict' and ended_at is null returning number
""")
_UNSENT_LIFT: Final = text("""
    select max(number) from subject_requests s
    where report_id = cast(:report as uuid) and kind = 'restrict' having every(ended_at is not null)
    and not exists (select 1 from rulings where report_id = cast(:report as uuid)
                    and occasion = 'lifted:' || max(s.number))
""")
