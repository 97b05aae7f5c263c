"""`make bench`: the worker beside a plain loop and stock Faust, the steps alone, and urgent reports behind a backlog.

One run on one machine, minimum, median and maximum of several rounds, and ratios: absolute figures mean nothing
elsewhere.
"""

import json
import statistics
from collections.abc import Sequence
from typing import Any, Final

import click

from benchmarks.codec.__main__ import alone
from benchmarks.measuring import Run, run_engine, spread
from benchmarks.ratio import ratio
from benchmarks.revision import commit
from benchmarks.steps import costs
from benchmarks.unpacking import unpacking
from benchmarks.urgent import measure
from benchmarks.world import World, a_world

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
    click.echo("starting the stack", err=True)
    with a_world() as world:
        result: dict[str, Any] = {
            "commit": commit(),
            "reports": reports,
            "rounds": rounds,
            "codec_us": alone().microseconds,
            "steps_us": costs(),
            "rules_us": ratio(),
            "unpacking_us": unpacking(),
        }
        world.fill(reports)
        result |= _engines(world, reports, rounds)
        if urgent:
            click.echo(f"filling a backlog of {backlog}", err=True)
            world.fill(backlog - reports, first=reports)
            figures = measure(world, backlog, urgent, world.home / "logs" / "bench")
            result["urgent"] = {name: getattr(figures, name) for name in figures.__struct_fields__}
        click.echo(json.dumps(result, indent=1))


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
        "reports_per_second": spread([run.records_per_second for run in runs]),
        "cpu_seconds_per_thousand": spread([run.cpu_per_thousand for run in runs]),
    }


def _ratios(runs: dict[str, list[Run]]) -> dict[str, float]:
    """Medians of rates, side by side."""
    rate = {name: statistics.median(run.records_per_second for run in found) for name, found in runs.items()}
    pairs = (("tocsin", "loop"), ("tocsin", "stock"), ("tocsin-pass", "loop-pass"), ("tocsin-pass", "stock-pass"))
    return {f"{one} / {other}": round(rate[one] / rate[other], 2) for one, other in pairs}


if __name__ == "__main__":
    main()
