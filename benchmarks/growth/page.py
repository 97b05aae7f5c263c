"""The page of the curves: a table for each and how to repeat it, from the figures alone (pure)."""

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.growth.points import Point
from benchmarks.growth.results import Curve, Results

SAID: Final[Mapping[str, str]] = {
    "partitions": "Partitions of one member's topic, read by one worker.",
    "selectors": "Selectors of other reports that the index knows already; the first point is measured again at the "
    "end, and what it differs by is the machine.",
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
stack of its own. *Beside the first* is median ÷ median of the first point. CPU is that of the workers, broker and
PostgreSQL left out. To repeat it: `make bench-growth`, or one curve, `.venv/bin/python -m benchmarks.growth --curve
selectors`; curves that were measured before are kept.
"""


def page(results: Results) -> str:
    """Markdown."""
    return "\n".join((_HEAD, *(_section(name, results.curves[name]) for name in SAID if name in results.curves), _TAIL))


def beside_first(points: Sequence[Point]) -> list[float]:
    """What is left of the first point's rate at each point, as ratio."""
    return [point.reports_per_second / points[0].reports_per_second for point in points]


def _section(name: str, curve: Curve) -> str:
    ratios = beside_first(curve.points)
    rows = (_row(point, ratio) for point, ratio in zip(curve.points, ratios, strict=True))
    return "\n".join(
        (
            f"## {name.capitalize()}",
            SAID[name],
            "",
            f"| {name} | reports/s: min, median, max | beside the first | CPU-s per 1,000 |",
            "|---|---|---|---|",
            *rows,
            "",
            f"{curve.said}, {curve.reports} reports a round, {len(curve.points[0].rounds)} rounds.",
            "",
        )
    )


def _row(point: Point, ratio: float) -> str:
    rates = [each.reports_per_second for each in point.rounds]
    spread = f"{min(rates):.0f}, **{point.reports_per_second:.0f}**, {max(rates):.0f}"
    return f"| {point.count:,} | {spread} | {ratio:.2f} | {point.cpu_seconds_per_thousand:.2f} |"
