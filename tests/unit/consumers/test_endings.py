"""What the endings of one turn mean for a delivery."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.endings import Ending, Result, after_silence, retry_delay_ms, verdict
from consumers.settings import Limits
from consumers.sinks.port import Presence
from consumers.states import Event

LIMITS = Limits(max_attempts=5)
ENDINGS = st.lists(st.builds(Ending, sink=st.sampled_from("abc"), result=st.sampled_from(Result)), max_size=4)


@pytest.mark.parametrize(
    ("results", "event"),
    [
        ([], Event.CONFIRM),
        ([Result.DELIVERED, Result.DELIVERED], Event.CONFIRM),
        ([Result.DELIVERED, Result.RETRY], Event.RETRY),
        ([Result.HELD, Result.RETRY], Event.RETRY),
        ([Result.RETRY, Result.PARK], Event.PARK),
        ([Result.DOUBT, Result.RETRY], Event.DOUBT),
        ([Result.ASK_LATER, Result.DELIVERED], None),
    ],
)
def test_the_gravest_ending_decides(results: list[Result], event: Event | None) -> None:
    assert verdict([Ending(sink="a", result=result) for result in results], 1, LIMITS).event is event


@given(ENDINGS, st.integers(1, 10))
def test_it_is_confirmed_only_where_every_sink_has_it(endings: list[Ending], attempts: int) -> None:
    all_have_it = all(ending.result is Result.DELIVERED for ending in endings)
    assert (verdict(endings, attempts, LIMITS).event is Event.CONFIRM) == all_have_it


def test_a_sink_that_is_away_never_uses_attempts_up() -> None:
    found = verdict([Ending(sink="a", result=Result.HELD)], 1000, LIMITS)
    assert (found.event, found.counts) == (Event.RETRY, False)


@given(st.sampled_from(Presence), st.booleans())
def test_it_is_sent_again_only_where_that_is_harmless(presence: Presence, honours_key: bool) -> None:
    result, _ = after_silence(presence, honours_key=honours_key)
    assert (result is Result.RETRY) <= (presence is Presence.ABSENT or honours_key)
    assert (result is Result.DELIVERED) == (presence is Presence.PRESENT)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_retry_waits_within_its_bounds(attempts: int, chance: float) -> None:
    delay_ms = retry_delay_ms(attempts, LIMITS, chance)
    assert LIMITS.first_retry_seconds * 500 <= delay_ms <= LIMITS.longest_retry_seconds * 1000
