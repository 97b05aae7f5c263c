"""The inbox: nothing that was fetched is lost, nothing is stored twice, and the agreement is applied here."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, event, select

from consumers.agreement import Agreement, Treatment
from consumers.inbox import Terms
from consumers.states import State
from consumers.store import arrivals, deliveries
from consumers.store.tables import DEAD_LETTERS
from processors.steps.release.proofs import proven
from schemas.commitments import Commitments
from schemas.records.answers import ReturnKind
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.values import Mark
from tests.builders import counted
from tests.builders.deliveries import CODEC, TOPIC, Counter
from tests.builders.proofs import DIRECTORY, a_committed_report
from tests.builders.referrals import a_referral
from tests.builders.samples import risen
from tocsin.runtime.metrics import REGISTRY

Opener = Callable[..., Counter]
COUNTING = Agreement(known_content=Treatment.COUNT)
BUNDLING = Agreement(known_content=Treatment.BUNDLE, bundle_period_seconds=3600)


def test_referrals_and_positions_become_one_transaction(counter: Counter) -> None:
    counter.arrive(a_referral("a"), a_referral("b"))
    with counter.store.begin() as connection:
        assert arrivals.positions(connection)[(TOPIC, 0)].next_offset == 2


def test_a_batch_is_timed_and_a_turn_without_one_is_not(counter: Counter) -> None:
    before = counted.timed("inbox")
    counter.arrive(a_referral("a"), a_referral("b"))
    assert counter.inbox.turn(0) == 0
    assert counted.timed("inbox") - before == 1


def test_a_record_that_comes_again_changes_nothing(counter: Counter) -> None:
    referral = a_referral()
    counter.arrive(referral, referral)
    counter.courier.turn()
    counter.arrive(referral)
    assert counter.courier.turn() == 0
    assert counter.sink.keys == [referral.referral_id]


def test_new_reports_cost_the_store_no_more_statements_the_more_there_are(counter: Counter) -> None:
    one = len(statements(counter, a_referral("first")))
    assert len(statements(counter, *(a_referral(f"case-{number}") for number in range(16)))) == one


def test_a_recall_in_the_same_batch_stops_what_came_before_and_after_it(counter: Counter) -> None:
    first, later = a_referral("a", ruling=0), a_referral("a", ruling=1)
    notice = replace(a_referral("a", ruling=2), withdrawn=True)
    counter.arrive(first, notice, later, a_referral("b"))
    counter.courier.turn()
    assert [counter.find(each.referral_id).state for each in (first, later)] == [State.WITHDRAWN] * 2
    assert counter.sink.keys == [a_referral("b").referral_id]


def test_a_failing_store_rewinds_the_source(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    counter.source.values.append(CODEC.dumps(a_referral()))
    with monkeypatch.context() as patched:
        patched.setattr(arrivals, "advance", refuse_to_advance)
        with pytest.raises(OSError, match="full"):
            counter.inbox.turn(0)
    assert counter.inbox.turn(0) == 1
    assert counter.find(a_referral().referral_id).state is State.RECEIVED


def test_what_is_not_what_was_signed_is_delivered_with_an_alarm_that_names_the_field(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    counter.inbox.agree(
        Terms(
            member=counter.member,
            agreement=counter.agreement,
            limits=counter.limits,
            now_ms=counter.clock,
            directory=lambda: DIRECTORY,
        )
    )
    report = a_committed_report()
    full = a_referral(source_url=report.source_url, items=report.items, detected_at=report.detected_at)
    sent = proven(replace(full, controller=report.governance.controller), Commitments(submitted=report))
    counter.arrive(sent)
    assert caplog.messages == []
    before = alarms(), altered_origins()
    altered = replace(sent, referral_id=a_referral("b").referral_id, platform="planted")
    counter.arrive(altered)
    assert any("platform" in said for said in caplog.messages)
    assert counter.find(altered.referral_id).state is State.RECEIVED
    assert (alarms() - before[0], altered_origins() - before[1]) == (1, 1), "one in each, and none for the sound one"


def alarms() -> float:
    return REGISTRY.get_sample_value("tocsin_signature_failures_total", {"stage": "inbox"}) or 0


def altered_origins() -> float:
    return REGISTRY.get_sample_value("tocsin_records_total", {"stage": "origin", "outcome": "altered"}) or 0


def refuse_to_advance(*_: object) -> None:
    raise OSError("the disk is full")


@pytest.mark.parametrize(
    ("value", "code", "failure"),
    [
        (b"", "value.empty", "unreadable"),
        (b"garbage", "value.not_framed", "unreadable"),
        (b"\x00\x00\x00\x00\x63x", "schema.unknown_id", "unreadable"),
        (CODEC.dumps(a_referral())[:-3], "record.truncated", "unreadable"),
        (CODEC.dumps(a_referral(recipient=MemberId("de-police"))), "inbox.foreign", "refused"),
    ],
)
def test_what_cannot_be_read_is_kept_aside_and_its_neighbours_go_through(
    counter: Counter, value: bytes, code: str, failure: str
) -> None:
    counter.source.values.append(value)
    with risen("tocsin_errors_total") as found:
        counter.arrive(a_referral())
    assert found == {(("failure", failure), ("stage", "inbox")): 1}
    with counter.store.begin() as connection:
        letter = connection.execute(select(DEAD_LETTERS)).one()
    assert (letter.code, letter.value, letter.offset) == (code, value, 0)
    assert counter.find(a_referral().referral_id).state is State.RECEIVED


def test_a_kept_record_is_delivered_once_it_can_be_read(counter: Counter) -> None:
    foreign = a_referral(recipient=MemberId("de-police"))
    counter.arrive(foreign)
    assert counter.inbox.mend() == 0
    with counter.store.begin() as connection:
        connection.execute(DEAD_LETTERS.update().values(value=CODEC.dumps(a_referral())))
    assert counter.inbox.mend() == 1
    assert counter.inbox.mend() == 0
    assert counter.find(a_referral().referral_id).state is State.RECEIVED


def test_a_duplicate_is_counted_and_told_where_that_was_agreed(open_counter: Opener) -> None:
    counter = open_counter(agreement=COUNTING)
    first, again = a_referral("first", content_keys=("url:c",)), a_referral("again", content_keys=("url:c",))
    counter.arrive(first)
    counter.courier.turn()
    counter.arrive(again)
    assert counter.find(again.referral_id).state is State.COUNTED
    assert counter.courier.turn() == 0
    assert (again.referral_id, ReturnKind.COUNTED) in counter.told()


def test_what_is_still_on_its_way_makes_nothing_a_duplicate(open_counter: Opener) -> None:
    counter = open_counter(agreement=COUNTING)
    counter.arrive(a_referral("first", content_keys=("url:c",)), a_referral("again", content_keys=("url:c",)))
    counter.courier.turn()
    assert len(counter.sink.sent) == 2


def test_a_test_makes_no_live_report_a_duplicate(open_counter: Opener) -> None:
    counter = open_counter(agreement=COUNTING)
    counter.arrive(a_referral("first", content_keys=("url:c",), mark=Mark.TEST))
    counter.courier.turn()
    counter.arrive(a_referral("again", content_keys=("url:c",)))
    assert counter.find(a_referral("again").referral_id).state is State.RECEIVED


def test_a_bundle_lists_its_members_and_leaves_at_the_end_of_its_period_also_after_a_crash(
    open_counter: Opener,
) -> None:
    counter = open_counter(agreement=BUNDLING)
    counter.arrive(a_referral("first", content_keys=("url:c",)))
    counter.courier.turn()
    copies = [a_referral(f"copy-{n}", content_keys=("url:c",)) for n in range(3)]
    counter.arrive(*copies)
    assert counter.courier.turn() == 0
    counter.close()
    counter.open()
    counter.clock.now_ms += 3_600_000
    counter.courier.turn()
    bundle = counter.sink.sent[-1]
    assert all(copy.referral_id.encode() in bundle.document.body for copy in copies)
    assert [counter.find(copy.referral_id).state for copy in copies] == [State.DELIVERED] * 3
    assert {(copy.referral_id, ReturnKind.DELIVERED) for copy in copies} <= set(counter.told())


def test_a_withdrawal_stops_copies_that_have_not_left(counter: Counter) -> None:
    first, notice = a_referral(), a_referral(revision=2, withdrawn=True)
    counter.arrive(first, notice)
    assert counter.courier.turn() == 0
    assert counter.find(first.referral_id).state is State.WITHDRAWN
    assert counter.told() == [
        (first.referral_id, ReturnKind.WITHDRAWN),
        (notice.referral_id, ReturnKind.WITHDRAWN),
    ]


def test_a_withdrawal_of_what_the_member_has_is_delivered(counter: Counter) -> None:
    counter.arrive(a_referral())
    counter.courier.turn()
    notice = a_referral(revision=2, withdrawn=True)
    counter.arrive(notice)
    counter.courier.turn()
    assert counter.sink.keys[-1] == notice.referral_id
    assert counter.sink.sent[-1].withdrawn


def test_a_recall_that_overtakes_its_report_stops_it(counter: Counter) -> None:
    counter.arrive(a_referral("r", revision=2, withdrawn=True))
    overtaken = a_referral("r", revision=1)
    counter.arrive(overtaken)
    assert counter.find(overtaken.referral_id).state is State.WITHDRAWN
    assert ReturnKind.WITHDRAWN in [owed.kind for owed in counter.owed()]


def test_an_older_revision_that_a_mere_correction_overtakes_is_delivered(counter: Counter) -> None:
    counter.arrive(a_referral("r", revision=2))
    older = a_referral("r", revision=1)
    counter.arrive(older)
    assert counter.find(older.referral_id).state is State.RECEIVED


@pytest.mark.parametrize("agreement", [COUNTING, BUNDLING])
@pytest.mark.parametrize("ruling", [0, 1])
def test_a_revision_that_its_successor_overtakes_is_no_duplicate_of_it(
    open_counter: Opener, agreement: Agreement, ruling: int
) -> None:
    counter = open_counter(agreement=agreement)
    delivered(counter, a_referral("r", revision=2, ruling=ruling), a_referral("r", revision=1))
    assert counter.find(a_referral("r").referral_id).state is State.DELIVERED


def test_a_revision_that_comes_late_is_a_duplicate_of_what_another_report_brought(open_counter: Opener) -> None:
    counter = open_counter(agreement=COUNTING)
    contents = {"content_keys": ("url:c",)}
    delivered(counter, a_referral("other", **contents), a_referral("r", revision=2, **contents))
    counter.arrive(a_referral("r", revision=1, **contents), a_referral("third", **contents))
    found = [counter.find(a_referral(each).referral_id).state for each in ("r", "third")]
    assert found == [State.COUNTED] * 2


def test_what_one_report_leaves_out_of_its_own_holds_for_no_other_of_the_batch(open_counter: Opener) -> None:
    counter = open_counter(agreement=COUNTING)
    contents = {"content_keys": ("url:c",)}
    delivered(counter, a_referral("r", revision=2, **contents))
    counter.arrive(a_referral("r", revision=1, **contents), a_referral("third", **contents))
    found = [counter.find(a_referral(each).referral_id).state for each in ("r", "third")]
    assert found == [State.RECEIVED, State.COUNTED]


def delivered(counter: Counter, *referrals: Referral) -> None:
    for referral in referrals:
        counter.arrive(referral)
        counter.courier.turn()


def test_a_circumstance_that_came_with_another_content_is_news_of_this_one(open_counter: Opener) -> None:
    counter = open_counter(agreement=COUNTING)
    delivered(
        counter,
        a_referral("first", content_keys=("url:c",)),
        a_referral("elsewhere", content_keys=("url:d",), circumstance_keys=("nexus",)),
        a_referral("again", content_keys=("url:c",), circumstance_keys=("nexus",)),
        a_referral("and again", content_keys=("url:c",), circumstance_keys=("nexus",)),
    )
    assert counter.find(a_referral("again").referral_id).state is State.DELIVERED
    assert counter.find(a_referral("and again").referral_id).state is State.COUNTED


def test_what_was_taken_back_makes_nothing_a_duplicate(open_counter: Opener) -> None:
    counter = open_counter(agreement=COUNTING)
    first = a_referral("first", content_keys=("url:c",))
    delivered(counter, first, a_referral("first", revision=2, withdrawn=True, content_keys=()))
    delivered(counter, a_referral("again", content_keys=("url:c",)))
    assert counter.find(a_referral("again").referral_id).state is State.DELIVERED


@pytest.mark.parametrize("agreement", [COUNTING, BUNDLING])
def test_what_was_held_back_because_of_a_report_that_is_taken_back_is_delivered_in_full(
    open_counter: Opener, agreement: Agreement
) -> None:
    counter = open_counter(agreement=agreement)
    copies = [a_referral(f"copy-{number}", content_keys=("url:c",)) for number in range(3)]
    other = a_referral("other", content_keys=("url:d",))
    delivered(counter, a_referral("first", content_keys=("url:c",)), other, *copies)
    held = counter.find(copies[0].referral_id).state
    assert held in {State.COUNTED, State.BUNDLED}
    delivered(counter, a_referral("first", revision=2, withdrawn=True, content_keys=()))
    counter.courier.turn()
    states = sorted(counter.find(copy.referral_id).state for copy in copies)
    assert states == sorted([State.DELIVERED, held, held]), "one is enough: the others add nothing to it"
    assert len({copy.referral_id for copy in copies}.intersection(counter.sink.keys)) == 1


def test_a_bundle_that_has_left_takes_no_more(open_counter: Opener) -> None:
    counter = open_counter(agreement=BUNDLING)
    delivered(counter, a_referral("first", content_keys=("url:c",)))
    counter.arrive(a_referral("copy-1", content_keys=("url:c",)))
    key = counter_bundle(counter, "copy-1")
    with counter.store.begin() as connection:
        assert arrivals.hold_bundle(connection, key)
        deliveries.change(connection, key, attempts=1)
        assert not arrivals.hold_bundle(connection, key)
    counter.arrive(a_referral("copy-2", content_keys=("url:c",)))
    assert counter_bundle(counter, "copy-2") != key


def counter_bundle(counter: Counter, reference: str) -> str:
    key = counter.find(a_referral(reference).referral_id).bundle_key
    assert key is not None
    return key


def statements(counter: Counter, *referrals: Referral) -> list[str]:
    """What the store was asked while these came and left."""
    asked: list[str] = []

    def note(*about: Any) -> None:
        asked.append(about[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        counter.arrive(*referrals)
        counter.courier.turn()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return asked
