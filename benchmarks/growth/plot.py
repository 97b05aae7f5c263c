"""The plot of the curves, from the figures alone (pure): a panel for each, its median as a line, its rounds as dots."""

import math
from collections.abc import Sequence

from benchmarks.drawing import drawing
from benchmarks.growth.page import SAID
from benchmarks.growth.points import Point
from benchmarks.growth.results import Results

_WIDTH, _LEFT, _RIGHT = 760, 60, 60
_PANEL, _TOP, _BELOW = 190, 44, 40
"""Height of a panel, and what its title and its counts take of it."""


def plot(results: Results) -> str:
    """SVG, legible in a light and in a dark page."""
    names = [name for name in SAID if name in results.curves]
    body = [
        line
        for number, name in enumerate(names)
        for line in _panel(name, _sorted(results.curves[name].points), number * _PANEL)
    ]
    title = "Reports per second as partitions, selectors, members and workers grow; the tables have the same figures"
    return drawing(title, _WIDTH, _PANEL * len(names), body)


def _sorted(points: Sequence[Point]) -> list[Point]:
    """By count; what was measured twice stands side by side."""
    return sorted(points, key=lambda point: point.count)


def _panel(name: str, points: Sequence[Point], top: int) -> list[str]:
    most = max(each.reports_per_second for point in points for each in point.rounds)
    floor, room = top + _PANEL - _BELOW, _PANEL - _TOP - _BELOW

    def high(rate: float) -> float:
        return floor - room * rate / most

    line = " ".join(f"{_across(point, points):.1f},{high(point.reports_per_second):.1f}" for point in points)
    return [
        f'<text class="title" x="10" y="{top + 26}">Reports per second by {name}</text>',
        f'<line class="spread" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{floor}" y2="{floor}"/>',
        f'<polyline class="line" points="{line}"/>',
        *(
            f'<circle class="bar" cx="{_across(point, points):.1f}" cy="{high(each.reports_per_second):.1f}" r="3"/>'
            for point in points
            for each in point.rounds
        ),
        *(_labels(point, _across(point, points), high(point.reports_per_second), floor) for point in points),
    ]


def _labels(point: Point, across: float, height: float, floor: float) -> str:
    return (
        f'<text x="{across:.1f}" y="{floor + 18}" text-anchor="middle">{point.count:,}</text>'
        f'<text x="{across:.1f}" y="{height - 10:.1f}" text-anchor="middle">{point.reports_per_second:.0f}</text>'
    )


def _across(point: Point, points: Sequence[Point]) -> float:
    """Counts grow by factors, so distance is a factor too."""
    least, most = math.log(points[0].count), math.log(points[-1].count)
    share = (math.log(point.count) - least) / (most - least) if most > least else 0.5
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
