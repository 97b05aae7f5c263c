"""A full disk under the delivery store and the folder: what it did not take is there as soon as it has room."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from consumers.letters import Parcel
from consumers.sinks.directory import DirectorySink
from consumers.sinks.port import Away, Presence
from consumers.states import State
from schemas.failures import Temporary
from tests.builders.deliveries import Counter, ObedientSink
from tests.builders.referrals import a_referral
from tests.builders.room import no_room
from tests.unit.consumers.test_courier import crash_while_sending

Opener = Callable[..., Counter]


class Last(ObedientSink):
    """The disk is full from the moment on that a parcel arrives."""

    def __init__(self, fault: ExitStack) -> None:
        super().__init__()
        self._fault = fault

    def send(self, parcel: Parcel) -> None:
        super().send(parcel)
        self._fault.enter_context(no_room())


def test_what_the_store_had_no_room_for_is_written_down_in_the_next_turn_and_sent_once(open_counter: Opener) -> None:
    with ExitStack() as fault:
        sink = Last(fault)
        counter = open_counter(sinks={"sink": sink})
        referral = a_referral()
        counter.arrive(referral)
        with pytest.raises(Temporary) as full:
            counter.courier.turn()
        assert full.value.code == "store.away"
    counter.clock.now_ms += 10_000
    assert counter.courier.turn() == 1
    assert counter.find(referral.referral_id).state is State.DELIVERED
    assert sink.keys == [referral.referral_id]


def test_when_its_claim_is_over_the_sink_is_asked_and_what_was_not_written_down_counts_no_more(
    open_counter: Opener,
) -> None:
    with ExitStack() as fault:
        counter = open_counter(sinks={"sink": Last(fault)})
        referral = a_referral()
        counter.arrive(referral)
        with pytest.raises(Temporary):
            counter.courier.turn()
    counter.clock.now_ms += counter.limits.claim_seconds * 1000
    assert counter.courier.turn() == 0
    assert counter.find(referral.referral_id).state is State.SENDING
    assert counter.courier.recover(all_claims=False) == 1
    assert counter.find(referral.referral_id).state is State.DELIVERED


def test_a_folder_without_room_gets_its_referral_when_the_first_short_pause_is_over(
    open_counter: Opener, tmp_path: Path
) -> None:
    counter = open_counter(sinks={"folder": DirectorySink(tmp_path / "delivered")})
    referral = a_referral()
    counter.arrive(referral)
    with no_room(), pytest.raises(Temporary):
        counter.courier.turn()
    counter.clock.now_ms += 2_000
    while not counter.courier.turn() and counter.find(referral.referral_id).state is not State.DELIVERED:
        counter.clock.now_ms += 1_000
    assert counter.clock.now_ms - counter.find(referral.referral_id).received_ms <= 4_000
    assert [path.stem for path in (tmp_path / "delivered").glob("*.json")] == [referral.referral_id]


def test_a_sink_that_cannot_say_what_it_has_is_asked_again_when_its_pause_is_over_and_once_for_all(
    open_counter: Opener,
) -> None:
    class Full(ObedientSink):
        asked = 0
        is_full = True

        def check(self, key: str) -> Presence:
            self.asked += 1
            if self.is_full:
                raise Away("No room.", code="sink.folder")
            return super().check(key)

    sink = Full()
    counter = open_counter(sinks={"sink": sink})
    referrals = [a_referral(f"case-{number}") for number in range(3)]
    counter.arrive(*referrals)
    crash_while_sending(counter, arrived=False)
    assert counter.courier.recover(all_claims=True) == 3
    assert sink.asked == 1
    sink.is_full = False
    counter.clock.now_ms += 2_000
    assert counter.courier.recover(all_claims=False) == 3
    assert counter.courier.turn() == 3
    assert sorted(sink.keys) == sorted(each.referral_id for each in referrals)
