"""The queue, suspensions and holds as the ledger keeps them: each role does its own part, and every ending is one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from schemas.failures import Refused
from schemas.records.identifiers import JurisdictionCode, MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate
from tocsin.runtime.database import database_of
from tocsin.runtime.ledger import holds, leaving, queue, suspensions
from tocsin.runtime.ledger.holds import NewHold
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.queue import Act, Entered, Ruled, Waiting
from tocsin.runtime.ledger.settlement import ReferralMade, RulingDone, Settlement, Unrouted
from tocsin.runtime.ledger.settling import settle, stream_of
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.ledger.suspensions import Kind
from tocsin.runtime.settings import load

pytestmark = pytest.mark.stack
TOPIC, RULINGS = "test.queue", "test.rulings"
SUBMITTER, RECIPIENT = MemberId("plat-a"), MemberId("test-police")
EXCUSE = Excuse(by="A. Operator", reason="a test")


class Ledger:
    """One database, asked as the role that does it."""

    def __init__(self, stack: Any) -> None:
        self.by = {role: database_of(load(stack.config(role))) for role in ("ops", "triage", "returns")}
        self.offset = 0

    def close(self) -> None:
        """Take away what these tests made: others balance this ledger."""
        with self.by["ops"].transaction() as connection:
            mine = "select stream from streams where topic like 'test.queue%' or topic like 'test.rulings%'"
            for table in ("queue", "unrouted", "referrals", "ledger_blocks", "report_revisions"):
                connection.execute(text(f"delete from {table} where stream in ({mine})"))  # noqa: S608  # our own names
            connection.execute(text("delete from lea_holds where set_by = 'a test'"))
            connection.execute(text("delete from suspensions where member = :member"), {"member": RECIPIENT})
            connection.execute(text(f"delete from streams where stream in ({mine})"))  # noqa: S608  # as above
        for database in self.by.values():
            database.close()

    def report(self, *, tier: str = "URGENT", recipients: int = 0, state: str = "waiting") -> tuple[ReportId, int]:
        """Settle one report that waits for a person; with recipients, one that has it meanwhile."""
        report, log_offset = ReportId(str(uuid4())), self.offset
        self.offset += 1
        with self.by["triage"].transaction() as connection:
            claimed(connection, report, log_offset)
            settle(connection, settlement(report, log_offset, tier, recipients))
        if recipients:
            with self.by["returns"].transaction() as connection:
                connection.execute(
                    text("update referrals set state = :s where report_id = :r"), {"s": state, "r": report}
                )
        return report, log_offset

    def waiting(self, report: ReportId) -> list[Waiting]:
        with self.by["ops"].transaction() as connection:
            return [entry for entry in queue.waiting(connection) if entry.report_id == report]

    def outcome(self, log_offset: int) -> Outcome:
        query = """
            select get_byte(outcomes, cast(:o - b.first_offset as integer)) from ledger_blocks b
            join streams s using (stream) where s.topic = :topic and b.first_offset = :o
        """
        with self.by["ops"].transaction() as connection:
            return Outcome(connection.execute(text(query), {"o": log_offset, "topic": TOPIC}).scalar_one())


def claimed(connection: Any, report: ReportId, log_offset: int, revision: int = 1) -> None:
    stream = stream_of(connection, "id", TOPIC, 0, 0)
    connection.execute(
        text(
            "insert into report_revisions (report_id, revision, member, withdrawn, digest, stream, log_offset, "
            "claim_number) values (:report, :revision, 'plat-a', false, '', :stream, :offset, nextval('claim_numbers'))"
        ),
        {"report": report, "revision": revision, "stream": stream, "offset": log_offset},
    )


def settlement(report: ReportId, log_offset: int, tier: str, recipients: int) -> Settlement:
    named: dict[str, Any] = {"report_id": report, "revision": 1, "submitter": SUBMITTER, "submitter_reference": "r"}
    made = ReferralMade(
        **named,
        referral_id=ReferralId(str(uuid4())),
        recipient=RECIPIENT,
        jurisdiction=JurisdictionCode("nl"),
        tier=tier,
        mark="LIVE",
        withdrawal=False,
        log_offset=log_offset,
        submitted_ms=0,
        landed=Coordinate(topic="t"),
    )
    outcome = Outcome.ROUTED if recipients else Outcome.WAITING_PERSON
    waits = Unrouted(
        **named,
        log_offset=log_offset,
        mark="LIVE",
        outcome=outcome,
        tier=tier,
        reasons=("route.no_evidence",),
        recipients=recipients,
        waits=True,
        deadline_ms=1_767_268_800_000,
    )
    return Settlement(
        topic_id="id",
        topic=TOPIC,
        partition=0,
        first_offset=log_offset,
        outcomes=(outcome,),
        referrals=(made,) if recipients else (),
        unrouted=(waits,),
    )


@pytest.fixture
def ledger(stack: Any) -> Iterator[Ledger]:
    found = Ledger(stack)
    yield found
    found.close()


def test_what_triage_cannot_settle_waits_once_however_often_the_slice_is_replayed(ledger: Ledger) -> None:
    report, log_offset = ledger.report()
    with ledger.by["triage"].transaction() as connection:
        settle(connection, settlement(report, log_offset, "URGENT", 0))
    (entry,) = ledger.waiting(report)
    assert (entry.tier, entry.recipients, entry.reasons) == ("URGENT", 0, ("route.no_evidence",))
    assert (entry.source.topic, entry.source.offset) == (TOPIC, log_offset)


def test_a_later_revision_ends_the_waiting(ledger: Ledger) -> None:
    report, log_offset = ledger.report()
    with ledger.by["triage"].transaction() as connection:
        claimed(connection, report, log_offset, revision=2)
    assert ledger.waiting(report) == []


def test_one_person_works_on_an_entry_and_one_decision_stands(ledger: Ledger) -> None:
    report, _ = ledger.report()
    (entry,) = ledger.waiting(report)
    ruled = Ruled(number=entry.number, act=Act.CLOSE, members=(), by="A", reason="nothing to see")
    with ledger.by["ops"].transaction() as connection:
        queue.take(connection, entry, "A")
    (entry,) = ledger.waiting(report)
    with pytest.raises(Refused) as taken, ledger.by["ops"].transaction() as connection:
        queue.take(connection, entry, "B")
    assert taken.value.code == "queue.taken"
    with ledger.by["ops"].transaction() as connection:
        queue.record(connection, ruled)
        queue.record(connection, ruled)
    with pytest.raises(Refused) as decided, ledger.by["ops"].transaction() as connection:
        queue.record(connection, Ruled(number=entry.number, act=Act.REFER, members=(RECIPIENT,), by="B", reason="no"))
    assert decided.value.code == "queue.decided"


@pytest.mark.parametrize("outcome", [Outcome.ROUTED, Outcome.NO_RECIPIENT])
def test_a_ruling_that_settles_closes_its_entry_and_changes_the_byte_of_the_reports_own_place(
    ledger: Ledger, outcome: Outcome
) -> None:
    report, log_offset = ledger.report()
    (entry,) = ledger.waiting(report)
    done = RulingDone(
        log_offset=0,
        report_id=report,
        revision=1,
        occasion=f"queue:{entry.number}",
        source=Coordinate(topic_id="id", topic=TOPIC, partition=0, offset=log_offset),
        outcome=outcome,
    )
    named = {"topic_id": str(uuid4()), "topic": RULINGS, "partition": 0, "first_offset": 0}
    with ledger.by["triage"].transaction() as connection:
        settle(connection, Settlement(**named, outcomes=(Outcome.STALE,), rulings=(done_stale(done),)))  # type: ignore[arg-type]  # of a test
    assert ledger.outcome(log_offset) is Outcome.WAITING_PERSON, "one that was overtaken changes nothing"
    with ledger.by["triage"].transaction() as connection:
        settle(connection, Settlement(**(named | {"topic_id": str(uuid4())}), outcomes=(outcome,), rulings=(done,)))  # type: ignore[arg-type]  # as above
    assert ledger.outcome(log_offset) is outcome
    assert ledger.waiting(report) == []


def test_what_a_person_closed_stays_closed_and_a_later_move_that_needs_one_is_another_entry(ledger: Ledger) -> None:
    report, log_offset = ledger.report()
    (closed,) = ledger.waiting(report)
    source = Coordinate(topic_id="id", topic=TOPIC, partition=0, offset=log_offset)
    named: dict[str, Any] = {"report_id": report, "revision": 1, "source": source}
    with ledger.by["ops"].transaction() as connection:
        queue.record(connection, Ruled(number=closed.number, act=Act.CLOSE, members=(), by="A", reason="no case"))
    by_person = RulingDone(**named, log_offset=0, occasion=f"queue:{closed.number}", outcome=Outcome.NO_RECIPIENT)
    moved = RulingDone(**named, log_offset=1, occasion="moved:a-return", outcome=Outcome.WAITING_PERSON)
    (waits,) = settlement(report, 1, "HIGH", 0).unrouted
    stream = {"topic_id": str(uuid4()), "topic": RULINGS, "partition": 0}
    with ledger.by["triage"].transaction() as connection:
        settle(connection, Settlement(**stream, first_offset=0, outcomes=(by_person.outcome,), rulings=(by_person,)))  # type: ignore[arg-type]  # of a test
        settle(
            connection,
            Settlement(**stream, first_offset=1, outcomes=(moved.outcome,), rulings=(moved,), unrouted=(waits,)),  # type: ignore[arg-type]  # as above
        )
    (again,) = ledger.waiting(report)
    assert again.number != closed.number
    assert (again.reasons, again.taken_by, again.decided_by) == (("route.no_evidence",), "", "")
    with ledger.by["ops"].transaction() as connection:
        query = text("select act, decided_by, reason, closed_at is not null from queue where number = :number")
        assert tuple(connection.execute(query, {"number": closed.number}).one()) == ("close", "A", "no case", True)


def done_stale(done: RulingDone) -> RulingDone:
    return RulingDone(**{n: getattr(done, n) for n in done.__struct_fields__} | {"outcome": Outcome.STALE})


def test_a_parked_delivery_waits_until_it_goes_through(ledger: Ledger) -> None:
    report, _ = ledger.report(tier="NORMAL", recipients=1, state="parked")
    referral = referral_of(ledger, report)
    entered = Entered(referral_id=referral, cause="return-1", reason="queue.parked", ends=("delivered",))
    with ledger.by["returns"].transaction() as connection:
        queue.enter(connection, [entered, entered])
    parked = [entry for entry in ledger.waiting(report) if entry.referral_id]
    assert [(entry.recipient, entry.reasons) for entry in parked] == [(RECIPIENT, ("queue.parked",))]
    with ledger.by["returns"].transaction() as connection:
        connection.execute(text("update referrals set state = 'delivered' where report_id = :r"), {"r": report})
    assert not [entry for entry in ledger.waiting(report) if entry.referral_id]


def referral_of(ledger: Ledger, report: ReportId) -> str:
    with ledger.by["ops"].transaction() as connection:
        query = text("select referral_id::text from referrals where report_id = :r")
        return str(connection.execute(query, {"r": report}).scalar_one())


def test_who_is_suspended_stays_so_until_somebody_lifts_it_and_who_left_stays_out(ledger: Ledger) -> None:
    with ledger.by["ops"].transaction() as connection:
        suspensions.suspend(connection, RECIPIENT, Kind.SUSPENDED, EXCUSE)
    with ledger.by["triage"].transaction() as connection:
        assert RECIPIENT in suspensions.barred(connection)
    with ledger.by["ops"].transaction() as connection:
        suspensions.lift(connection, RECIPIENT, EXCUSE)
        assert RECIPIENT not in suspensions.barred(connection)
        suspensions.suspend(connection, RECIPIENT, Kind.LEFT, EXCUSE)
        suspensions.suspend(connection, RECIPIENT, Kind.SUSPENDED, EXCUSE)
    with pytest.raises(Refused) as refused, ledger.by["ops"].transaction() as connection:
        suspensions.lift(connection, RECIPIENT, EXCUSE)
    assert refused.value.code == "member.not_suspended"


def test_the_open_cases_of_who_leaves_end_and_what_nobody_else_has_is_for_a_person(ledger: Ledger) -> None:
    report, _ = ledger.report(tier="NORMAL", recipients=1, state="delivered")
    done, _ = ledger.report(tier="NORMAL", recipients=1, state="taken_up")
    with ledger.by["ops"].transaction() as connection:
        assert leaving.queue_open_cases(connection, RECIPIENT) == 1
        assert leaving.queue_open_cases(connection, RECIPIENT) == 0
        assert leaving.end_cases(connection, RECIPIENT) == 1
    reasons = [entry.reasons for entry in ledger.waiting(report) if entry.referral_id]
    assert reasons == [("queue.recipient_left",)]
    assert not [entry for entry in ledger.waiting(done) if entry.referral_id]


def test_a_hold_is_its_owners_until_it_ends_and_somebody_is_reminded_once(ledger: Ledger) -> None:
    report, _ = ledger.report(tier="NORMAL", recipients=1)
    now = datetime.now(UTC)
    new = NewHold(
        report_id=report,
        owner=RECIPIENT,
        reason="a case",
        set_by="a test",
        expires_at=now + timedelta(hours=3),
        remind_at=now - timedelta(hours=1),
    )
    with ledger.by["ops"].transaction() as connection:
        number = holds.put(connection, new)
    with ledger.by["triage"].transaction() as connection:
        assert report in holds.held_in(connection.execute(*holds.HELD))
    with ledger.by["returns"].transaction() as connection:
        assert [holds.remind(connection), holds.remind(connection)] == [1, 0]
    assert ("hold.ends",) in [entry.reasons for entry in ledger.waiting(report)]
    with ledger.by["ops"].transaction() as connection:
        assert holds.release(connection, number, "a test") == report
        assert report not in holds.held_in(connection.execute(*holds.HELD))


def test_nobody_holds_what_it_has_not(ledger: Ledger) -> None:
    report, _ = ledger.report()
    now = datetime.now(UTC)
    times = {"expires_at": now + timedelta(days=1), "remind_at": now}
    with pytest.raises(Refused) as refused, ledger.by["ops"].transaction() as connection:
        holds.put(connection, NewHold(report_id=report, owner=RECIPIENT, reason="r", set_by="a test", **times))
    assert refused.value.code == "hold.not_a_holder"
