"""`make bench-day`: publish a day's reports at once, wait for the last sink and receipt, into docs/performance."""

import shutil
import tempfile
from pathlib import Path

import click

from benchmarks.day.page import page
from benchmarks.day.results import DAY_REPORTS
from benchmarks.day.run import DayRun
from benchmarks.figures import write
from benchmarks.peers.venvs import ROOT
from tocsin.stack.charter import sample_charter
from tocsin.stack.local import LocalStack


@click.command()
@click.option("--reports", default=DAY_REPORTS, show_default=True, help="How many are published.")
@click.option("--folder", default=ROOT / "docs" / "performance", type=Path, help="Where figures and page go.")
def main(reports: int, folder: Path) -> None:
    """Measure, and write day.json and day.md; progress goes to the standard error."""
    home = Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    stack = LocalStack(home)
    try:
        stack.up(sample_charter())
        day = DayRun(reports, stack, lambda line: click.echo(line, err=True)).figures()
    finally:
        stack.down()
        shutil.rmtree(home, ignore_errors=True)
    write(folder / "day.json", day)
    (folder / "day.md").write_text(page(day), encoding="utf-8")


if __name__ == "__main__":
    main()
