"""A port answers each caller at its pace, all of them at theirs, and remembers no more callers than it may."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tocsin.runtime.pacing import MOST_CALLERS, Callers, caller_of, pace

PLENTY = pace(1e9, 1e9)
STEPS = st.lists(st.tuples(st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3"]), st.floats(0, 0.5)), max_size=200)


@given(STEPS)
def test_no_caller_is_answered_more_than_its_pace_and_all_together_not_more_than_theirs(
    steps: list[tuple[str, float]],
) -> None:
    paces, now, answered = Callers(each=pace(10, 5), together=pace(15, 8)), 0.0, Counter[str]()
    for caller, step in steps:
        now += step
        answered[caller] += paces.wait_seconds(caller, now) == 0
    assert all(count <= 5 + 10 * now + 1e-6 for count in answered.values())
    assert answered.total() <= 8 + 15 * now + 1e-6


def test_a_caller_above_its_pace_takes_nothing_from_the_others() -> None:
    paces = Callers(each=pace(1, 2), together=pace(1, 4))
    flood = [paces.wait_seconds("192.0.2.1", 0) for _ in range(100)]
    assert flood.count(0) == 2
    assert [paces.wait_seconds("192.0.2.2", 0) for _ in range(2)] == [0, 0]


def test_who_waits_as_told_is_answered() -> None:
    paces = Callers(each=pace(2, 1), together=PLENTY)
    assert paces.wait_seconds("192.0.2.1", 100.0) == 0
    wait = paces.wait_seconds("192.0.2.1", 100.0)
    assert 0 < wait <= 0.5
    assert paces.wait_seconds("192.0.2.1", 100.0 + wait) == 0


def test_a_flood_of_addresses_is_bounded_and_the_latest_caller_is_still_known() -> None:
    paces = Callers(each=pace(0.001, 1), together=PLENTY)
    for number in range(3 * MOST_CALLERS):
        paces.wait_seconds(f"198.51.100.1 {number}", 0)
        paces.wait_seconds("192.0.2.1", 0)
    assert paces.remembered() == MOST_CALLERS
    assert paces.wait_seconds("192.0.2.1", 0) > 0


def test_one_machine_is_one_caller_however_many_addresses_it_has() -> None:
    assert caller_of("2001:db8::1") == caller_of("2001:db8::2") != caller_of("2001:db8:0:1::1")
    assert caller_of("::ffff:192.0.2.1") == caller_of("192.0.2.1") != caller_of("192.0.2.2")
    assert len(caller_of("x" * 10_000)) <= 64
