"""`make bench`: the worker beside a plain loop and stock Faust, the steps alone, and urgent reports behind a backlog.

One run on one machine, minimum, median and maximum of several rounds, and ratios: absolute figures mean nothing
elsewhere.
"""

import json
import shutil
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.measuring import Run, run_engine
from benchmarks.ratio import ratio
from benchmarks.revision import commit
from benchmarks.steps import costs
from benchmarks.urgent import measure
from benchmarks.world import World

ENGINES: Final = ("tocsin", "loop", "stock", "tocsin-pass", "loop-pass", "stock-pass")
_SLOW: Final = frozenset({"stock", "stock-pass"})
"""Stock Faust gets a tenth of the reports: its rate is the same, and the run ends today."""


@click.command()
@click.option("--reports", default=10_000, show_default=True, help="Reports a run; stock Faust gets a tenth.")
@click.option("--rounds", default=5, show_default=True, help="Runs of each engine, in turn.")
@click.option("--backlog", default=200_000, show_default=True, help="Normal reports that wait behind the urgent ones.")
@click.option("--urgent", default=200, show_default=True, help="Urgent reports sent meanwhile; 0 leaves this out.")
def main(reports: int, rounds: int, backlog: int, urgent: int) -> None:
    """Measure, and print one JSON object; progress goes to the standard error."""
    home = Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    world = World(home)
    try:
        click.echo("starting the stack", err=True)
        world.up()
        result: dict[str, Any] = {
            "commit": commit(),
            "reports": reports,
            "rounds": rounds,
            "steps_us": costs(),
            "rules_us": ratio(),
        }
        world.fill(reports)
        result |= _engines(world, reports, rounds)
        if urgent:
            click.echo(f"filling a backlog of {backlog}", err=True)
            world.fill(backlog - reports, first=reports)
            figures = measure(world, backlog, urgent, home / "logs" / "bench")
            result["urgent"] = {name: getattr(figures, name) for name in figures.__struct_fields__}
        click.echo(json.dumps(result, indent=1))
    finally:
        world.down()
        shutil.rmtree(home, ignore_errors=True)


def _engines(world: World, reports: int, rounds: int) -> dict[str, Any]:
    runs: dict[str, list[Run]] = {name: [] for name in ENGINES}
    for number in range(rounds):
        for name in ENGINES:  # in turn, so that a slow minute of the machine meets all of them
            world.forget()
            count = world.passed if name.endswith("-pass") else world.settled
            wanted = reports // 10 if name in _SLOW else reports
            runs[name].append(run_engine(name, world.home, wanted, count))
            if refused := world.refused():
                raise SystemExit(f"{name} refused {refused} reports: its figure would not be that of the same work.")
            click.echo(f"round {number + 1}, {name}: {runs[name][-1].records_per_second:.0f} reports/s", err=True)
    return {"engines": {name: _figures(found) for name, found in runs.items()}, "ratios": _ratios(runs)}


def _figures(runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "reports_per_second": _spread(runs, lambda run: run.records_per_second),
        "cpu_seconds_per_thousand": _spread(runs, lambda run: run.cpu_per_thousand),
    }


def _spread(runs: Sequence[Run], of: Callable[[Run], float]) -> dict[str, float]:
    values = [of(run) for run in runs]
    found = {"min": min(values), "median": statistics.median(values), "max": max(values)}
    return {name: round(value, 3) for name, value in found.items()}


def _ratios(runs: dict[str, list[Run]]) -> dict[str, float]:
    """Medians of rates, side by side."""
    rate = {name: statistics.median(run.records_per_second for run in found) for name, found in runs.items()}
    pairs = (("tocsin", "loop"), ("tocsin", "stock"), ("tocsin-pass", "loop-pass"), ("tocsin-pass", "stock-pass"))
    return {f"{one} / {other}": round(rate[one] / rate[other], 2) for one, other in pairs}


if __name__ == "__main__":
    main()
