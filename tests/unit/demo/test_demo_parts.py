"""The demo's numbers: of this run alone, and never better than they are."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tocsin.runtime.ledger.balance import Balance, Line, ReferralCount
from tocsin.stack.demo.closing import numbers
from tocsin.stack.demo.latency import percentile
from tocsin.stack.demo.running import Account, Summary
from tocsin.stack.demo.snapshot import Snapshot, snapshot_of
from tocsin.stack.demo.story import EXAMPLE_SUBMITTERS, EXAMPLES, Told
from tocsin.stack.demo.view import line, screen

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


def an_account(told: Summary, bundled: int = 0) -> Account:
    return Account(summary=told, bundled=bundled, withdrawn=1, seconds=3.0)


TOLD = Summary(
    published=20, triaged=19, refused=1, referrals=30, delivered=25, taken_up=5, parked=0,
    urgent_p99_seconds=0.25, balanced=True,
)  # fmt: skip


def test_the_last_words_say_where_every_referral_is() -> None:
    words = " ".join(numbers(an_account(TOLD, bundled=4)))
    for part in ("20 records", "19 triaged", "1 reports were refused", "30 referrals", "25 arrived", "5 were taken up"):
        assert part in words
    assert "4 wait for their recipient's daily bundle, 1 were taken back" in words
    assert "on their way" not in words


def test_a_referral_that_is_nowhere_yet_is_told() -> None:
    assert "are parked and 2 are on their way" in " ".join(numbers(an_account(TOLD, bundled=2)))


def test_what_an_interrupted_run_left_is_not_taken_for_this_runs() -> None:
    words = " ".join(numbers(an_account(TOLD, bundled=9)))
    assert "at least 5 had been left waiting by an earlier run" in words
    assert "on their way" not in words


@pytest.mark.parametrize("width", [80, 120])
def test_the_picture_fits_a_small_terminal(width: int) -> None:
    recipients = {f"recipient-number-{n}": {"delivered": 900, "waiting": 99} for n in range(13)}
    counts = {"routed": 1917, "refused": 4, "waiting_person": 20, "withdrawn": 5, "no_recipient": 7, "stale": 3}
    now = Snapshot(
        came_in=1946, outcomes=counts, referrals={"delivered": 2750, "waiting": 139}, by_recipient=recipients
    )
    console = Console(width=width, record=True, file=StringIO())
    console.print(screen(Told(published=1932, now="somebody publishes something"), now, 0.5, 12.0))
    lines = console.export_text().splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= width
    assert any(line.startswith("published") and "1932" in line for line in lines)
    assert sum("recipient-number-" in line for line in lines) == 13


def test_there_is_an_example_of_every_format_with_a_member_that_sends_it() -> None:
    suffixes = {path.suffix for path in EXAMPLES.iterdir()} - {".md"}
    assert suffixes == set(EXAMPLE_SUBMITTERS)
