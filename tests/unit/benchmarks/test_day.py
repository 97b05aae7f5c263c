"""A day at once: its page follows from its figures, and says what bounds it."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.day.page import page
from benchmarks.day.results import DAY_REPORTS, Day
from benchmarks.figures import read, write
from benchmarks.peers.venvs import ROOT

PERFORMANCE = ROOT / "docs" / "performance"
DAY = Day(
    commit="abc1234",
    cores=2,
    load=0.5,
    reports=1000,
    referrals=2000,
    publish_seconds=5.0,
    triage_seconds=10.0,
    delivery_seconds=20.0,
    return_seconds=25.0,
    cpu_seconds={"triage": 10.0, "deliver": 35.0},
)


def test_the_page_in_the_repository_follows_from_its_figures_and_is_of_a_whole_day() -> None:
    day = read(PERFORMANCE / "day.json", Day)
    assert (PERFORMANCE / "day.md").read_text("utf-8") == page(day), "run: make bench-day"
    assert day.reports == DAY_REPORTS


def test_each_part_is_told_by_when_it_was_done_and_its_rate() -> None:
    lines = page(DAY).splitlines()
    assert "| every report was decided and settled | 10 | 100 |" in lines
    assert "| every sink had its copies | 20 | 100 |" in lines


def test_cpu_is_told_from_the_most_to_the_least_and_for_each_report() -> None:
    rows = [line for line in page(DAY).splitlines() if line.startswith(("| triage |", "| deliver |"))]
    assert rows == ["| deliver | 35 | 35.00 |", "| triage | 10 | 10.00 |"]


@pytest.mark.parametrize(("deliver", "bound"), [(35.0, "the cores"), (20.0, "is not the cores")])
def test_the_cores_bound_it_only_where_they_were_busy(deliver: float, bound: str) -> None:
    day = replace(DAY, cpu_seconds={"triage": 10.0, "deliver": deliver})
    assert bound in page(day)
    assert "deliver had most of it" in page(day)


def test_the_time_to_every_sink_is_told_beside_an_even_flow() -> None:
    assert "20 seconds, 72 times as fast as 60,000 would come in evenly over a day" in page(DAY)


def test_figures_are_read_as_they_were_written(tmp_path: Path) -> None:
    write(tmp_path / "day.json", DAY)
    assert read(tmp_path / "day.json", Day) == DAY
