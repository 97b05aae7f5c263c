"""`tocsin keyring`: the secret keys under which triage recognises contents."""

from pathlib import Path

import click

from processors.keyring import add_digest_key, digest_keys, retire_digest_key
from tocsin.runtime.database import database_of
from tocsin.runtime.ledger.workers import running
from tocsin.runtime.settings import load

_HOME = click.option(
    "--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True
)


@click.group(name="keyring")
def command() -> None:
    """List, rotate or retire the digest keys of triage.

    While two keys are there, workers write and look up under both, so that a content is recognised whichever worker
    met it. Rotate, restart every worker, wait until what was seen under the old key alone need not be recognised any
    more, then retire it.
    """


@command.command(name="list")
@_HOME
def list_(home: Path) -> None:
    """Show the digest keys by name, the oldest first."""
    for name in digest_keys(_state(home)):
        click.echo(name)


@command.command()
@_HOME
def rotate(home: Path) -> None:
    """Add a new digest key; workers use it from their next start."""
    click.echo(f"{add_digest_key(_state(home))} was added. Next: copy it to every worker's folder, restart them.")


@command.command()
@click.argument("name")
@_HOME
def retire(name: str, home: Path) -> None:
    """Delete an older digest key; contents that were seen under it alone count as new.

    Refused while a worker runs that began without the newest key.
    """
    database = database_of(load(home / "config" / "ops.toml"))
    try:
        with database.transaction() as connection:
            retire_digest_key(_state(home), name, running(connection))
    finally:
        database.close()
    click.echo(f"{name} was deleted. Next: delete it in every worker's folder, restart them.")


def _state(home: Path) -> Path:
    return load(home / "config" / "triage.toml").state
