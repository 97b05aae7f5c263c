"""What time does: expiry and escalation end with a person, and contents are erased when they are no longer needed."""

import logging
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from consumers import upkeep
from consumers.escalation import OPERATOR, Contact, EscalationStep, Role
from consumers.settings import DeliverySettings, Limits
from consumers.sinks.port import Away, Later
from consumers.states import State
from schemas.failures import Refused
from schemas.records.answers import ReturnKind
from schemas.records.identifiers import MemberId
from schemas.records.values import Tier
from tests.builders import counted
from tests.builders.deliveries import Counter
from tests.builders.referrals import RECIPIENT, a_priority, a_referral
from tests.builders.reports import HOUR_MS, NOON_MS, an_instant
from tests.builders.told import outcomes

Opener = Callable[..., Counter]
DAY_MS = 24 * HOUR_MS
STEPS = DeliverySettings().escalation


def test_what_is_past_its_retention_is_not_delivered_but_shown(counter: Counter) -> None:
    referral = a_referral(retain_until=an_instant(NOON_MS + HOUR_MS))
    counter.sink.failures = [Away("away")]
    counter.arrive(referral)
    counter.courier.turn()
    counter.clock.now_ms += HOUR_MS
    assert upkeep.expire(counter.store, counter.desk) == 1
    assert counter.courier.turn() == 0
    assert counter.find(referral.referral_id).state is State.EXPIRED
    assert counter.told() == [(referral.referral_id, ReturnKind.EXPIRED)]


