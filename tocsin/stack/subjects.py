"""What is done for somebody whom reports are about: reports are only kept, go on again, or their submitter is asked.

Written into the ledger and the audit log first, then carried out; what is interrupted in between is finished by the
same command, and is carried out once.
"""

import re
import time
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection

from processors.letters import status_id
from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.answers import Question, Status, StatusKind
from schemas.records.identifiers import ReportId, ruling_id_of
from schemas.records.report import PersonalPart, ReportSubmitted
from schemas.records.ruling import Ruling, RulingCause
from schemas.records.values import Instant
from tocsin.runtime.audit.recording import record_act
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.database import Database
from tocsin.runtime.ledger import recalling, subject_requests
from tocsin.runtime.ledger.recalling import Target
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.ledger.subject_requests import Kind
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings
from tocsin.stack.rulings import Rulings
from tocsin.stack.telling import tell

COMMAND: Final = "subject"
CORRECT: Final = "subject.correct"
_FIELDS: Final = frozenset(ReportSubmitted.__struct_fields__) | frozenset(PersonalPart.__struct_fields__)
_FIELD: Final = re.compile(r"(?P<root>[a-z_]+)(\[\d{0,4}\])?(\.[a-z_]+(\[\d{0,4}\])?)*")
_WAIT_SECONDS: Final = 15.0
"""Longer than triage takes; a person waits no longer for it."""


def restrict(settings: Settings, database: Database, reports: Sequence[ReportId], order: Excuse) -> bool:
    """Whether triage has taken each report back from everybody who has it. May raise Temporary."""
    with database.transaction() as connection:
        asked = [(one, _asked(connection, one, Kind.RESTRICT, order)) for one in _targets(connection, reports)]
    return _carry_out(settings, database, asked, (RulingCause.RESTRICTED, order))


def lift(settings: Settings, database: Database, reports: Sequence[ReportId], order: Excuse) -> bool:
    """Whether triage has given each report out again. Raises Refused where none of them is restricted."""
    with database.transaction() as connection:
        ended = list(_lifted(connection, _targets(connection, reports), order))
    if not ended:
        raise Refused(message("subject.not_restricted"), code="subject.not_restricted")
    return _carry_out(settings, database, ended, (RulingCause.LIFTED, order))


def correct(
    settings: Settings, database: Database, reports: Sequence[ReportId], field: str, order: Excuse
) -> Sequence[Target]:
    """Ask each report's submitter for another value of a field; tells of which reports. May raise Temporary."""
    known_field(field)
    with database.transaction() as connection:
        asked = [(one, _asked(connection, one, Kind.CORRECT, order, field)) for one in _targets(connection, reports)]
    at_ms = time.time_ns() // 1_000_000
    tell(settings, (_question(target, number, field, at_ms) for target, number in asked))
    return [target for target, _ in asked]


def known_field(field: str) -> None:
    """Raise Refused for what is no path of a report's fields."""
    found = _FIELD.fullmatch(field)
    if found is None or found["root"] not in _FIELDS:
        raise Refused(message("subject.unknown_field"), code="subject.unknown_field")


def _targets(connection: Connection, reports: Sequence[ReportId]) -> list[Target]:
    """Those that are neither erased nor taken back for good; raises Refused where nothing is left."""
    found = [one for one in recalling.targets(connection, reports) if not (one.erased or one.recalled)]
    if not found:
        raise Refused(message("recall.nothing"), code="recall.nothing")
    return found


def _asked(connection: Connection, target: Target, kind: Kind, order: Excuse, field: str = "") -> int:
    number = subject_requests.ask(connection, target.report_id, (kind, field), order)
    what = "restricted" if kind is Kind.RESTRICT else f"asked {target.submitter} to correct {field} of"
    record_act(connection, _act(target, order, f"{what} the report {target.report_id}"), time.time_ns() // 1_000_000)
    return number


def _lifted(connection: Connection, targets: Sequence[Target], order: Excuse) -> Iterator[tuple[Target, int]]:
    for target in targets:
        number = subject_requests.lift(connection, target.report_id, order)
        if number is not None:
            what = f"lifted the restriction of the report {target.report_id}"
            record_act(connection, _act(target, order, what), time.time_ns() // 1_000_000)
            yield target, number


def _act(target: Target, order: Excuse, what: str) -> Act:
    return Act(
        person=order.by,
        reason=order.reason,
        command=COMMAND,
        what=what,
        member=target.submitter,
        report=target.report_id,
    )


def _carry_out(
    settings: Settings, database: Database, asked: Sequence[tuple[Target, int]], why: tuple[RulingCause, Excuse]
) -> bool:
    rulings = Rulings(settings, RecordCodec(SchemaDirectory(settings.registry)))
    rulings.send((_ruling(target, number, why) for target, number in asked), time.time_ns() // 1_000_000)
    return rulings.settled(database, _WAIT_SECONDS)


def _ruling(target: Target, number: int, why: tuple[RulingCause, Excuse]) -> Ruling:
    """The same request has the same id: said again, it is carried out once."""
    cause, order = why
    occasion = f"{cause.lower()}:{number}"
    return Ruling(
        ruling_id=ruling_id_of(target.report_id, target.revision, occasion),
        report_id=target.report_id,
        revision=target.revision,
        submitter=target.submitter,
        submitter_reference=target.submitter_reference,
        mark=target.mark,
        source=target.source,
        cause=cause,
        occasion=occasion,
        decided_by=order.by,
        reason=order.reason,
    )


def _question(target: Target, number: int, field: str, at_ms: int) -> Status:
    return Status(
        status_id=status_id(f"{target.report_id}#subject:{number}", target.revision, StatusKind.QUESTION),
        member=target.submitter,
        report_id=target.report_id,
        submitter_reference=target.submitter_reference,
        revision=target.revision,
        mark=target.mark,
        kind=StatusKind.QUESTION,
        at=Instant(epoch_ms=at_ms),
        code=CORRECT,
        field=field,
        question=Question(code=CORRECT, field=field),
    )
