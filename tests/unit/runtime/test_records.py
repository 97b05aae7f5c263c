"""Which places are read in one go."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin.runtime.records import FARTHEST, runs


def test_neighbours_are_one_run_and_a_long_way_is_a_jump() -> None:
    assert runs([]) == []
    assert runs([3, 4, 4 + FARTHEST]) == [[3, 4, 4 + FARTHEST]]
    assert runs([3, 4 + FARTHEST]) == [[3], [4 + FARTHEST]]


@given(st.sets(st.integers(0, 50_000)))
def test_nothing_is_left_out_and_nothing_is_read_twice(offsets: set[int]) -> None:
    assert [offset for run in runs(sorted(offsets)) for offset in run] == sorted(offsets)
