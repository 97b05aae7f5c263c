"""`tocsin audit epoch`: after a restore from a backup the log says itself where it began anew."""

from pathlib import Path
from typing import Any, Final

import click

from schemas.failures import Refused
from tocsin.cli.auditing.acting import note_act
from tocsin.cli.auditing.person import BY
from tocsin.cli.auditing.twopeople import TWO, desk_of
from tocsin.runtime.audit.epochs import Epoch, begin, next_epoch
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.database import one_transaction
from tocsin.runtime.settings import load

_ACT: Final = "audit epoch"


@click.command()
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--reason", default="", help="What was lost, and from which backup it was restored.")
@click.option("--dry-run", is_flag=True, help="Say what would begin, and begin nothing.")
@BY
@TWO
def epoch(home: Path, reason: str, dry_run: bool, by: str, **two: Any) -> None:
    """Begin an epoch of the log, once PostgreSQL was restored from an older backup and before workers start.

    What was logged after the backup is logged anew, which contradicts checkpoints that members keep. From now on each
    checkpoint says, signed, how many leaves the backup had; members are told of a restore instead of a log that was
    rewritten. Two people of the deployment's trust file sign: the first asks with --reason and --petition FILE, the
    second gives that FILE alone, within a week.
    """
    settings = load(home / "config" / "ops.toml")
    with one_transaction(settings) as connection:
        found = next_epoch(connection)
    if dry_run:
        click.echo(_would(found))
        return
    desk = desk_of(settings, _ACT, **two)
    if desk.asks(names=desk.file is not None and not desk.file.exists()):
        click.echo(_would(found))
        desk.ask([f"{found.number} {found.from_size}"], reason)
        return
    if desk.pen:
        (subject,), by, reason = desk.granted()
        found = _granted(subject, found)
    if not reason:
        raise click.UsageError("Say --reason.")
    what = f"began epoch {found.number} of the log after a restore: the backup has {found.from_size} leaves"
    with one_transaction(settings) as connection:
        note_act(connection, Act(person=by, reason=reason, command=_ACT, what=what))
        begin(connection, found)
    click.echo(f"Epoch {found.number} began. Next: start the workers, and tell members why.")


def _granted(subject: str, found: Epoch) -> Epoch:
    """As it was asked for: the log may have grown since, and what the backup had is what it was."""
    number, from_size = map(int, subject.split())
    if number != found.number:
        raise Refused("Another epoch began since this was asked for. Look, and ask anew.", code="audit.epoch")
    return Epoch(number=number, from_size=from_size)


def _would(found: Epoch) -> str:
    return (
        f"Epoch {found.number} would begin: {found.from_size} leaves stay, and each checkpoint from then on says so. "
        "Members that keep one of more leaves are told of a restore."
    )
