"""The demo's numbers: of this run alone, and never better than they are."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.runtime.ledger.balance import Balance, Line, ReferralCount
from tocsin.stack.demo.latency import percentile
from tocsin.stack.demo.snapshot import Snapshot, snapshot_of
from tocsin.stack.demo.story import EXAMPLE_SUBMITTERS, EXAMPLES, Told
from tocsin.stack.demo.view import line

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def a_balance(routed: int, delivered: int, waiting: int = 0) -> Balance:
    topic = Line(
        topic="reports.a.submitted.v1",
        came_in=routed + waiting,
        outcomes={"routed": routed},
        waiting=waiting,
        missing=(),
    )
    answers = Line(topic="returns.a.v1", came_in=delivered, outcomes={"applied": delivered}, waiting=0, missing=())
    states = (("delivered", delivered), ("waiting", routed - delivered))
    counts = tuple(ReferralCount(recipient="a", state=state, count=count, oldest=NOW) for state, count in states)
    return Balance(lines=(topic, answers), referrals=counts, urgent_without_recipient=())


def test_a_snapshot_counts_reports_and_leaves_returns_out() -> None:
    found = snapshot_of(a_balance(routed=10, delivered=4, waiting=3))
    assert (found.came_in, found.waiting, found.made, found.arrived) == (13, 3, 10, 4)
    assert found.balanced


def test_what_earlier_runs_left_is_not_this_runs() -> None:
    before, now = snapshot_of(a_balance(10, 10)), snapshot_of(a_balance(25, 20))
    since = now.since(before)
    assert (since.came_in, since.made, since.arrived) == (15, 15, 10)
    assert now.since(now) == Snapshot(
        waiting=0, outcomes={}, referrals={}, by_recipient={"a": {}}, balanced=True, came_in=0
    )


@pytest.mark.parametrize(("share", "expected"), [(0.5, 3), (0.99, 5), (0.0, 1)])
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    assert percentile([5, 1, 4, 2, 3], share) == expected
    assert percentile([], share) is None


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 1))
def test_a_percentile_grows_with_its_share(values: list[float], share: float) -> None:
    low, high = percentile(values, share), percentile(values, 1.0)
    assert low is not None
    assert high == max(values)
    assert low <= max(values)


def test_a_line_of_progress_says_what_happens() -> None:
    told = Told(published=7, now="plat-a publishes")
    assert "published 7" in line(told, Snapshot(), 3.0)
    assert "plat-a publishes" in line(told, Snapshot(), 3.0)


def test_there_is_an_example_of_every_format_with_a_member_that_sends_it() -> None:
    suffixes = {path.suffix for path in EXAMPLES.iterdir()} - {".md"}
    assert suffixes == set(EXAMPLE_SUBMITTERS)
