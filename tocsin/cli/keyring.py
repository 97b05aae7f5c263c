"""`tocsin keyring`: the secret keys under which triage recognises contents."""

from pathlib import Path
from typing import Final

import click

from processors.keyring import add_digest_key, begin_keyring, digest_keys, retire_digest_key
from tocsin.cli.auditing.acting import in_the_log_of, note_act
from tocsin.cli.auditing.person import BY
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.database import one_transaction
from tocsin.runtime.ledger.workers import running
from tocsin.runtime.settings import load

_EXCHANGED: Final = "digest keys are exchanged"
_HOME = click.option(
    "--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True
)


@click.group(name="keyring")
def command() -> None:
    """Make, list, rotate or retire the digest keys of triage.

    While two keys are there, workers write and look up under both, so that a content is recognised whichever worker
    met it. Rotate, restart every worker, wait until what was seen under the old key alone need not be recognised any
    more, then retire it.
    """


@command.command()
@_HOME
def begin(home: Path) -> None:
    """Make the first keys, for workers that are given them as files; a worker that has none makes its own.

    They lie in <home>/state/triage/keyring, 0600. All workers of both lanes need the same ones: otherwise one does
    not recognise what another has seen. Refused where there are some.

    \b
    tocsin keyring begin --home exchange
    cp exchange/state/triage/keyring/*.key secrets/keyring/
    """
    state = home / "state" / "triage"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = begin_keyring(state)
    click.echo(f"{', '.join(made)} were made. Next: give every worker of triage copies, 0600, and back them up.")


@command.command(name="list")
@_HOME
def list_(home: Path) -> None:
    """Show the digest keys by name, the oldest first."""
    for name in digest_keys(_state(home)):
        click.echo(name)


@command.command()
@BY
@click.option("--reason", default=_EXCHANGED, show_default=True, help="Why; it is kept.")
@_HOME
def rotate(home: Path, by: str, reason: str) -> None:
    """Add a new digest key; workers use it from their next start.

    The audit log keeps who did, where the settings of ops are here and name a database.
    """
    what = "added a digest key, under which triage recognises contents"
    act = Act(person=by, reason=reason, command="keyring rotate", what=what)
    with in_the_log_of(home / "config" / "ops.toml", act):
        added = add_digest_key(_state(home))
    click.echo(f"{added} was added. Next: copy it to every worker's folder, restart them.")


@command.command()
@click.argument("name")
@BY
@click.option("--reason", default=_EXCHANGED, show_default=True, help="Why; it is kept.")
@_HOME
def retire(name: str, home: Path, by: str, reason: str) -> None:
    """Delete an older digest key; contents that were seen under it alone count as new.

    Refused while a worker runs that began without the newest key.
    """
    act = Act(person=by, reason=reason, command="keyring retire", what=f"deleted the digest key {name}")
    with one_transaction(load(home / "config" / "ops.toml")) as connection:
        note_act(connection, act)  # first: what is deleted does not come back where the log cannot be written
        retire_digest_key(_state(home), name, running(connection))
    click.echo(f"{name} was deleted. Next: delete it in every worker's folder, restart them.")


def _state(home: Path) -> Path:
    return load(home / "config" / "triage.toml").state
