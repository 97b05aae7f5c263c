"""Canaries at the member that they are for: counted, stopped, and no referral of anybody's."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from consumers import canaries
from consumers.agreement import Agreement, Treatment
from consumers.states import State
from consumers.store import deliveries
from schemas.records.answers import ReturnKind
from schemas.records.referral import CANARY, Referral
from schemas.records.values import Mark, Tier
from tests.builders import counted
from tests.builders.deliveries import CODEC, Counter
from tests.builders.referrals import a_priority, a_referral
from tocsin.runtime.metrics import CANARY_SENT, REGISTRY

Opener = Callable[..., Counter]


def a_canary(reference: str = "canary-1", **changes: Any) -> Referral:
    return a_referral(reference, **({"mark": Mark.TEST, "changes": (CANARY,)} | changes))


def sent_seconds(counter: Counter, lane: str = "normal") -> float | None:
    return REGISTRY.get_sample_value("tocsin_canary_sent_timestamp_seconds", {"member": counter.member, "lane": lane})


def test_a_canary_is_told_as_delivered_and_no_sink_has_it(counter: Counter) -> None:
    canary = a_canary()
    counter.arrive(canary)
    counter.courier.turn()
    assert counter.sink.keys == []
    assert counter.find(canary.referral_id).state is State.DELIVERED
    (told,) = counter.owed()
    assert (told.kind, told.reason_code, told.mark) == (ReturnKind.DELIVERED, canaries.STOPPED, Mark.TEST)


def test_what_left_the_courier_counts_it_apart_from_what_was_delivered(counter: Counter) -> None:
    counter.arrive(a_canary())
    before = counted.left("courier", "canary"), counted.left("courier", "delivered")
    counter.courier.turn()
    assert (counted.left("courier", "canary"), counted.left("courier", "delivered")) == (before[0] + 1, before[1])


def test_when_it_was_sent_is_published_once_the_courier_has_it(counter: Counter) -> None:
    canary = a_canary("published")
    CANARY_SENT.clear()
    counter.arrive(canary)
    assert sent_seconds(counter) is None
    counter.courier.turn()
    assert sent_seconds(counter) == canary.submitted_at.epoch_ms / 1000


def test_a_member_that_wants_them_has_them_in_its_sinks(open_counter: Opener) -> None:
    counter, canary = open_counter(takes_canaries=True), a_canary()
    counter.arrive(canary)
    counter.courier.turn()
    assert counter.sink.keys == [canary.referral_id]


@pytest.mark.parametrize("changes", [{"mark": Mark.LIVE}, {"mark": Mark.DRILL}, {"changes": ()}])
def test_what_is_live_or_was_not_marked_by_triage_is_delivered(counter: Counter, changes: dict[str, Any]) -> None:
    report = a_canary(**changes)
    counter.arrive(report)
    counter.courier.turn()
    assert counter.sink.keys == [report.referral_id]


def test_it_is_not_counted_not_answered_and_nobody_is_called_for_it(counter: Counter) -> None:
    canary = a_canary(priority=a_priority(Tier.URGENT))
    counter.arrive(canary)
    with counter.store.begin() as connection:
        assert deliveries.counts(connection) == {}
        assert deliveries.oldest_waiting_ms(connection) is None
        assert deliveries.find_referral(connection, canary.referral_id) is None
        assert deliveries.to_escalate(connection, counter.clock.now_ms + 10**12, 10) == []
    counter.courier.turn()
    with counter.store.begin() as connection:
        assert deliveries.counts(connection) == {}


def test_what_has_the_same_content_is_no_duplicate_of_it(open_counter: Opener) -> None:
    counter = open_counter(agreement=Agreement(known_content=Treatment.COUNT))
    keys: dict[str, Any] = {"content_keys": ("sha256:one",), "content_kinds": ("sha256",), "circumstance_keys": ("g",)}
    report = a_referral("same mark", mark=Mark.TEST, **keys)
    counter.arrive(a_canary(**keys))
    counter.courier.turn()
    counter.arrive(report)
    counter.courier.turn()
    assert counter.sink.keys == [report.referral_id]


def test_a_process_that_starts_again_knows_when_the_last_one_was_sent(counter: Counter) -> None:
    canary = a_canary()
    older = a_canary("older", submitted_at=replace(canary.submitted_at, epoch_ms=canary.submitted_at.epoch_ms - 60_000))
    counter.arrive(older)
    counter.clock.now_ms += 1000
    counter.arrive(canary)
    counter.courier.turn()
    CANARY_SENT.clear()
    with counter.store.begin() as connection:
        assert canaries.remember(connection, counter.member, CODEC) == 1
    assert sent_seconds(counter) == canary.submitted_at.epoch_ms / 1000


def test_one_that_cannot_be_read_any_more_is_parked_and_not_published(counter: Counter) -> None:
    canary = a_canary()
    counter.arrive(canary)
    with counter.store.begin() as connection:
        deliveries.change(connection, canary.referral_id, value=b"\x00\x00\x00\x00\x01broken")
    CANARY_SENT.clear()
    counter.courier.turn()
    assert counter.find(canary.referral_id).state is State.PARKED
    assert sent_seconds(counter) is None


@pytest.mark.parametrize(
    ("topic", "lane"), [("referrals.nl.nl-hotline.v1", "normal"), ("referrals.nl.nl-hotline.urgent.v1", "escalated")]
)
def test_the_topic_tells_the_lane(topic: str, lane: str) -> None:
    assert canaries.lane_of(topic) == lane
