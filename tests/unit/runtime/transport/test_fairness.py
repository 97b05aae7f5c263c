"""Of whom a worker takes how much: a backlog is handed over in portions, and whoever sends a few goes first."""

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from tocsin.runtime.transport.fairness import FEW_AHEAD, MOST_AHEAD, MOST_AHEAD_RECORDS, SHARED_SECONDS, Portions

FLOOD, OTHER, THIRD = TP("flood", 0), TP("other", 0), TP("third", 0)


class Piece(Struct):
    """A slice that was handed over."""

    count: int = 100
    passed: bool = False


def test_a_backlog_alone_is_taken_in_whole_slices() -> None:
    portions = Portions(500, 100)
    assert portions.in_turn({FLOOD: 500}, {FLOOD: 9_500}, 0.0) == [FLOOD]
    assert portions.records(1.0) == 500


def test_while_somebody_else_sends_a_few_a_backlog_is_taken_in_small_slices_and_comes_after_them() -> None:
    portions = Portions(500, 100)
    assert portions.in_turn({FLOOD: 500, OTHER: 3}, {FLOOD: 9_500, OTHER: 0}, 0.0) == [OTHER, FLOOD]
    assert [portions.records(at) for at in (0.1, SHARED_SECONDS - 0.1, SHARED_SECONDS)] == [100, 100, 500]


def test_a_small_rest_of_what_the_client_had_fetched_is_nobody_who_sends_a_few() -> None:
    portions = Portions(500, 100)
    portions.in_turn({FLOOD: 3}, {FLOOD: 9_500}, 0.0)
    assert portions.records(0.1) == 500


@pytest.mark.parametrize(("left", "most"), [(0, FEW_AHEAD), (9_500, MOST_AHEAD)])
def test_so_much_of_one_partition_is_on_its_way_and_what_passed_makes_room(left: int, most: int) -> None:
    portions, pieces = Portions(500, 100), [Piece() for _ in range(most)]
    portions.in_turn({OTHER: 100}, {OTHER: left}, 0.0)
    for piece in pieces:
        assert portions.open_to({OTHER}) == {OTHER}
        portions.handed(OTHER, piece)
    assert portions.open_to({OTHER, THIRD}) == {THIRD}
    pieces[0].passed = True
    assert portions.open_to({OTHER, THIRD}) == {OTHER, THIRD}


def test_all_backlogs_together_are_bounded_and_who_has_none_is_never_kept_out_by_them() -> None:
    portions = Portions(500, 100)
    portions.in_turn({FLOOD: 500, THIRD: 500, OTHER: 1}, {FLOOD: 1, THIRD: 1, OTHER: 0}, 0.0)
    for tp in (FLOOD, THIRD):
        portions.handed(tp, Piece(count=MOST_AHEAD_RECORDS // 2))
    assert portions.open_to({FLOOD, THIRD, OTHER}) == {OTHER}


def test_partitions_that_are_dealt_anew_begin_with_nothing_ahead() -> None:
    portions = Portions(500, 100)
    for _ in range(MOST_AHEAD):
        portions.handed(FLOOD, Piece())
    portions.forget()
    assert portions.open_to({FLOOD}) == {FLOOD}


@given(
    st.lists(
        st.tuples(st.sampled_from([FLOOD, OTHER, THIRD]), st.integers(1, 500), st.integers(0, 1_000), st.booleans()),
        max_size=60,
    )
)
def test_whatever_came_before_once_everything_passed_everybody_may_go_on(
    steps: list[tuple[TP, int, int, bool]],
) -> None:
    portions, pieces = Portions(500, 100), []
    for tp, count, left, passes in steps:
        portions.in_turn({tp: count}, {tp: left}, 0.0)
        pieces.append(Piece(count=count, passed=passes))
        portions.handed(tp, pieces[-1])
        assert portions.records(0.0) in {100, 500}
    for piece in pieces:
        piece.passed = True
    assert portions.open_to({FLOOD, OTHER, THIRD}) == {FLOOD, OTHER, THIRD}
