"""`make bench-fairness`: nine members beside a tenth that publishes everything at once, into docs/performance."""

import tempfile
from pathlib import Path

import click

from benchmarks.fairness.page import page
from benchmarks.fairness.results import FLOOD_REPORTS
from benchmarks.fairness.run import measure
from benchmarks.figures import write
from benchmarks.growth.members import charter_with
from benchmarks.peers.venvs import ROOT
from benchmarks.world import a_world
from schemas.records.identifiers import MemberId

_MEMBERS = 10


@click.command()
@click.option("--reports", default=FLOOD_REPORTS, show_default=True, help="What one member publishes at once.")
@click.option("--folder", default=ROOT / "docs" / "performance", type=Path, help="Where figures and page go.")
def main(reports: int, folder: Path) -> None:
    """Measure, and write fairness.json and fairness.md; ends with 3 where the promise does not hold."""
    names = [MemberId(f"growth-{number}") for number in range(_MEMBERS)]
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-policy-") as policy:
        click.echo(f"{_MEMBERS} submitting members: topics, keys and access rules", err=True)
        with a_world(charter_with(names, Path(policy) / "bundle")) as world:
            found = measure(world, names, reports)
    write(folder / "fairness.json", found)
    (folder / "fairness.md").write_text(page(found), encoding="utf-8")
    raise SystemExit(0 if found.holds else 3)


if __name__ == "__main__":
    main()