def test_what_expires_is_a_line_of_the_log_as_what_is_delivered(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    referral = a_referral(retain_until=an_instant(NOON_MS + HOUR_MS))
    counter.sink.failures = [Away("away")]
    counter.arrive(referral)
    counter.courier.turn()
    counter.clock.now_ms += HOUR_MS
    before = counted.left("courier", "expired")
    with caplog.at_level(logging.INFO, logger="consumers.upkeep"):
        upkeep.expire(counter.store, counter.desk)
        upkeep.expire(counter.store, counter.desk)
    (line,) = [line for line in outcomes(caplog.records, "consumers.upkeep") if "outcome" in line]
    assert (line["stage"], line["outcome"], line["code"]) == ("courier", "expired", "courier.expired")
    assert (line["delivery"], line["report_id"]) == (referral.referral_id, referral.report_id)
    assert counted.left("courier", "expired") - before == 1


@pytest.mark.parametrize("ahead_ms", [HOUR_MS, DAY_MS])
def test_what_came_in_while_the_clock_was_ahead_is_not_delivered_late(counter: Counter, ahead_ms: int) -> None:
    counter.clock.now_ms += ahead_ms
    counter.arrive(a_referral())
    counter.clock.now_ms -= ahead_ms
    assert counter.courier.turn() == 0, "its time is still to come, by this clock"
    assert upkeep.hasten(counter.store, counter.desk) == 1
    assert counter.courier.turn() == 1
    assert upkeep.hasten(counter.store, counter.desk) == 0


def test_a_retry_keeps_its_time(counter: Counter) -> None:
    counter.sink.failures = [Later("busy", code="sink.status_retryable", wait_seconds=3600)]
    counter.arrive(a_referral())
    counter.courier.turn()
    assert upkeep.hasten(counter.store, counter.desk) == 0


def test_giving_up_takes_as_long_as_the_limits_say(open_counter: Opener) -> None:
    counter = open_counter(limits=Limits(give_up_days=2))
    counter.sink.failures = [Away("away")]
    counter.arrive(a_referral())
    counter.courier.turn()
    counter.clock.now_ms += 2 * DAY_MS - 1
    assert upkeep.expire(counter.store, counter.desk) == 0
    counter.clock.now_ms += 1
    assert upkeep.expire(counter.store, counter.desk) == 1


def test_an_urgent_referral_that_nobody_takes_up_is_escalated_step_by_step(counter: Counter) -> None:
    referral = a_referral(priority=a_priority(Tier.URGENT))
    counter.arrive(referral)
    counter.courier.turn()
    for _ in range(3 * HOUR_MS // 60_000):
        counter.clock.now_ms += 60_000
        upkeep.escalate(counter.store, counter.desk, STEPS)
    codes = [answer.reason_code for answer in counter.owed() if answer.kind is ReturnKind.ESCALATED]
    assert codes == [step.code for step in STEPS]
    assert counter.find(referral.referral_id).state is State.DELIVERED


def test_a_process_that_starts_again_tells_nobody_twice_and_forgets_nobody(counter: Counter) -> None:
    counter.arrive(a_referral(priority=a_priority(Tier.URGENT)))
    told = 0
    for minutes in (60, 20, 20, 300, 300):
        counter.clock.now_ms += minutes * 60_000
        counter.close()
        counter.open()
        told += upkeep.escalate(counter.store, counter.desk, STEPS)
    assert told == len(STEPS)
    assert escalated(counter) == list(Role)


def escalated(counter: Counter) -> list[str]:
    return [answer.reason_code for answer in counter.owed() if answer.kind is ReturnKind.ESCALATED]


def test_each_step_names_whom_the_policy_names_and_the_operator_where_it_names_nobody(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    duty = Contact(member=RECIPIENT, reach="duty desk, ring twice")
    stand_in = Contact(member=MemberId("nl-police"), reach="the police")
    counter.desk = replace(counter.desk, contacts={Role.DUTY_CONTACT: duty, Role.STAND_IN: stand_in})
    counter.arrive(a_referral(priority=a_priority(Tier.URGENT)))
    counter.clock.now_ms += 3 * HOUR_MS
    upkeep.escalate(counter.store, counter.desk, STEPS)
    said = [record.getMessage() for record in caplog.records if "urgent" in record.getMessage()]
    assert [line.rsplit(" is for ")[-1] for line in said] == [
        f"{whom} to look." for whom in ("duty desk, ring twice", "the police", OPERATOR.reach)
    ]
    assert [answer.addressee for answer in counter.owed()] == ["nl-hotline", "nl-police", ""]
    assert not any("ring twice" in str(answer) for answer in counter.owed())


def test_without_steps_nothing_fails(counter: Counter) -> None:
    counter.arrive(a_referral(priority=a_priority(Tier.URGENT)))
    counter.clock.now_ms += HOUR_MS
    upkeep.escalate(counter.store, counter.desk, ())
    assert upkeep.escalate(counter.store, counter.desk, (EscalationStep(code=Role.DUTY_CONTACT),)) == 0


def test_a_referral_of_another_tier_is_not_escalated(counter: Counter) -> None:
    counter.arrive(a_referral())
    counter.clock.now_ms += 100 * DAY_MS
    assert upkeep.escalate(counter.store, counter.desk, STEPS) == 0


def test_contents_are_erased_after_closing_and_the_counts_stay(counter: Counter) -> None:
    referral = a_referral()
    counter.arrive(referral)
    counter.courier.turn()
    assert upkeep.erase(counter.store, counter.desk) == 0
    counter.clock.now_ms += 30 * DAY_MS
    assert upkeep.erase(counter.store, counter.desk) == 1
    assert counter.find(referral.referral_id).value is None
    assert upkeep.show_age(counter.store, counter.desk) == {State.DELIVERED: 1}


def test_a_record_that_nobody_can_read_is_kept_aside_for_as_long_and_no_longer(
    counter: Counter,
) -> None:
    counter.source.values.append(b"marker-of-nobody")
    counter.inbox.turn(0)
    for days, kept in ((29, True), (31, False)):
        counter.clock.now_ms = NOON_MS + days * DAY_MS
        upkeep.erase(counter.store, counter.desk)
        counter.store.forget()
        assert any(b"marker-of-nobody" in path.read_bytes() for path in counter.folder.iterdir()) is kept
    assert counter.inbox.mend() == 0


def test_what_waits_is_never_erased(counter: Counter) -> None:
    counter.arrive(a_referral())
    counter.clock.now_ms += 30 * DAY_MS
    assert upkeep.erase(counter.store, counter.desk) == 0


def test_what_was_given_up_is_kept_and_can_be_let_go_again(counter: Counter) -> None:
    referral = a_referral()
    counter.sink.failures = [Away("away")]
    counter.arrive(referral)
    counter.courier.turn()
    counter.clock.now_ms += 30 * DAY_MS
    upkeep.expire(counter.store, counter.desk)
    assert upkeep.erase(counter.store, counter.desk) == 0
    assert upkeep.resume(counter.store, counter.desk, [State.EXPIRED]) == 1
    assert upkeep.expire(counter.store, counter.desk) == 0
    counter.courier.turn()
    assert counter.find(referral.referral_id).state is State.DELIVERED


def test_only_what_is_named_is_let_go_again(counter: Counter) -> None:
    counter.sink.failures = [Refused("no")]
    counter.arrive(a_referral())
    counter.courier.turn()
    assert upkeep.resume(counter.store, counter.desk, [State.UNCERTAIN, State.EXPIRED]) == 0
    assert upkeep.resume(counter.store, counter.desk, [State.PARKED]) == 1
