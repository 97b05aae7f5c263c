"""The courier: urgent first, a stable key, every try recorded, and nothing dropped."""

import json
import logging
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from consumers.letters import Parcel
from consumers.settings import Limits
from consumers.sinks.port import Away, Presence, Unanswered
from consumers.states import State
from consumers.store import deliveries
from schemas.failures import Broken, Failure, Refused, Temporary
from schemas.records.answers import ReturnKind
from schemas.records.values import Tier
from tests.builders.deliveries import Counter, ObedientSink
from tests.builders.referrals import a_priority, a_referral
from tocsin.runtime.logs import JsonLines

Opener = Callable[..., Counter]


def test_a_referral_reaches_the_sink_under_its_own_id_and_a_return_says_so(counter: Counter) -> None:
    referral = a_referral()
    counter.arrive(referral)
    counter.courier.turn()
    assert counter.sink.keys == [referral.referral_id]
    assert counter.find(referral.referral_id).state is State.DELIVERED
    assert counter.told() == [(referral.referral_id, ReturnKind.DELIVERED)]


def test_each_delivery_is_one_line_of_the_log_with_what_became_of_it(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    referral = a_referral()
    counter.arrive(referral)
    with caplog.at_level(logging.INFO, logger="consumers.courier"):
        counter.courier.turn()
    (line,) = (json.loads(JsonLines().format(record)) for record in caplog.records)
    assert (line["stage"], line["outcome"], line["tries"]) == ("courier", "delivered", 1)
    assert (line["delivery"], line["report_id"]) == (referral.referral_id, referral.report_id)


def test_urgent_referrals_leave_first_and_then_the_earlier_deadline(counter: Counter) -> None:
    later = a_referral("later")
    sooner = a_referral("sooner", priority=replace(a_priority(), deadline=later.submitted_at))
    urgent = a_referral("urgent", priority=a_priority(Tier.URGENT))
    counter.arrive(later, sooner, urgent)
    counter.courier.turn()
    assert counter.sink.keys == [referral.referral_id for referral in (urgent, sooner, later)]


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (Temporary("busy", code="sink.status_retryable"), State.RECEIVED),
        (Away("away", code="sink.away"), State.RECEIVED),
        (Refused("gone", code="sink.gone"), State.PARKED),
    ],
)
def test_each_kind_of_failure_has_one_meaning(counter: Counter, failure: Failure, state: State) -> None:
    referral = a_referral()
    counter.sink.failures = [failure]
    counter.arrive(referral)
    counter.courier.turn()
    delivery = counter.find(referral.referral_id)
    assert (delivery.state, delivery.reason_code) == (state, failure.code)


def test_a_failure_that_nobody_can_answer_ends_the_process(counter: Counter) -> None:
    counter.sink.failures = [Broken("no")]
    counter.arrive(a_referral())
    with pytest.raises(Broken):
        counter.courier.turn()


def test_a_failed_delivery_waits_and_is_then_sent_again(counter: Counter) -> None:
    referral = a_referral()
    counter.sink.failures = [Temporary("busy")]
    counter.arrive(referral)
    counter.courier.turn()
    assert counter.courier.turn() == 0
    counter.clock.now_ms = counter.find(referral.referral_id).due_ms
    counter.courier.turn()
    assert counter.find(referral.referral_id).state is State.DELIVERED
    assert counter.find(referral.referral_id).attempts == 2


def test_a_revision_whose_first_try_failed_comes_after_one_that_did_not_wait_and_each_says_which_it_is(
    counter: Counter,
) -> None:
    first, second = a_referral("case"), a_referral("case", revision=2)
    counter.sink.failures = [Temporary("busy")]
    counter.arrive(first)
    counter.courier.turn()
    counter.arrive(second)
    counter.courier.turn()
    counter.clock.now_ms = counter.find(first.referral_id).due_ms
    counter.courier.turn()
    assert [parcel.revision for parcel in counter.sink.sent] == [2, 1]


def test_attempts_are_bounded_and_end_with_a_person(open_counter: Opener) -> None:
    counter = open_counter(limits=Limits(max_attempts=2))
    referral = a_referral()
    counter.sink.failures = [Temporary("busy"), Temporary("busy")]
    counter.arrive(referral)
    for _ in range(2):
        counter.courier.turn()
        counter.clock.now_ms += 3_600_000
    delivery = counter.find(referral.referral_id)
    assert (delivery.state, delivery.reason_code) == (State.PARKED, "courier.exhausted")
    assert counter.told() == [(referral.referral_id, ReturnKind.PARKED)]


def test_a_pause_that_began_when_the_clock_was_ahead_is_over_when_it_is_right(counter: Counter) -> None:
    held, fresh = a_referral("held"), a_referral("fresh")
    counter.clock.now_ms += 86_400_000
    counter.arrive(held)
    counter.sink.failures = [Away("away")]
    counter.courier.turn()
    counter.clock.now_ms -= 86_400_000
    counter.arrive(fresh)
    counter.courier.turn()
    assert counter.sink.keys == [fresh.referral_id]


