"""A person's decision on what waits: checked, written down, and then given to triage as a ruling."""

import time
from typing import Any, Final

from sqlalchemy import Row, text

from processors.again import reopened_for
from processors.intake import Door
from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId, ReportId, ruling_id_of
from schemas.records.ruling import Ruling, RulingCause
from schemas.records.values import Coordinate
from tocsin.runtime.audit.recording import record_act
from tocsin.runtime.audit.statements import Act as LoggedAct
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.ledger import queue
from tocsin.runtime.ledger.queue import Act, Holder, Ruled, Waiting
from tocsin.runtime.ledger.subject_requests import restricted
from tocsin.runtime.ledger.suspensions import barred
from tocsin.runtime.records import Records
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings
from tocsin.stack.membership import latest
from tocsin.stack.rulings import carried_out


def decide(settings: Settings, ruled: Ruled) -> bool:
    """Whether triage has carried it out already; raises Refused where nothing of that number waits, another decision
    stands, or a rule is against it.
    """
    database = database_of(settings)
    try:
        with database.transaction() as connection:
            entry = queue.find(connection, ruled.number)
        if ruled.act is Act.REFER:
            _require_possible(settings, database, entry, ruled.members)
        with database.transaction() as connection:
            queue.record(connection, ruled)
            record_act(connection, act_on(entry, ruled), time.time_ns() // 1_000_000)
            holders = queue.holders(connection, entry.report_id)
        ruling = _ruling(entry, ruled, tuple(holder.member for holder in holders))
        return carried_out(settings, database, [ruling])
    finally:
        database.close()


def act_on(entry: Waiting, ruled: Ruled) -> LoggedAct:
    """Who decided what about which report, and why, as the audit log keeps it."""
    which = f"the report {entry.report_id} of {entry.submitter}"
    done = {
        Act.REFER: f"referred {which} to {', '.join(ruled.members)}",
        Act.CLOSE: f"decided that nobody else gets {which}",
    }
    delivery = f", a delivery to {entry.recipient}" if entry.recipient else ""
    return LoggedAct(
        person=ruled.by,
        reason=ruled.reason,
        command="queue decide",
        what=f"{done[ruled.act]}, on entry {ruled.number} of the queue{delivery}",
        member=MemberId(entry.submitter),
        report=ReportId(entry.report_id),
    )


def tell_of_hold(settings: Settings, report: ReportId, by: str) -> int:
    """Every hotline that has the report gets a new copy, which says whether notices are held; tells how many do."""
    database = database_of(settings)
    try:
        with database.transaction() as connection:
            row = connection.execute(_LATEST, {"report": report}).first()
            holders = queue.holders(connection, report)
        return 0 if row is None else _tell(settings, database, (report, by, row), holders)
    finally:
        database.close()


def _tell(
    settings: Settings, database: Database, about: tuple[ReportId, str, Row[Any]], holders: tuple[Holder, ...]
) -> int:
    report, by, row = about
    members = latest(settings).members
    hotlines = [one.member for one in holders if one.member in members and members[one.member].sector == "hotline"]
    ruling = Ruling(
        ruling_id=ruling_id_of(report, row.revision, f"hold:{time.time_ns()}"),
        report_id=report,
        revision=row.revision,
        submitter=row.member,
        source=Coordinate(topic_id=row.topic_id, topic=row.topic, partition=row.partition, offset=row.log_offset),
        cause=RulingCause.HOLD,
        decided_by=by,
        unchanged=tuple(holder.member for holder in holders if holder.member not in hotlines),
    )
    carried_out(settings, database, [ruling])
    return len(hotlines)


def _ruling(entry: Waiting, ruled: Ruled, unchanged: tuple[MemberId, ...]) -> Ruling:
    return Ruling(
        ruling_id=ruling_id_of(
            ReportId(entry.report_id), entry.revision, f"queue:{ruled.number}:{ruled.act}:{','.join(ruled.members)}"
        ),
        report_id=ReportId(entry.report_id),
        revision=entry.revision,
        submitter=MemberId(entry.submitter),
        source=entry.source,
        cause=RulingCause.PERSON,
        occasion=f"queue:{ruled.number}",
        decided_by=ruled.by,
        reason=ruled.reason,
        unchanged=unchanged,
        chosen=ruled.members,
        closed=ruled.act is Act.CLOSE,
    )


def _require_possible(settings: Settings, database: Database, entry: Waiting, members: tuple[MemberId, ...]) -> None:
    """The same rules that triage applies, asked before anything is written down."""
    with database.transaction() as connection:
        bundle = latest(settings).suspending(barred(connection).keys())
        if entry.report_id in restricted(connection):
            raise Refused(message("route.restricted"), code="route.restricted")
    raw = Records(settings.kafka)([entry.source]).get(entry.source)
    if raw is None:
        raise Refused(message("queue.nobody_yet"), code="queue.nobody_yet")
    opener = Opener.beside_triage(settings.trust, lambda: time.time_ns() // 1_000_000)
    codec = RecordCodec(SchemaDirectory(settings.registry))
    door = Door(member=MemberId(""), bundle=bundle, codec=codec, opener=opener)
    for member, rule in reopened_for(raw, door, members):
        if rule:
            raise Refused(message("queue.not_possible", member=member, why=message(rule)), code="queue.not_possible")


_LATEST: Final = text("""
    select r.revision, r.member, r.log_offset, s.topic_id, s.topic, s.partition
    from report_revisions r join streams s using (stream)
    where r.report_id = cast(:report as uuid) and not r.withdrawn and r.log_offset >= 0
    order by r.revision desc limit 1
""")
