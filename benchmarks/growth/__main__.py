"""`make bench-growth`: one curve after the other, each on a stack of its own, into docs/performance.

A curve that is measured leaves the figures of the others as they were.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import click
from msgspec.structs import asdict, replace

from benchmarks.about import about_now
from benchmarks.figures import read_or, write
from benchmarks.growth import members, partitions, selectors, workers
from benchmarks.growth.capacity import capacity
from benchmarks.growth.page import page
from benchmarks.growth.plot import plot
from benchmarks.growth.points import Point, Say, Size
from benchmarks.growth.results import Curve, Results
from benchmarks.peers.venvs import ROOT

CURVES: Final[Mapping[str, Callable[[Size, Say], Iterator[Point]]]] = {
    "partitions": partitions.curve,
    "selectors": selectors.curve,
    "members": members.curve,
    "workers": workers.curve,
}

IN_TURN: Final = frozenset({"selectors"})
"""Curves of which each round goes through all points."""


@click.command()
@click.option("--curve", "names", multiple=True, type=click.Choice(list(CURVES)), help="Only this; may be repeated.")
@click.option("--reports", default=10_000, show_default=True, help="Reports of each round.")
@click.option("--rounds", default=3, show_default=True, help="Rounds of each point.")
@click.option("--most-selectors", default=10_000_000, show_default=True, help="Leave out points with more: to try it.")
@click.option("--folder", default=ROOT / "docs" / "performance", type=Path, help="Where figures, page and plot go.")
def main(names: Sequence[str], reports: int, rounds: int, most_selectors: int, folder: Path) -> None:
    """Measure, and write growth.json, growth.md, growth.svg and capacity.md; progress goes to the standard error."""
    for name in names or tuple(CURVES):
        curve = _measured(name, Size(reports, rounds, most_selectors))
        before = read_or(folder / "growth.json", Results())
        results = replace(before, curves={**before.curves, name: curve})
        write(folder / "growth.json", results)
        (folder / "growth.md").write_text(page(results), encoding="utf-8")
        (folder / "growth.svg").write_text(plot(results), encoding="utf-8")
        if "workers" in results.curves:
            (folder / "capacity.md").write_text(capacity(results), encoding="utf-8")


def _measured(name: str, size: Size) -> Curve:
    about = about_now()
    points = []
    for point in CURVES[name](size, _say):
        _say(f"{name}, {point.count}: {point.reports_per_second:.0f} reports/s")
        points.append(point)
    return Curve(**asdict(about), reports=size.reports, points=tuple(points), in_turn=name in IN_TURN)


def _say(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    main()