def test_a_sink_that_is_away_costs_no_attempt_and_is_not_asked_for_each_delivery(counter: Counter) -> None:
    counter.sink.failures = [Away("away"), Away("away")]
    counter.arrive(a_referral("a"), a_referral("b"), a_referral("c"))
    counter.courier.turn()
    assert len(counter.sink.failures) == 1
    counter.clock.now_ms += 60_000
    counter.courier.turn()
    counter.clock.now_ms += 60_000
    counter.courier.turn()
    assert len(counter.sink.sent) == 3
    assert counter.find(a_referral("a").referral_id).attempts == 1


def test_an_unanswered_send_is_checked_before_it_is_sent_again(counter: Counter) -> None:
    referral = a_referral()
    counter.sink.failures, counter.sink.effect_before_failure = [Unanswered("silence")], True
    counter.arrive(referral)
    counter.courier.turn()
    assert counter.find(referral.referral_id).state is State.DELIVERED
    assert counter.sink.keys == [referral.referral_id]


def test_where_neither_key_nor_check_holds_it_is_uncertain_and_told(open_counter: Opener) -> None:
    sink = ObedientSink(honours_key=False, presence=Presence.UNKNOWN, failures=[Unanswered("silence")])
    counter = open_counter(sinks={"sink": sink})
    referral = a_referral()
    counter.arrive(referral)
    counter.courier.turn()
    assert counter.find(referral.referral_id).state is State.UNCERTAIN
    assert counter.told() == [(referral.referral_id, ReturnKind.UNCERTAIN)]
    assert sink.sent == []


def test_a_delivery_goes_to_every_sink_and_a_retry_only_to_those_that_lack_it(open_counter: Opener) -> None:
    folder, hook = ObedientSink(), ObedientSink(failures=[Temporary("busy")])
    counter = open_counter(sinks={"folder": folder, "hook": hook})
    referral = a_referral()
    counter.arrive(referral)
    counter.courier.turn()
    assert counter.find(referral.referral_id).state is State.RECEIVED
    counter.clock.now_ms += 60_000
    counter.courier.turn()
    assert counter.find(referral.referral_id).state is State.DELIVERED
    assert (folder.keys, hook.keys) == ([referral.referral_id], [referral.referral_id])


@pytest.mark.parametrize("arrived", [True, False])
def test_after_a_crash_while_sending_the_sink_is_asked_first(counter: Counter, arrived: bool) -> None:
    referral = a_referral()
    counter.arrive(referral)
    crash_while_sending(counter, arrived=arrived)
    assert counter.courier.recover(all_claims=True) == 1
    counter.clock.now_ms += 60_000
    counter.courier.turn()
    assert counter.sink.keys == [referral.referral_id]
    assert counter.find(referral.referral_id).state is State.DELIVERED
    assert counter.told() == [(referral.referral_id, ReturnKind.DELIVERED)]


def test_a_claim_of_a_living_process_is_left_alone(counter: Counter) -> None:
    counter.arrive(a_referral())
    crash_while_sending(counter, arrived=False)
    assert counter.courier.recover(all_claims=False) == 0
    counter.clock.now_ms += counter.limits.claim_seconds * 1000
    assert counter.courier.recover(all_claims=False) == 1


def test_a_check_that_cannot_be_answered_now_is_asked_later(open_counter: Opener) -> None:
    class Deaf(ObedientSink):
        def check(self, key: str) -> Presence:
            raise Away("away", code="sink.away")

    counter = open_counter(sinks={"sink": Deaf(honours_key=False)})
    referral = a_referral()
    counter.arrive(referral)
    crash_while_sending(counter, arrived=False)
    counter.courier.recover(all_claims=True)
    assert counter.find(referral.referral_id).state is State.SENDING
    assert counter.courier.recover(all_claims=False) == 0


def test_an_urgent_referral_does_not_wait_behind_a_slow_burst(open_counter: Opener) -> None:
    class Slow(ObedientSink):
        def send(self, parcel: Parcel) -> None:
            super().send(parcel)
            counter.clock.now_ms += 1_500

    sink = Slow()
    counter = open_counter(sinks={"sink": sink})
    counter.arrive(*(a_referral(f"case-{number}") for number in range(10)))
    assert counter.courier.turn() == 10
    assert len(sink.sent) == 2
    urgent = a_referral("urgent", priority=a_priority(Tier.URGENT))
    counter.arrive(urgent)
    counter.courier.turn()
    assert sink.keys[2] == urgent.referral_id
    while counter.courier.turn():
        pass
    assert len(sink.sent) == 11


def crash_while_sending(counter: Counter, *, arrived: bool) -> None:
    """What the store and the sink look like when the process dies between sending and recording."""
    with counter.store.begin() as connection:
        taken = deliveries.take(connection, counter.clock(), 10, counter.limits.claim_seconds * 1000)
        asked = ((delivery.key, sink) for delivery in taken for sink in counter.sinks)
        deliveries.open_attempts(connection, asked, counter.clock())
    if arrived:
        other = Counter(folder=counter.folder / "other", sinks=counter.sinks)
        other.arrive(*(a_referral() for _ in taken))
        other.courier.turn()
        other.close()
