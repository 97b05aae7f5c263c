"""One order to erase a report: carried out in PostgreSQL, written into the register, told to whoever has it."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from processors.letters import status_id
from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.values import Instant
from schemas.topics import LONGEST_MS
from tocsin.runtime.audit.recording import record_act
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger import erasing
from tocsin.runtime.ledger.erasing import Held
from tocsin.runtime.ledger.legal_holds import legal_holds
from tocsin.runtime.settings import Settings
from tocsin.stack.erasures import Register, is_kept
from tocsin.stack.telling import tell

COMMAND: Final = "erase"


class Order(Struct, frozen=True, kw_only=True):
    """Who erases, and why; it is kept, so it names nobody whom the report is about."""

    by: str
    reason: str
    at_ms: int


def found(connection: Connection, report: ReportId) -> Held:
    """What is held of it; raises Refused where nothing is known of it."""
    held = erasing.held(connection, report)
    if held is None:
        raise Refused(message("erase.no_report"), code="erase.no_report")
    return held


def require_free(connection: Connection, report: ReportId) -> None:
    """Raise Refused, with who holds it until when, where a legal hold is in force."""
    for hold in legal_holds(connection, report):
        until = f"{hold.expires_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        raise Refused(message("erase.held", owner=hold.owner, until=until), code="erase.held")


def gone_by(held: Held) -> datetime:
    """When the last Kafka segment that may hold a record of it is deleted, at the latest."""
    return held.last_at.astimezone(UTC) + timedelta(milliseconds=LONGEST_MS)


def erase(
    database: Database, register: Register, report: ReportId, order: Order, tell_of: Callable[[Held], None]
) -> Held:
    """Carry it out, and tell what was held; raises Refused where a hold wins.

    What is interrupted in between is finished by the same command; twice changes nothing.
    """
    with database.transaction() as connection:
        held = found(connection, report)
        require_free(connection, report)
        erasing.erase(connection, report)
        what = f"erased the report {report}"
        act = Act(person=order.by, reason=order.reason, command=COMMAND, what=what)
        record_act(connection, replace(act, member=held.submitter, report=report), order.at_ms)
    register.add(report, order.at_ms)
    tell_of(held)
    return held


def restored(database: Database, register: Register) -> list[ReportId]:
    """What the register says was erased and the database has: it was restored from an older backup."""
    with database.transaction() as connection:
        return [report for batch in erasing.known(connection) for report in register.among(batch)]


def came_back(ops: Settings) -> int:
    """How many erased reports the database holds again; of a register that this process may read."""
    if not is_kept(ops.state):
        return 0
    database = database_of(ops)
    try:
        return len(restored(database, Register(ops.state)))
    finally:
        database.close()


def told(settings: Settings) -> Callable[[Held], None]:
    """Who sends the order to each member that has or had the report. It may raise Temporary."""

    def tell_of(held: Held) -> None:
        tell(settings, orders(held, time.time_ns() // 1_000_000))

    return tell_of


def orders(held: Held, at_ms: int) -> Iterator[Status]:
    """One for the submitter's journal, one for each recipient's inbox and sinks; they carry ids alone."""
    yield _order(held.report_id, held.submitter, at_ms)
    for copy in held.copies:
        yield replace(_order(held.report_id, copy.member, at_ms), referral_id=copy.referral_id, mark=copy.mark)


def _order(report: ReportId, member: MemberId, at_ms: int) -> Status:
    return Status(
        status_id=status_id(f"{report}#{member}#{at_ms}", 0, StatusKind.ERASE),
        member=member,
        report_id=report,
        kind=StatusKind.ERASE,
        at=Instant(epoch_ms=at_ms),
        code="erasure.ordered",
    )


def lines(held: Held) -> Iterable[str]:
    """Place by place, what it has, for a person."""
    yield f"report {held.report_id} of {held.submitter}{': erased before' if held.erased else ''}"
    for place, count in held.rows.items():
        yield f"  PostgreSQL {place}: {count} rows with content"
    yield from map(_letter, held.letters)
    yield f"  journal of {held.submitter}: the order goes to its status topic; a journal does not answer"
    for copy in held.copies:
        yield f"  inbox and sinks of {copy.member}: {_word(copy)}"
    yield f"  Kafka: the last segment with a record of it goes by {gone_by(held):%Y-%m-%d %H:%M} UTC at the latest"


def _letter(letter: erasing.Letter) -> str:
    place = f"{letter.at.topic}/{letter.at.partition}/{letter.at.offset}"
    what = "has no value" if letter.masked else "goes with its segment"
    return f"  dead letter {place}, {letter.state}: {what}"


def _word(copy: erasing.Copy) -> str:
    if copy.held_at is not None:
        return (
            f"kept for a legal hold, as it said {copy.held_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC; goes when that ends"
        )
    if copy.confirmed_at is None:
        return "waits for its confirmation"
    word = "everything" if copy.word == "erasure.done" else "the inbox; a sink of it cannot, see its own log"
    return f"confirmed {copy.confirmed_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {word}"
