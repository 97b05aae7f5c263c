"""`tocsin up`: start the local stack."""

from pathlib import Path

import click

from tocsin.policy.bundle import SAMPLE
from tocsin.stack.charter import charter_of
from tocsin.stack.display import progress_display
from tocsin.stack.local import LocalStack


@click.command(name="up")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option(
    "--policy", type=click.Path(path_type=Path, exists=True, file_okay=False), default=SAMPLE, help="Policy bundle."
)
def command(home: Path, policy: Path) -> None:
    """Start Kafka, PostgreSQL and the schema registry, and make everything as the policy bundle says.

    The first start downloads what is needed and creates certificates; all state is in the home. Starting twice is
    harmless, and after a crash of anything the next start recovers. Next: tocsin doctor, tocsin triage --lane normal.
    """
    stack = LocalStack(home)
    with progress_display() as progress:
        stack.up(charter_of(policy), progress)
    click.echo(f"Up. Broker {stack.kafka.bootstrap}, settings in {home / 'config'}. Next: tocsin doctor")
