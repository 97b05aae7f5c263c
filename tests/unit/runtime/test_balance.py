"""The sum that must come out: what came in is what became of it and what waits, or an offset is named."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.runtime.ledger.balance import Balance, Block, Count, ReferralCount, StreamFacts, line_of
from tocsin.runtime.ledger.outcomes import Outcome

TOPIC = "reports.a.submitted.v1"
NOON, LATER = datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 7, 1, 13, tzinfo=UTC)


def a_stream(*blocks: Block, **changes: Any) -> StreamFacts:
    """A partition with ten records, all of them routed as far as they are settled."""
    settled = sum(block.length for block in blocks)
    facts: dict[str, Any] = {
        "topic": TOPIC,
        "partition": 0,
        "log_start": 0,
        "log_end": 10,
        "first": 0,
        "blocks": blocks,
        "outcomes": {Outcome.ROUTED: Count(records=settled, oldest=NOON)} if settled else {},
    }
    return StreamFacts(**(facts | changes))


def a_balance(**changes: Any) -> Balance:
    whole: dict[str, Any] = {
        "lines": (line_of(TOPIC, [a_stream(Block(0, 10))]),),
        "referrals": (),
        "urgent_without_recipient": (),
    }
    return Balance(**(whole | changes))


def test_what_is_settled_and_what_waits_add_up() -> None:
    line = line_of(TOPIC, [a_stream(Block(0, 4), Block(4, 3)), a_stream(partition=1)])
    assert (line.came_in, line.outcomes, line.waiting, line.missing) == (20, {"routed": 7}, 13, ())
    assert line.balances


@pytest.mark.parametrize(
    ("stream", "named"),
    [
        (a_stream(Block(0, 4), Block(6, 2)), f"{TOPIC}[0]@4-5"),
        (a_stream(Block(0, 4), log_start=6), f"{TOPIC}[0]@4-5"),
        (a_stream(Block(0, 10), topic_changed=True), f"{TOPIC}[0] was re-created"),
        (a_stream(log_start=3), f"{TOPIC}[0]@0-2"),
    ],
)
def test_what_is_neither_settled_nor_waiting_is_named_and_fails(stream: StreamFacts, named: str) -> None:
    line = line_of(TOPIC, [stream])
    assert line.missing == (named,)
    assert not a_balance(lines=(line,)).holds


def test_an_outcome_too_many_fails_although_no_offset_is_missing() -> None:
    outcomes = {Outcome.ROUTED: Count(records=11, oldest=NOON)}
    assert not line_of(TOPIC, [a_stream(Block(0, 10), outcomes=outcomes)]).balances


def test_each_term_says_since_when_its_oldest_is_there() -> None:
    refused = {Outcome.REFUSED: Count(records=2, oldest=LATER)}
    early, late = a_stream(Block(0, 10)), a_stream(Block(0, 2), partition=1, outcomes=refused, oldest_waiting=LATER)
    even_earlier = a_stream(partition=2, oldest_waiting=NOON)
    line = line_of(TOPIC, [late, early, even_earlier])
    assert line.oldest == {"routed": NOON, "refused": LATER, "waiting": NOON}


@pytest.mark.parametrize("wrong", ["urgent_without_recipient", "routed_without_referral"])
def test_what_is_named_beside_the_sums_fails_it_too(wrong: str) -> None:
    assert a_balance().holds
    assert not a_balance(**{wrong: ("somebody's report",)}).holds


def test_what_was_routed_is_the_sum_of_its_referrals_by_state() -> None:
    counts = (("a", "waiting", 1), ("a", "uncertain", 2), ("b", "waiting", 4))
    referrals = tuple(ReferralCount(recipient=who, state=state, count=n, oldest=NOON) for who, state, n in counts)
    assert a_balance(referrals=referrals).referred == {"uncertain": 2, "waiting": 5}


@given(st.lists(st.integers(1, 5), max_size=8), st.integers(0, 20), st.integers(0, 7))
def test_without_one_block_exactly_its_offsets_are_missing_or_wait(lengths: list[int], more: int, lost: int) -> None:
    """Whatever was settled: taking one block away is seen, and which."""
    firsts = [sum(lengths[:n]) for n in range(len(lengths))]
    blocks = [Block(first, length) for first, length in zip(firsts, lengths, strict=True)]
    whole = a_stream(*blocks, log_end=sum(lengths) + more)
    assert line_of(TOPIC, [whole]).balances
    if lost < len(blocks):
        gone = blocks[lost]
        rest = [block for block in blocks if block != gone]
        line = line_of(TOPIC, [a_stream(*rest, log_end=whole.log_end)])
        is_last = lost == len(blocks) - 1
        assert line.missing == (() if is_last else (f"{TOPIC}[0]@{gone.first}-{gone.first + gone.length - 1}",))
