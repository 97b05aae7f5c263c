"""Only an unbroken head is committed, whatever order slices end in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.runtime.transport.spans import Span, SpanTracker


def delivered(lengths: list[int], start: int = 0) -> tuple[SpanTracker, list[Span]]:
    tracker = SpanTracker(start)
    return tracker, [tracker.deliver(tracker.position, tracker.position + length) for length in lengths]


def test_nothing_is_committed_before_the_first_slice_is_done() -> None:
    tracker, spans = delivered([5, 5])
    spans[1].acknowledged = True
    assert tracker.committable() is None
    spans[0].acknowledged = True
    assert tracker.committable() == 10


def test_a_committed_offset_is_told_once() -> None:
    tracker, (span,) = delivered([3])
    span.acknowledged = True
    assert tracker.committable() == 3
    assert tracker.committable() == 3
    tracker.committed(3)
    assert tracker.committable() is None


@pytest.mark.parametrize(("first", "end"), [(4, 6), (6, 8), (5, 5)])
def test_a_gap_an_overlap_and_an_empty_span_are_refused(first: int, end: int) -> None:
    tracker, _ = delivered([5])
    with pytest.raises(ValueError, match="a span starts at 5"):
        tracker.deliver(first, end)


def test_only_the_newest_span_can_be_taken_back_and_is_read_again() -> None:
    tracker, spans = delivered([2, 3])
    with pytest.raises(ValueError, match="newest"):
        tracker.retract(spans[0])
    tracker.retract(spans[1])
    assert tracker.position == 2


@given(
    start=st.integers(0, 10**12),
    lengths=st.lists(st.integers(1, 500), min_size=1, max_size=30),
    order=st.randoms(use_true_random=False),
)
def test_what_is_committed_is_always_the_end_of_a_done_head(start: int, lengths: list[int], order: object) -> None:
    tracker, spans = delivered(lengths, start)
    shuffled = list(spans)
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    last = start
    for span in shuffled:
        span.acknowledged = True
        offset = tracker.committable()
        head = start
        for each in spans:
            if not each.acknowledged:
                break
            head = each.next_offset
        assert (offset or last) == head
        if offset is not None:
            assert offset > last
            last = offset
            tracker.committed(offset)
    assert last == spans[-1].next_offset
    assert tracker.open_spans() == 0
