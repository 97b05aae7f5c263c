"""Whatever a sink does and whenever the process ends, no referral is lost and none is doubled."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.settings import Limits
from consumers.sinks.port import Away, Unanswered
from consumers.states import State
from schemas.failures import Failure, Refused, Temporary
from tests.builders.deliveries import Counter, ObedientSink
from tests.builders.referrals import a_referral

FAILURES = st.lists(
    st.sampled_from([None, Temporary("busy"), Away("away"), Unanswered("silence"), Refused("no")]), max_size=12
)
DAY_MS = 86_400_000


@contextmanager
def a_counter(sink: ObedientSink) -> Iterator[Counter]:
    with tempfile.TemporaryDirectory() as folder:
        counter = Counter(folder=Path(folder), sinks={"sink": sink}, limits=Limits(max_attempts=100))
        try:
            yield counter
        finally:
            counter.close()


def run_until_quiet(counter: Counter) -> None:
    for _ in range(60):
        counter.courier.recover(all_claims=True)
        counter.courier.turn()
        counter.clock.now_ms += 900_000


@settings(max_examples=25, deadline=None)
@given(FAILURES, st.booleans(), st.booleans())
def test_every_referral_is_delivered_once_or_waits_for_a_person(
    failures: list[Failure | None], honours_key: bool, effect_before_failure: bool
) -> None:
    sink = ObedientSink(honours_key=honours_key, failures=failures.copy(), effect_before_failure=effect_before_failure)
    referrals = [a_referral(f"case-{number}") for number in range(4)]
    with a_counter(sink) as counter:
        counter.arrive(*referrals)
        run_until_quiet(counter)
        states = {referral.referral_id: counter.find(referral.referral_id).state for referral in referrals}
        told = {key for key, _ in counter.told()}
    assert set(states.values()) <= {State.DELIVERED, State.PARKED}
    assert {key for key, state in states.items() if state is State.DELIVERED} <= set(sink.keys)
    assert told == states.keys()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=5))
def test_a_process_that_starts_again_and_again_delivers_each_referral_once(turns: list[int]) -> None:
    sink = ObedientSink()
    referrals = [a_referral(f"case-{number}") for number in range(6)]
    with a_counter(sink) as counter:
        for referral, count in zip(referrals, [*turns, *[1] * 6], strict=False):
            counter.arrive(referral)
            for _ in range(count):
                counter.courier.turn()
            counter.close()
            counter.source.read = 0
            counter.open()
        run_until_quiet(counter)
    assert sorted(sink.keys) == sorted(referral.referral_id for referral in referrals)
