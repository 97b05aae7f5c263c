"""`make bench-growth`: one curve after the other, each on a stack of its own, as one JSON object."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import click

from benchmarks.growth import members, partitions, selectors, workers
from benchmarks.growth.points import Point, Say, Size
from benchmarks.measuring import spread
from benchmarks.revision import commit

CURVES: Final[Mapping[str, Callable[[Size, Say], Iterator[Point]]]] = {
    "partitions": partitions.curve,
    "selectors": selectors.curve,
    "members": members.curve,
    "workers": workers.curve,
}


@click.command()
@click.option("--curve", "names", multiple=True, type=click.Choice(list(CURVES)), help="Only this; may be repeated.")
@click.option("--reports", default=10_000, show_default=True, help="Reports of each round.")
@click.option("--rounds", default=3, show_default=True, help="Rounds of each point.")
def main(names: Sequence[str], reports: int, rounds: int) -> None:
    """Measure, and print rates and CPU-seconds by curve and count; progress goes to the standard error."""
    size = Size(reports, rounds)
    result: dict[str, Any] = {
        "commit": commit(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "reports": reports,
        "rounds": rounds,
    }
    for name in names or tuple(CURVES):
        result[name] = [_figures(name, point) for point in CURVES[name](size, _say)]
    click.echo(json.dumps(result, indent=1))


def _figures(name: str, point: Point) -> dict[str, Any]:
    _say(f"{name}, {point.count}: {point.reports_per_second:.0f} reports/s")
    return {
        "count": point.count,
        "reports_per_second": spread([each.reports_per_second for each in point.rounds]),
        "cpu_seconds_per_thousand": round(point.cpu_seconds_per_thousand, 3),
    }


def _say(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    main()
