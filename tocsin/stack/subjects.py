"""What is done for somebody whom reports are about: reports are only kept, go on again, or their submitter is asked.

Written into the ledger and the audit log first, then carried out. What a command was interrupted in is finished by the
same command, and is carried out once.
"""

import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace
from sqlalchemy import Connection

from processors.letters import status_id
from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.answers import Question, Status, StatusKind
from schemas.records.identifiers import ReportId
from schemas.records.report import PersonalPart, ReportSubmitted
from schemas.records.ruling import Ruling, RulingCause
from schemas.records.values import Instant
from tocsin.runtime.audit.recording import record_act
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.database import Database, one_transaction
from tocsin.runtime.ledger import recalling, subject_requests
from tocsin.runtime.ledger.recalling import Target
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.ledger.subject_requests import Kind
from tocsin.runtime.settings import Settings
from tocsin.stack.restrictions import Entry, Restrictions, is_kept
from tocsin.stack.rulings import carried_out, send
from tocsin.stack.targeted import act_on, ruling_on
from tocsin.stack.telling import tell

COMMAND: Final = "subject"
CORRECT: Final = "subject.correct"
_RESTORED: Final = Excuse(by="the register", reason="the database was restored from an older backup")
_FIELDS: Final = frozenset(ReportSubmitted.__struct_fields__) | frozenset(PersonalPart.__struct_fields__)
_FIELD: Final = re.compile(r"(?P<root>[a-z_]+)(\[\d{0,4}\])?(\.[a-z_]+(\[\d{0,4}\])?)*")


def restrict(settings: Settings, database: Database, reports: Sequence[ReportId], order: Excuse) -> bool:
    """Whether triage has taken each report back from everybody who has it. May raise Temporary."""
    register = Restrictions(settings.state)  # one that cannot be used is found before anything is done
    with database.transaction() as connection:
        subject_requests.number_above(connection, register.highest)
        asked = [(one, _asked(connection, one, Kind.RESTRICT, order)) for one in _targets(connection, reports)]
    _enter(register, asked, order, is_lifted=False)
    return carried_out(settings, database, _rulings(_newest(database, asked), order, RulingCause.RESTRICTED))


def lift(settings: Settings, database: Database, reports: Sequence[ReportId], order: Excuse) -> bool:
    """Whether triage has given each report out again. Raises Refused where none of them is restricted."""
    register = Restrictions(settings.state)
    with database.transaction() as connection:
        ended = list(_lifted(connection, _targets(connection, reports), order))
    if not ended:
        raise Refused(message("subject.not_restricted"), code="subject.not_restricted")
    _enter(register, ended, order, is_lifted=True)
    return carried_out(settings, database, _rulings(_newest(database, ended), order, RulingCause.LIFTED))


def again(settings: Settings, database: Database) -> tuple[int, int]:
    """How many restrictions the register has in force, and how many orders the database had lost and has again.

    Does not wait for triage, which may be stopped; what an older command was interrupted in is sent as well.
    """
    register = Restrictions(settings.state)
    with database.transaction() as connection:
        lost = register.differing(subject_requests.restriction_numbers(connection))
        subject_requests.number_above(connection, register.highest)
        found = [replace(entry, number=_restored(connection, entry)) for entry in lost]
    for entry in found:
        register.add(entry)
    send(settings, _unsent(database))
    return len(register.in_force()), len(lost)


def lost(ops: Settings) -> int:
    """How many orders the database has lost; of a register that this process may read."""
    if not is_kept(ops.state):
        return 0
    with one_transaction(ops) as connection:
        return len(Restrictions(ops.state).differing(subject_requests.restriction_numbers(connection)))


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


def _enter(register: Restrictions, asked: Sequence[tuple[Target, int]], order: Excuse, *, is_lifted: bool) -> None:
    """Beside the database, before triage hears of it."""
    at_ms = time.time_ns() // 1_000_000
    for one, number in asked:
        register.add(
            Entry(
                report_id=one.report_id,
                number=number,
                by=order.by,
                reason=order.reason,
                at_ms=at_ms,
                is_lifted=is_lifted,
            )
        )


def _unsent(database: Database) -> Iterator[Ruling]:
    with database.transaction() as connection:
        orders = subject_requests.unsent(connection)
        known = recalling.targets(connection, list(orders))
    for one in known:
        if not (one.erased or one.recalled):
            number, is_lifted = orders[one.report_id]
            cause = RulingCause.LIFTED if is_lifted else RulingCause.RESTRICTED
            yield from _rulings([(one, number)], _RESTORED, cause)


def _restored(connection: Connection, entry: Entry) -> int:
    at, excuse = datetime.fromtimestamp(entry.at_ms / 1000, UTC), Excuse(by=entry.by, reason=entry.reason)
    once_more = subject_requests.lift_again if entry.is_lifted else subject_requests.restrict_again
    number = once_more(connection, entry.report_id, at, excuse)
    done = "lifted again the restriction of" if entry.is_lifted else "restricted again"
    what = f"{done} the report {entry.report_id}"
    act = Act(person=_RESTORED.by, reason=_RESTORED.reason, command=COMMAND, what=what, report=entry.report_id)
    record_act(connection, act, time.time_ns() // 1_000_000)
    return number


def _newest(database: Database, asked: Sequence[tuple[Target, int]]) -> list[tuple[Target, int]]:
    """The same with the latest revision of each, read after the order was committed.

    Triage claims a revision first, and then asks what is only kept: it sees the order, or the order names the revision.
    """
    with database.transaction() as connection:
        known = {one.report_id: one for one in recalling.targets(connection, [one.report_id for one, _ in asked])}
    return [(known.get(one.report_id, one), number) for one, number in asked]


def _asked(connection: Connection, target: Target, kind: Kind, order: Excuse, field: str = "") -> int:
    number = subject_requests.ask(connection, target.report_id, (kind, field), order)
    what = "restricted" if kind is Kind.RESTRICT else f"asked {target.submitter} to correct {field} of"
    _note(connection, target, order, what)
    return number


def _lifted(connection: Connection, targets: Sequence[Target], order: Excuse) -> Iterator[tuple[Target, int]]:
    for target in targets:
        number = subject_requests.lift(connection, target.report_id, order)
        if number is not None:
            _note(connection, target, order, "lifted the restriction of")
        else:
            number = subject_requests.unsent_lift(connection, target.report_id)
        if number is not None:
            yield target, number


def _note(connection: Connection, target: Target, order: Excuse, what: str) -> None:
    act = act_on(target, order, COMMAND, f"{what} the report {target.report_id}")
    record_act(connection, act, time.time_ns() // 1_000_000)


def _rulings(asked: Sequence[tuple[Target, int]], order: Excuse, cause: RulingCause) -> Iterator[Ruling]:
    """One for each report, named after its request."""
    for target, number in asked:
        yield ruling_on(target, order, cause, f"{cause.lower()}:{number}")


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
