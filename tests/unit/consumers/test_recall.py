"""A recall: what has not left never leaves, whoever may have a copy is told, and nobody else is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from consumers import upkeep
from consumers.agreement import Agreement, Treatment
from consumers.answers import Answer
from consumers.replies import Replies, drop
from consumers.settings import DeliverySettings
from consumers.sinks.port import Away, Presence, Unanswered
from consumers.states import RESUMABLE, State
from consumers.store import deliveries
from schemas.failures import Failure, Refused, Temporary
from schemas.records.answers import ReturnKind, Status, StatusKind
from schemas.records.identifiers import ReportId
from schemas.records.referral import Referral
from schemas.records.values import Tier
from tests.builders.deliveries import Counter, ObedientSink
from tests.builders.referrals import RECIPIENT, a_priority, a_referral
from tests.builders.reports import HOUR_MS, an_instant

Opener = Callable[..., Counter]
FIRST = a_referral()
NOTICE = a_referral(revision=2, withdrawn=True)
STEPS = DeliverySettings().escalation


def deliver_all(counter: Counter) -> None:
    for _ in range(3):
        counter.clock.now_ms += HOUR_MS
        counter.courier.turn()


@pytest.mark.parametrize(
    ("failures", "before", "is_told"),
    [
        ([], State.DELIVERED, True),
        ([Temporary("busy")], State.RECEIVED, False),
        ([Away("away")], State.RECEIVED, False),
        ([Refused("no")], State.PARKED, False),
    ],
)
def test_the_notice_goes_to_whoever_may_have_a_copy_and_to_nobody_else(
    counter: Counter, failures: list[Failure], before: State, is_told: bool
) -> None:
    counter.sink.failures = [*failures]
    counter.arrive(FIRST)
    counter.courier.turn()
    assert counter.find(FIRST.referral_id).state is before
    sent_before = list(counter.sink.keys)
    counter.arrive(NOTICE)
    deliver_all(counter)
    assert counter.sink.keys == [*sent_before, *([NOTICE.referral_id] if is_told else [])]


def test_a_copy_that_may_have_arrived_is_told_of_and_never_goes_again(open_counter: Opener) -> None:
    sink = ObedientSink(honours_key=False, presence=Presence.UNKNOWN, failures=[Unanswered("silence")])
    counter = open_counter(sinks={"sink": sink})
    counter.arrive(FIRST)
    counter.courier.turn()
    counter.arrive(NOTICE)
    assert counter.find(FIRST.referral_id).state is State.UNCERTAIN
    assert upkeep.resume(counter.store, counter.desk, [State.UNCERTAIN]) == 0
    deliver_all(counter)
    assert sink.keys == [NOTICE.referral_id]


@pytest.mark.parametrize("failure", [Temporary("busy"), Refused("no")])
def test_one_of_two_sinks_that_has_it_is_told_and_the_other_never_gets_it(
    open_counter: Opener, failure: Failure
) -> None:
    has_it, lacks_it = ObedientSink(), ObedientSink(failures=[failure])
    counter = open_counter(sinks={"a": has_it, "b": lacks_it})
    counter.arrive(FIRST)
    counter.courier.turn()
    counter.arrive(NOTICE)
    deliver_all(counter)
    assert has_it.keys == [FIRST.referral_id, NOTICE.referral_id]
    assert lacks_it.keys == [NOTICE.referral_id]
    assert counter.find(FIRST.referral_id).state is State.WITHDRAWN


def test_a_bundle_leaves_without_the_recalled_copy(open_counter: Opener) -> None:
    counter = open_counter(agreement=Agreement(known_content=Treatment.BUNDLE, bundle_period_seconds=3600))
    known, other, copy = (a_referral(name, content_keys=("url:c",)) for name in ("known", "other", "case-1"))
    counter.arrive(known)
    counter.courier.turn()
    counter.arrive(other, copy, NOTICE)
    deliver_all(counter)
    _, bundle = counter.sink.sent
    assert other.referral_id.encode() in bundle.document.body
    assert copy.referral_id.encode() not in bundle.document.body


def test_a_copy_in_a_bundle_that_may_have_arrived_is_told_of(open_counter: Opener) -> None:
    sink = ObedientSink(honours_key=False, presence=Presence.UNKNOWN)
    agreement = Agreement(known_content=Treatment.BUNDLE, bundle_period_seconds=3600)
    counter = open_counter(sinks={"sink": sink}, agreement=agreement)
    counter.arrive(a_referral("known", content_keys=("url:c",)))
    counter.courier.turn()
    counter.arrive(a_referral("case-1", content_keys=("url:c",)))
    counter.clock.now_ms += HOUR_MS
    sink.failures = [Unanswered("silence")]
    counter.courier.turn()
    counter.arrive(NOTICE)
    deliver_all(counter)
    assert sink.keys[-1] == NOTICE.referral_id


def test_a_counted_copy_is_withdrawn_and_nobody_hears_of_a_report_they_never_got(open_counter: Opener) -> None:
    counter = open_counter(agreement=Agreement(known_content=Treatment.COUNT))
    known, copy = a_referral("known", content_keys=("url:c",)), a_referral("case-1", content_keys=("url:c",))
    counter.arrive(known)
    counter.courier.turn()
    counter.arrive(copy, NOTICE)
    deliver_all(counter)
    assert counter.sink.keys == [known.referral_id]
    assert counter.find(copy.referral_id).state is State.WITHDRAWN


def test_a_second_recall_of_what_never_left_tells_nobody_either(counter: Counter) -> None:
    counter.arrive(FIRST, NOTICE, a_referral(revision=3, withdrawn=True))
    deliver_all(counter)
    assert counter.sink.sent == []


def test_a_recall_of_what_this_store_does_not_know_is_delivered(counter: Counter) -> None:
    counter.arrive(NOTICE)
    deliver_all(counter)
    assert counter.sink.keys == [NOTICE.referral_id]


@pytest.mark.parametrize("state", sorted(RESUMABLE))
def test_no_person_lets_a_recalled_copy_go_again(counter: Counter, state: State) -> None:
    counter.arrive(FIRST)
    with counter.store.begin() as connection:
        deliveries.change(connection, FIRST.referral_id, state=state, recalled=True)
    assert upkeep.resume(counter.store, counter.desk, [state]) == 0


def test_a_recall_that_another_process_read_while_a_copy_was_leaving_stops_the_next_try(open_counter: Opener) -> None:
    class Recalling(ObedientSink):
        def send(self, parcel: object) -> None:
            with counter.store.begin() as connection:
                deliveries.change(connection, FIRST.referral_id, recalled=True)
            raise Temporary("busy")

    counter = open_counter(sinks={"sink": Recalling()})
    counter.arrive(FIRST)
    counter.courier.turn()
    assert counter.find(FIRST.referral_id).state is State.WITHDRAWN
    assert counter.told() == [(FIRST.referral_id, ReturnKind.WITHDRAWN)]


def urgent(revision: int) -> Referral:
    return a_referral(revision=revision, priority=a_priority(Tier.URGENT))


def test_nobody_is_called_about_what_was_taken_back(counter: Counter) -> None:
    counter.arrive(urgent(1))
    counter.courier.turn()
    counter.arrive(NOTICE)
    counter.clock.now_ms += 10 * HOUR_MS
    assert upkeep.escalate(counter.store, counter.desk, STEPS) == 0


@pytest.mark.parametrize(
    ("answer", "calls"), [("taken_up", 0), ("refused", 0), ("outcome", 0), ("question", 2 * len(STEPS))]
)
def test_an_answer_to_the_later_revision_ends_the_calls_about_the_earlier(
    counter: Counter, tmp_path: Path, answer: str, calls: int
) -> None:
    counter.arrive(urgent(1), urgent(2))
    counter.courier.turn()
    fields = {"refused": {"reason": "other"}, "outcome": {"action": "removed"}, "question": {"question": "item.url"}}
    drop(tmp_path / "replies", [Answer(referral_id=urgent(2).referral_id, answer=answer, **fields.get(answer, {}))])
    assert Replies(counter.store, tmp_path / "replies", RECIPIENT, counter.clock).turn() == 1
    counter.clock.now_ms += 10 * HOUR_MS
    assert upkeep.escalate(counter.store, counter.desk, STEPS) == calls


def test_an_answer_to_the_earlier_revision_leaves_the_later_one_on_the_table(counter: Counter) -> None:
    counter.arrive(urgent(1), urgent(2))
    with counter.store.begin() as connection:
        deliveries.stand_down(connection, ReportId(urgent(1).report_id), 1)
    counter.clock.now_ms += 10 * HOUR_MS
    assert upkeep.escalate(counter.store, counter.desk, STEPS) == len(STEPS)


def test_a_ruling_recalls_the_copy_of_the_same_revision_and_a_later_ruling_may_give_another(counter: Counter) -> None:
    recalled, again = a_referral(ruling=1, withdrawn=True), a_referral(ruling=2)
    counter.arrive(FIRST)
    counter.arrive(recalled)
    assert counter.find(FIRST.referral_id).state is State.WITHDRAWN
    counter.arrive(again)
    deliver_all(counter)
    assert counter.sink.keys == [again.referral_id]


def test_a_copy_that_its_rulings_recall_overtook_never_leaves(counter: Counter) -> None:
    counter.arrive(a_referral(ruling=1, withdrawn=True))
    counter.arrive(FIRST)
    deliver_all(counter)
    assert FIRST.referral_id not in counter.sink.keys


def told_of(notice: Referral, code: str = "recall.withdrawn") -> Status:
    """The same recall, on the status topic."""
    return Status(
        status_id=f"status of {notice.referral_id}", member=RECIPIENT, report_id=notice.report_id,
        referral_id=notice.referral_id, revision=notice.revision, ruling=notice.ruling, kind=StatusKind.RECALL,
        at=an_instant(), code=code,
    )  # fmt: skip


def test_the_status_topic_alone_stops_what_has_not_left_and_the_inbox_says_that_it_knows(counter: Counter) -> None:
    counter.arrive(FIRST)
    counter.hear(told_of(NOTICE), told_of(NOTICE))
    deliver_all(counter)
    assert counter.sink.sent == []
    assert counter.find(FIRST.referral_id).state is State.WITHDRAWN
    assert counter.told() == [(FIRST.referral_id, ReturnKind.WITHDRAWN), (NOTICE.referral_id, ReturnKind.RECALLED)]


def test_what_the_status_topic_takes_back_never_leaves_where_it_comes_later(counter: Counter) -> None:
    counter.hear(told_of(NOTICE))
    counter.arrive(FIRST)
    deliver_all(counter)
    assert counter.sink.sent == []
    again = a_referral(revision=3)
    counter.arrive(again)
    deliver_all(counter)
    assert counter.sink.keys == [again.referral_id]


@pytest.mark.parametrize("status_first", [True, False])
def test_a_sink_that_has_it_is_told_once_whichever_topic_is_read_first(counter: Counter, status_first: bool) -> None:
    counter.arrive(FIRST)
    counter.courier.turn()
    if status_first:
        counter.hear(told_of(NOTICE))
    counter.arrive(NOTICE)
    if not status_first:
        counter.hear(told_of(NOTICE))
    deliver_all(counter)
    assert counter.sink.keys == [FIRST.referral_id, NOTICE.referral_id]
    assert (NOTICE.referral_id, ReturnKind.DELIVERED) in counter.told()


def test_a_label_that_is_taken_back_stops_the_copy_with_it_and_lets_the_one_without_it_go(counter: Counter) -> None:
    labelled, without = a_referral(ruling=1), a_referral(ruling=2)
    counter.arrive(labelled)
    counter.hear(told_of(without, "recall.label"))
    counter.arrive(without)
    deliver_all(counter)
    assert counter.sink.keys == [without.referral_id]


@pytest.mark.parametrize("by_status", [True, False])
def test_what_was_delivered_and_recalled_counts_as_not_delivered_a_later_report_comes_in_full(
    open_counter: Opener, by_status: bool
) -> None:
    counter = open_counter(agreement=Agreement(known_content=Treatment.COUNT))
    first, counted, later = (a_referral(name, content_keys=("url:c",)) for name in ("case-1", "case-2", "case-3"))
    counter.arrive(first)
    counter.courier.turn()
    counter.arrive(counted)
    assert counter.find(counted.referral_id).state is State.COUNTED
    with counter.store.begin() as connection:
        deliveries.change(connection, counted.referral_id, recalled=True)  # so that it is not let go instead
    notice = a_referral("case-1", revision=2, withdrawn=True)
    counter.hear(told_of(notice)) if by_status else counter.arrive(notice)
    counter.arrive(later)
    deliver_all(counter)
    assert later.referral_id in counter.sink.keys
    assert counter.find(later.referral_id).state is State.DELIVERED
