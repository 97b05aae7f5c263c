"""The page of the curves: a table for each and how to repeat it, from the figures alone (pure)."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.growth.points import Point
from benchmarks.growth.results import Curve, Results
from benchmarks.verdicts import at_least

SAID: Final[Mapping[str, str]] = {
    "partitions": "Partitions of one member's topic, read by one worker.",
    "selectors": "Selectors of other reports that the index knows already.",
    "members": "Submitting members, each with topics of its own, all read by one worker; all of their topics together "
    "hold the same number of reports.",
    "workers": "Workers of one lane on a topic of eight partitions; broker and PostgreSQL share their cores.",
}
_HEAD: Final = """# How throughput changes as things grow

*Made by `make bench-growth`; do not edit. The figures are in [growth.json](growth.json).*

The production worker of the normal lane on a backlog of signed reports of one item each, from the first report that is
settled to the last, on a local stack of its own (one broker, PostgreSQL).

![Reports per second of each curve](growth.svg)
"""
_TAIL: Final = """
Read ratios within a curve, not rates: broker, PostgreSQL and workers share the machine's cores, and each curve has a
stack of its own. *Beside the first* is the ratio to the first point: where points were measured in turn, the median
over rounds of that within a round; elsewhere median ÷ median, and **what the machine did between the two is in it**, so
that it shows a direction and decides nothing. CPU is that of the workers, broker and PostgreSQL left out. To repeat it:
`make bench-growth`, or one curve, `.venv/bin/python -m benchmarks.growth --curve selectors`; curves that were measured
before are kept.
"""
TARGET: Final = 0.85
_TARGET_COUNT: Final = 10_000_000


def page(results: Results) -> str:
    """Markdown."""
    return "\n".join((_HEAD, *(_section(name, results.curves[name]) for name in SAID if name in results.curves), _TAIL))


def beside_first(points: Sequence[Point], *, in_turn: bool = False) -> list[float]:
    """What is left of the first point's rate at each point, as ratio."""
    if in_turn:
        return [statistics.median(ratios(point, points[0])) for point in points]
    return [point.reports_per_second / points[0].reports_per_second for point in points]


def ratios(point: Point, first: Point) -> list[float]:
    """Within each round."""
    pairs = zip(point.rounds, first.rounds, strict=True)
    return [one.reports_per_second / other.reports_per_second for one, other in pairs]


def verdict(curve: Curve) -> str:
    """Of the curve of selectors: whether many cost no more than was promised."""
    first, last = curve.points[0], max(curve.points, key=lambda point: point.count)
    said = f"Target, {_TARGET_COUNT:,} beside {first.count:,}: at least {TARGET} of the rate."
    if last.count < _TARGET_COUNT:
        return f"{said} Not measured."
    if curve.in_turn:
        return f"{said} {at_least(TARGET, ratios(last, first))}"
    again = [point for point in curve.points[1:] if point.count == first.count]
    drift = f"; the first, measured again at the end, had {beside_first([first, *again])[-1]:.2f} of its own rate"
    return f"{said} **Not decided**: points were measured one after the other{drift if again else ''}."


def _section(name: str, curve: Curve) -> str:
    beside = beside_first(curve.points, in_turn=curve.in_turn)
    rows = (_row(point, ratio) for point, ratio in zip(curve.points, beside, strict=True))
    return "\n".join(
        (
            f"## {name.capitalize()}",
            SAID[name],
            "",
            f"| {name} | reports/s: min, median, max | beside the first | CPU-s per 1,000 |",
            "|---|---|---|---|",
            *rows,
            "",
            *((verdict(curve), "") if name == "selectors" else ()),
            f"{curve.said}, {curve.reports} reports a round, {len(curve.points[0].rounds)} rounds"
            f"{', in turn' if curve.in_turn else ''}.",
            "",
        )
    )


def _row(point: Point, ratio: float) -> str:
    rates = [each.reports_per_second for each in point.rounds]
    spread = f"{min(rates):.0f}, **{point.reports_per_second:.0f}**, {max(rates):.0f}"
    return f"| {point.count:,} | {spread} | {ratio:.2f} | {point.cpu_seconds_per_thousand:.2f} |"
