"""One member floods: the page follows from the figures, and the promise holds only where it was put to the test."""

from typing import Any

import pytest
from msgspec.structs import replace

from benchmarks.fairness.page import page
from benchmarks.fairness.results import FLOOD_REPORTS, Fairness
from benchmarks.figures import read
from benchmarks.peers.latency import Latency
from benchmarks.peers.venvs import ROOT

PERFORMANCE = ROOT / "docs" / "performance"
FOUND = Fairness(
    commit="abc1234",
    cores=2,
    load=0.5,
    others=9,
    flood=1000,
    quiet=Latency(sent=90, measured=90, p50_ms=40.0, p99_ms=100.0),
    flooded=Latency(sent=90, measured=90, p50_ms=80.0, p99_ms=250.0),
    backlog_before=900,
    backlog_after=500,
)


def test_the_page_in_the_repository_follows_from_its_figures_and_is_of_the_whole_flood() -> None:
    found = read(PERFORMANCE / "fairness.json", Fairness)
    assert (PERFORMANCE / "fairness.md").read_text("utf-8") == page(found), "run: make bench-fairness"
    assert found.flood == FLOOD_REPORTS


def test_it_says_by_how_much_the_others_wait_longer() -> None:
    assert FOUND.holds
    assert "p99 in the flood is 2.5 times the quiet one" in page(FOUND)
    assert "| alone | 90 | 90 | 40 | 100 |" in page(FOUND)


@pytest.mark.parametrize(
    "changes",
    [
        {"flooded": Latency(sent=90, measured=90, p50_ms=80.0, p99_ms=301.0)},
        {"flooded": Latency(sent=90, measured=89, p50_ms=80.0, p99_ms=250.0)},
        {"quiet": Latency(sent=90, measured=89, p50_ms=40.0, p99_ms=100.0)},
        {"backlog_after": 0},
    ],
    ids=["too slow", "one did not arrive", "one did not arrive before", "the flood was over"],
)
def test_the_promise_does_not_hold_where_others_wait_are_missing_or_nothing_was_put_to_the_test(
    changes: dict[str, Any],
) -> None:
    found = replace(FOUND, **changes)
    assert not found.holds
    assert "**does not hold**" in page(found)
