"""The curves of growth: their page and plot follow from their figures, and compare within a curve only."""

import math
import re
from pathlib import Path

import pytest

from benchmarks.figures import read, write
from benchmarks.growth import selectors
from benchmarks.growth.__main__ import CURVES
from benchmarks.growth.page import SAID, beside_first, page, verdict
from benchmarks.growth.plot import plot
from benchmarks.growth.points import Point, Round
from benchmarks.growth.results import Curve, Results
from benchmarks.peers.venvs import ROOT

PERFORMANCE = ROOT / "docs" / "performance"


def test_the_page_and_the_plot_in_the_repository_follow_from_their_figures() -> None:
    results = read(PERFORMANCE / "growth.json", Results)
    assert (PERFORMANCE / "growth.md").read_text("utf-8") == page(results), "run: make bench-growth"
    assert (PERFORMANCE / "growth.svg").read_text("utf-8") == plot(results), "run: make bench-growth"


def test_every_curve_has_been_measured_and_is_explained() -> None:
    assert set(read(PERFORMANCE / "growth.json", Results).curves) == set(CURVES) == set(SAID)


def test_a_point_is_told_by_its_median_and_beside_the_first_of_its_curve() -> None:
    curve = _curve(_point(10, 90.0, 100.0, 200.0), _point(1000, 40.0, 50.0, 60.0))
    lines = page(Results({"selectors": curve})).splitlines()
    assert "| 10 | 90, **100**, 200 | 1.00 | 2.00 |" in lines
    assert "| 1,000 | 40, **50**, 60 | 0.50 | 2.00 |" in lines


def test_the_first_point_that_is_measured_again_is_compared_with_itself() -> None:
    assert beside_first([_point(10, 100.0), _point(100, 50.0), _point(10, 80.0)]) == [1.0, 0.5, 0.8]


def test_points_that_were_measured_in_turn_are_compared_within_each_round() -> None:
    """A machine that got three times slower meanwhile leaves the ratio alone."""
    first, last = _point(10_000, 900.0, 600.0, 300.0), _point(10_000_000, 810.0, 540.0, 270.0)
    assert beside_first([first, last], in_turn=True) == pytest.approx([1.0, 0.9])
    assert "**Reached**: 0.90, from 0.90 to 0.90 in 3 rounds." in verdict(_curve(first, last, in_turn=True))


@pytest.mark.parametrize(
    ("rates", "word"),
    [((90.0, 95.0, 86.0), "Reached"), ((80.0, 60.0, 84.0), "Not reached"), ((90.0, 95.0, 84.0), "Not decided")],
)
def test_the_target_is_reached_or_missed_only_where_every_round_says_the_same(
    rates: tuple[float, ...], word: str
) -> None:
    curve = _curve(_point(10_000, 100.0, 100.0, 100.0), _point(10_000_000, *rates), in_turn=True)
    assert f"**{word}**" in verdict(curve)


def test_points_one_after_the_other_decide_nothing() -> None:
    curve = _curve(_point(10_000, 100.0), _point(10_000_000, 100.0), _point(10_000, 70.0))
    assert "**Not decided**" in verdict(curve)
    assert "0.70 of its own rate" in verdict(curve)


def test_a_curve_without_the_promised_count_says_that_it_was_not_measured() -> None:
    assert verdict(_curve(_point(10_000, 1.0), _point(100_000, 1.0), in_turn=True)).endswith("Not measured.")


def test_a_curve_goes_up_as_often_as_down() -> None:
    assert [selectors.passes(rounds) for rounds in (1, 2, 3, 4)] == [2, 2, 4, 4]


def test_the_page_says_how_busy_the_machine_was() -> None:
    assert "load average 9.5 when it began" in page(Results({"workers": _curve(_point(1, 1.0), _point(2, 2.0))}))


def test_a_curve_that_was_not_measured_has_no_section_and_no_panel() -> None:
    results = Results({"workers": _curve(_point(1, 1.0), _point(2, 2.0))})
    assert "## Members" not in page(results)
    assert re.findall(r"Reports per second by (\w+)", plot(results)) == ["workers"]


def test_twice_as_many_are_as_far_apart_wherever_they_are_and_double_the_rate_is_twice_as_high() -> None:
    drawn = plot(Results({"partitions": _curve(_point(1, 50.0), _point(2, 100.0), _point(4, 100.0))}))
    (line,) = re.findall(r'<polyline class="line" points="([^"]+)"', drawn)
    (floor,) = (float(found) for found in re.findall(r'<line class="spread" .* y1="(\d+)"', drawn))
    (x1, y1), (x2, y2), (x3, _) = (tuple(map(float, pair.split(","))) for pair in line.split(" "))
    assert math.isclose(x2 - x1, x3 - x2, abs_tol=0.2)
    assert math.isclose(floor - y2, 2 * (floor - y1), abs_tol=0.2)


def test_figures_are_read_as_they_were_written(tmp_path: Path) -> None:
    results = Results({"workers": _curve(_point(1, 1.0, 2.0))})
    write(tmp_path / "growth.json", results)
    assert read(tmp_path / "growth.json", Results) == results


def _point(count: int, *rates: float) -> Point:
    return Point(
        count=count,
        rounds=tuple(Round(reports_per_second=rate, cpu_seconds_per_thousand=2.0) for rate in rates),
    )


def _curve(*points: Point, in_turn: bool = False) -> Curve:
    return Curve(commit="abc1234", cores=2, load=9.5, reports=600, points=points, in_turn=in_turn)
