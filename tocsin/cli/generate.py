"""`tocsin generate`: synthetic reports with the truth beside them."""

import time
from pathlib import Path

import click
import msgspec

from producers.feeds.jsonl.writing import write
from producers.generator.generating import Order, generate
from producers.generator.parameters import Parameters
from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from tocsin.runtime import settings


@click.command()
@click.option("--count", default=1_000, show_default=True, type=click.IntRange(1, 10_000_000))
@click.option("--seed", default=1, show_default=True, help="The same seed and --now-ms give the same reports.")
@click.option("--as", "member", default="plat-a", show_default=True, help="Who will publish them; of a local stack.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default="generated.jsonl", show_default=True)
@click.option("--truth", type=click.Path(path_type=Path), default="generated.truth.jsonl", show_default=True)
@click.option("--bad-share", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Reports with mistakes.")
@click.option("--now-ms", type=int, help="The time they are made for; with it two runs give the same bytes.")
def command(  # noqa: PLR0913, PLR0917  # one parameter a documented option
    count: int, seed: int, member: str, home: Path, out: Path, truth: Path, bad_share: float, now_ms: int | None
) -> None:
    """Write synthetic reports, marked as tests, for `tocsin publish`; and what is really behind each, to a second file.

    Random digests, example.test addresses and documentation networks only. Refuses settings of a cluster that
    `tocsin up` did not make.
    """
    if not settings.load(home / "config" / f"{member}.toml").local_stack:
        raise Refused(message("generate.not_local"), code="generate.not_local")
    now_ms = now_ms or int(time.time() * 1000)
    order = Order(count=count, members=(MemberId(member),), prefix=f"generated-{seed}-{now_ms}", now_ms=now_ms)
    with out.open("wb") as reports, truth.open("wb") as truths:
        for made in generate(order, Parameters(bad=bad_share), seed):
            reports.writelines(write((made.content,)))
            truths.write(msgspec.json.encode(made.truth) + b"\n")
    click.echo(f"{count} reports in {out}, the truth in {truth}. Next: tocsin publish {out} --as {member}")
