"""`make bench-codec`: one part after the other into docs/performance; what is not measured stays as it was."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import click
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.about import about_now
from benchmarks.codec import job
from benchmarks.codec.contestants import NAMES, REPORTS_ONLY, commands, measured
from benchmarks.codec.page import page
from benchmarks.codec.passing import passing
from benchmarks.codec.records import given
from benchmarks.codec.results import Alone, Job, Passing, Results
from benchmarks.figures import read_or, write
from benchmarks.peers.venvs import ROOT


class Size(Struct, frozen=True):
    """How much is measured."""

    reports: int
    rounds: int
    records: int


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(["alone", "job", "passing"]), help="Only this part.")
@click.option("--reports", default=5_000, show_default=True, help="Reports of each run of the whole job.")
@click.option("--rounds", default=5, show_default=True, help="Runs of the whole job with each engine.")
@click.option("--records", default=400_000, show_default=True, help="Records of each run of pass-through.")
@click.option("--folder", default=ROOT / "docs" / "performance", type=Path, help="Where figures and page go.")
def main(parts: Sequence[str], reports: int, rounds: int, records: int, folder: Path) -> None:
    """Measure, and write codec.json and codec.md; progress goes to the standard error."""
    size = Size(reports, rounds, records)
    for part in parts or tuple(_PARTS):
        results = _PARTS[part](read_or(folder / "codec.json", Results()), size)
        write(folder / "codec.json", results)
        (folder / "codec.md").write_text(page(results), encoding="utf-8")


def alone() -> Alone:
    """Every codec with every kind of record, one after the other."""
    about, records = about_now(), given()
    found: dict[str, dict[str, dict[str, float]]] = {kind: {} for kind in records}
    with commands() as by_name:
        for kind, each in records.items():
            for name in NAMES:
                if kind == "plain" and name in REPORTS_ONLY:
                    continue
                found[kind][name] = measured(by_name[name], each)
                click.echo(f"{kind}, {name}: {found[kind][name]['both']} us both ways", err=True)
    sizes = {kind: round(statistics.mean(map(len, each.written)), 1) for kind, each in records.items()}
    return Alone(about=about, size_bytes=sizes, microseconds=found)


def _job(size: Size) -> Job:
    about, steps = about_now(), job.steps()
    costs, by_items = job.job(size.reports, size.rounds), job.larger(size.reports, size.rounds)
    return Job(
        about=about,
        reports=size.reports,
        cpu_seconds_per_thousand=costs,
        by_items=by_items,
        steps_microseconds=steps,
    )


def _passing(size: Size) -> Passing:
    about = about_now()
    return Passing(about=about, records=size.records, runs=passing(size.records, size.rounds))


_PARTS: Final[Mapping[str, Callable[[Results, Size], Results]]] = {
    "alone": lambda before, _: replace(before, alone=alone()),
    "job": lambda before, size: replace(before, job=_job(size)),
    "passing": lambda before, size: replace(before, passing=_passing(size)),
}


if __name__ == "__main__":
    main()
