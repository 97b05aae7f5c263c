"""Holds that police put on notices to hosts: owner, reason, until when, and when somebody is reminded."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Row, text

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId, ReportId
from tocsin.runtime.pipeline import Query


class Hold(Struct, frozen=True, kw_only=True):
    """One that is in force: until it ends, no notice about the report should go to a host."""

    number: int
    report_id: ReportId
    owner: MemberId
    reason: str
    set_by: str
    set_at: datetime
    expires_at: datetime
    remind_at: datetime

    def needs_a_word(self, now: datetime) -> bool:
        """Whether its owner should say now whether it is still needed."""
        return self.remind_at <= now


class NewHold(Struct, frozen=True, kw_only=True):
    """What a police unit asks for."""

    report_id: ReportId
    owner: MemberId
    reason: str
    set_by: str
    expires_at: datetime
    remind_at: datetime


class AskedHold(Struct, frozen=True, kw_only=True):
    """What a police unit's own return asks for; no end releases what it holds."""

    return_id: str
    report_id: ReportId
    owner: MemberId
    reason: str
    asked_at: datetime
    expires_at: datetime | None
    remind_at: datetime | None


def holds(connection: Connection, report: str = "") -> Sequence[Hold]:
    """Those in force, the one that ends first foremost; of one report where it is named."""
    return [_hold(row) for row in connection.execute(_IN_FORCE, {"report": report})]


def held_in(rows: Iterable[Any]) -> frozenset[ReportId]:
    """The reports under a hold now, as HELD answers."""
    return frozenset(ReportId(row.report_id) for row in rows)


def put(connection: Connection, new: NewHold) -> int:
    """Put a hold on a report that the owner has; tells its number. Raises Refused for any other report."""
    row = {name: getattr(new, name) for name in NewHold.__struct_fields__}
    if connection.execute(_HAS_IT, row).first() is None:
        raise Refused(message("hold.not_a_holder", owner=new.owner), code="hold.not_a_holder")
    return int(connection.execute(_PUT, row).scalar_one())


def keeping_asked(asked: AskedHold) -> Query:
    """Puts a hold that a police unit asked for, instead of its earlier one, or ends that; once for each return."""
    row = {name: getattr(asked, name) for name in AskedHold.__struct_fields__}
    return Query(_RELEASE_ASKED if asked.expires_at is None else _PUT_ASKED, row)


def release(connection: Connection, number: int, by: str) -> ReportId:
    """End a hold before its time; tells which report is free of it. Raises Refused where none is in force."""
    row = connection.execute(_RELEASE, {"number": number, "by": by}).first()
    if row is None:
        raise Refused(message("hold.unknown", number=number), code="hold.unknown")
    return ReportId(str(row.report_id))


def remind(connection: Connection) -> int:
    """Put into the queue every hold that ends soon, once each; tells how many."""
    return connection.execute(_REMIND).rowcount


def _hold(row: Row[Any]) -> Hold:
    return Hold(**{name: row._mapping[name] for name in Hold.__struct_fields__})


_IN_FORCE: Final = text("""
    select number, report_id::text, owner, reason, set_by, set_at, expires_at, remind_at from lea_holds
    where released_at is null and expires_at > now() and (:report = '' or report_id::text = :report)
    order by expires_at, number
""")
HELD: Final = Query(_IN_FORCE, {"report": ""})
_HAS_IT: Final = text(
    "select 1 from referrals where report_id = cast(:report_id as uuid) and recipient = :owner and not withdrawal"
)
_PUT: Final = text(
    "insert into lea_holds (report_id, owner, reason, set_by, expires_at, remind_at) "
    "values (cast(:report_id as uuid), :owner, :reason, :set_by, :expires_at, :remind_at) returning number"
)
_RELEASE: Final = text(
    "update lea_holds set released_by = :by, released_at = now() "
    "where number = :number and released_at is null and expires_at > now() returning report_id"
)
_PUT_ASKED: Final = text("""
    with fresh as (
        insert into lea_holds (report_id, owner, reason, set_by, set_at, expires_at, remind_at, return_id)
        values (cast(:report_id as uuid), cast(:owner as text), cast(:reason as text), cast(:owner as text), :asked_at,
                :expires_at, :remind_at, :return_id)
        on conflict (return_id) do nothing returning number, report_id, owner, set_at
    )
    update lea_holds earlier set released_by = fresh.owner, released_at = now() from fresh
    where earlier.report_id = fresh.report_id and earlier.owner = fresh.owner and earlier.released_at is null
    and earlier.set_at <= fresh.set_at
""")
_RELEASE_ASKED: Final = text("""
    update lea_holds set released_by = :owner, released_at = now()
    where report_id = cast(:report_id as uuid) and owner = :owner and released_at is null and set_at <= :asked_at
""")
"""A release that is read again after the next hold does not end that one."""
_REMIND: Final = text("""
    with due as (
        update lea_holds set reminded_at = now()
        where reminded_at is null and released_at is null and remind_at <= now() returning *
    )
    insert into queue (stream, log_offset, cause, report_id, revision, referral_id, recipient, submitter,
                       submitter_reference, mark, tier, reasons, recipients, deadline, ends)
    select distinct on (due.number) r.stream, r.log_offset, 'hold:' || due.number, r.report_id, r.revision,
           r.referral_id, due.owner, r.submitter, r.submitter_reference, r.mark, r.tier, array['hold.ends'], 1,
           due.expires_at, array[]::text[]
    from due join referrals r on r.report_id = due.report_id and r.recipient = due.owner and not r.withdrawal
    order by due.number, r.revision desc
    on conflict do nothing
""")
