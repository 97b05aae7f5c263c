"""`make bench-deliver`: measure this commit, and write it beside those before it, into docs/performance."""

import tempfile
from pathlib import Path

import click
from msgspec.structs import asdict

from benchmarks.about import about_now
from benchmarks.deliver.page import page
from benchmarks.deliver.referrals import referrals
from benchmarks.deliver.results import DELIVERIES, PARTS, Cost, Costs
from benchmarks.deliver.run import Desks, logged
from benchmarks.figures import read_or, write
from benchmarks.peers.venvs import ROOT
from tests.builders.deliveries import CODEC


@click.command()
@click.option("--deliveries", default=DELIVERIES, show_default=True, help="How many in each round.")
@click.option("--rounds", default=3, show_default=True, help="The cheapest counts: what else runs only adds.")
@click.option("--folder", default=ROOT / "docs" / "performance", type=Path, help="Where figures and page go.")
def main(deliveries: int, rounds: int, folder: Path) -> None:
    """Measure, and write deliver.json and deliver.md; progress goes to the standard error."""
    costs = read_or(folder / "deliver.json", Costs()).beside(_cost(deliveries, rounds))
    write(folder / "deliver.json", costs)
    (folder / "deliver.md").write_text(page(costs), encoding="utf-8")


def _cost(deliveries: int, rounds: int) -> Cost:
    about, values = about_now(), [CODEC.dumps(referral) for referral in referrals(deliveries)]
    found = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as home, logged(Path(home) / "deliver.log"):
            found.append(Desks(Path(home), values).milliseconds())
        click.echo(f"round {number + 1}: {sum(found[-1].values()):.2f} ms a delivery", err=True)
    return Cost(
        **asdict(about),
        deliveries=deliveries,
        rounds=rounds,
        milliseconds={part: min(one[part] for one in found) for part in PARTS},
    )


if __name__ == "__main__":
    main()
