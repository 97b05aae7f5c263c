"""What two people take back: written into the log first, then given to triage, which tells each member that had it."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
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
_SUBJECT: Final = re.compile(
    r"report (?P<report>\S+)|label (?P<labelled>[^\s/]+)/(?P<content>\S*)|member (?P<member>\S+) since (?P<since>\S+)"
)


class Recall(Struct, frozen=True, kw_only=True):
    """One report that goes back as a whole, or, where `labels` names items, what recipients said of those."""

    target: Target
    labels: tuple[Labelled, ...] = ()
    has_record: bool = True
    """Without it no copy can be made without the labels, and whoever may have a copy with them gives that up."""

    @property
    def holders(self) -> tuple[MemberId, ...]:
        """Whom it concerns, by what is known now."""
        spared = () if self.has_record else self.target.unlabelled
        return tuple(member for member in self.target.holders if member not in spared)


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


def by_records(recalls: Sequence[Recall], starts: Mapping[tuple[str, int], int]) -> tuple[Recall, ...]:
    """The same recalls, with whether the record of each labelled report is still on its topic.

    `starts`: the first offset that each partition still has.
    """
    return tuple(replace(one, has_record=not one.labels or _is_there(one.target.source, starts)) for one in recalls)


def _is_there(source: Coordinate, starts: Mapping[tuple[str, int], int]) -> bool:
    """A topic that is not there has no record at all."""
    return source.offset >= starts.get((source.topic, source.partition), source.offset + 1)


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
    who = ", ".join(one.holders) or "nobody"
    has = "has" if one.has_record else "may have: its record is gone, and each such copy goes back as a whole"
    for labelled in one.labels:
        what = f"what {', '.join(labelled.members)} said of item {labelled.content_id or '(the page)'} of report"
        yield f"{what} {target.report_id}, which {who} {has}"
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
    spared = () if one.has_record else one.target.unlabelled
    return replace(ruling_on(one.target, order, cause, occasion), unchanged=spared)


def _instant(written: str) -> datetime:
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None:
        raise Refused(message("recall.subject"), code="recall.subject")
    return found.astimezone(UTC)
