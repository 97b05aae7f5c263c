"""`tocsin down`: stop the local stack."""

from pathlib import Path

import click

from tocsin.stack.display import progress_display
from tocsin.stack.interrupts import undisturbed
from tocsin.stack.local import LocalStack


@click.command(name="down")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(home: Path) -> None:
    """Stop Kafka, PostgreSQL and the registry; the data stays in the home."""
    if not home.exists():
        click.echo(f"Nothing to stop: there is no {home}.")
        return
    with undisturbed(), progress_display() as progress:
        LocalStack(home).down(progress)
    click.echo("Down.")
