"""What two people take back: written into the log first, then given to triage, which tells each member that had it."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import Connection

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import ContentId, MemberId, ReportId
from schemas.records.ruling import Ruling, RulingCause
from schemas.records.values import Coordinate
from tocsin.runtime.audit.recording import record_act
from tocsin.runtime.database import Database
from tocsin.runtime.ledger import recalling
from tocsin.runtime.ledger.addressing import is_id
from tocsin.runtime.ledger.recalling import Labelled, Target
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.settings import Settings
from tocsin.stack.rulings import carried_out
from tocsin.stack.targeted import act_on, ruling_on

COMMAND: Final = "recall"
_MOST_NAMED: Final = 20
_SUBJECT: Final = re.compile(
    r"report (?P<report>\S+)|label (?P<labelled>[^\s/]+)/(?P<content>\S*)|member (?P<member>\S+) since (?P<since>\S+)"
)


class Recall(Struct, frozen=True, kw_only=True):
    """One report that goes back as a whole, or, where `labels` names items, what recipients said of those."""

    target: Target
    labels: tuple[Labelled, ...] = ()


def recalls_for(connection: Connection, subject: str) -> tuple[Recall, ...]:
    """What a subject means now, as `report ID`, `label ID/CONTENT` or `member NAME since TIME`.

    Raises Refused for what is none of these, and for what the exchange does not hold.
    """
    found = _SUBJECT.fullmatch(subject)
    if found is None:
        raise Refused(message("recall.subject"), code="recall.subject")
    if found["report"]:
        return _of_reports(connection, [ReportId(found["report"])])
    if found["labelled"]:
        return _of_label(connection, ReportId(found["labelled"]), ContentId(found["content"]))
    return _of_member(connection, MemberId(found["member"]), _instant(found["since"]))


def require_records(recalls: Sequence[Recall], starts: Mapping[tuple[str, int], int]) -> None:
    """A label is taken back by deciding its report again, from its record; raises Refused where one has left its topic.

    `starts`: the first offset that each partition still has.
    """
    labelled = [one.target for one in recalls if one.labels]
    gone = [one.report_id for one in labelled if one.source.offset < _start(one.source, starts)]
    if gone:
        which = ", ".join(gone[:_MOST_NAMED]) + (f" and {len(gone) - _MOST_NAMED} more" if gone[_MOST_NAMED:] else "")
        raise Refused(message("recall.record_gone", reports=which), code="recall.record_gone")


def _start(source: Coordinate, starts: Mapping[tuple[str, int], int]) -> int:
    """A topic that is not there has no record at all."""
    return starts.get((source.topic, source.partition), source.offset + 1)


def recall(database: Database, settings: Settings, recalls: Sequence[Recall], order: Excuse) -> bool:
    """Whether triage has carried all of it out already. May raise Temporary: then the same command goes on."""
    at_ms = time.time_ns() // 1_000_000
    with database.transaction() as connection:
        for one in recalls:
            for labelled in one.labels:
                recalling.disregard(connection, labelled)
            what = "; ".join(lines(one))
            record_act(connection, act_on(one.target, order, COMMAND, f"took back {what}"), at_ms)
    return carried_out(settings, database, (_ruling(one, order) for one in recalls))


def lines(one: Recall) -> Iterator[str]:
    """What it takes back, and from whom, for a person."""
    target = one.target
    who = ", ".join(target.holders) or "nobody"
    for labelled in one.labels:
        what = f"what {', '.join(labelled.members)} said of item {labelled.content_id or '(the page)'} of report"
        yield f"{what} {target.report_id}, which {who} has"
    if not one.labels:
        again = ": taken back before" if target.recalled else ""
        yield f"report {target.report_id} of {target.submitter}, which {who} has{again}"


def _of_reports(connection: Connection, reports: Sequence[ReportId]) -> tuple[Recall, ...]:
    """Those of them that are not erased; raises Refused where nothing is left."""
    known = recalling.targets(connection, [one for one in reports if is_id(one)])
    found = tuple(Recall(target=target) for target in known if not target.erased)
    if not found:
        raise Refused(message("recall.nothing"), code="recall.nothing")
    return found


def _of_label(connection: Connection, report: ReportId, content: ContentId) -> tuple[Recall, ...]:
    labels = recalling.labels_on(connection, report, content) if is_id(report) else ()
    if not labels:
        raise Refused(message("recall.nothing"), code="recall.nothing")
    return _relabelled(connection, labels)


def _of_member(connection: Connection, member: MemberId, since: datetime) -> tuple[Recall, ...]:
    """Its reports, and what it said of others' reports; a report of its own goes back as a whole."""
    own = recalling.reports_of(connection, member, since)
    labels = [one for one in recalling.labels_of(connection, member, since) if one.report_id not in own]
    reports = _of_reports(connection, own) if own else ()
    found = (*reports, *_relabelled(connection, labels))
    if not found:
        raise Refused(message("recall.nothing"), code="recall.nothing")
    return found


def _relabelled(connection: Connection, labels: Sequence[Labelled]) -> tuple[Recall, ...]:
    known = recalling.targets(connection, [one.report_id for one in labels])
    return tuple(
        Recall(target=target, labels=tuple(one for one in labels if one.report_id == target.report_id))
        for target in known
        if not (target.erased or target.recalled)
    )


def _ruling(one: Recall, order: Excuse) -> Ruling:
    cause = RulingCause.LABEL_RECALLED if one.labels else RulingCause.RECALLED
    occasion = ":".join((str(cause).lower(), *(f"{each.content_id}@{each.last}" for each in one.labels)))
    return ruling_on(one.target, order, cause, occasion)


def _instant(written: str) -> datetime:
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None:
        raise Refused(message("recall.subject"), code="recall.subject")
    return found.astimezone(UTC)
