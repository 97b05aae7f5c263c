"""`tocsin up`: start the local stack."""

import time
from pathlib import Path

import click

from tocsin.stack.charter import kept_charter
from tocsin.stack.display import progress_display
from tocsin.stack.interrupts import interrupted_once
from tocsin.stack.local import LocalStack


@click.command(name="up")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option(
    "--policy",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="First policy bundle of a new home; the sample by default.",
)
@click.option(
    "--brokers",
    type=click.Choice(["1", "3"]),
    default="1",
    help="Of a new home; with 3 every record is on all of them, and one may be lost.",
)
def command(home: Path, policy: Path | None, brokers: str) -> None:
    """Start Kafka, PostgreSQL and the schema registry, and make everything as the policy bundle says.

    The first start downloads what is needed and creates certificates; all state is in the home. Starting twice is
    harmless, and after a crash of anything the next start recovers. Ctrl-C ends what this start began.
    Next: tocsin doctor, tocsin triage --lane normal.

    A home keeps its bundles in <home>/policy; later ones take effect by tocsin policy promote.
    """
    stack = LocalStack(home, brokers=int(brokers))
    with interrupted_once(), progress_display() as progress:
        stack.up(kept_charter(stack.home, policy, int(time.time() * 1000)), progress)
    click.echo(f"Up. Broker {stack.kafka.bootstrap}, settings in {home / 'config'}. Next: tocsin doctor")
