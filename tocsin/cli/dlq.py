"""`tocsin dlq`: records that could not be processed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from schemas.catalogue import told
from schemas.failures import Refused, Temporary
from schemas.records.identifiers import MemberId, ReportId
from tocsin.cli.auditing.acting import note_act
from tocsin.cli.auditing.person import BY, PURPOSE, note
from tocsin.cli.auditing.twopeople import TWO, desk_of
from tocsin.runtime.audit.statements import Act, Reading
from tocsin.runtime.database import one_transaction
from tocsin.runtime.ledger import deadletters
from tocsin.runtime.ledger.deadletters import STATES, DeadLetter, Wanted
from tocsin.runtime.settings import Settings, load
from tocsin.stack import membership
from tocsin.stack.incident import to_tell
from tocsin.stack.letterbox import Letterbox

_ACT: Final = "dlq drop"
MOST_IN_VAIN = 3
"""Letters in a row that met an absent broker or database."""
_HOME = click.option(
    "--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True
)


@click.group(name="dlq")
def command() -> None:
    """List, show, retry or drop dead letters, named by the coordinate of their record: topic/partition/offset.

    Exit codes of retry and drop: 0 all done; 1 some were refused; 4 broker or database were away for some.
    """


@command.command(name="list")
@_HOME
@click.option("--member", default="", help="Only of this member.")
@click.option("--code", default="", help="Only with this code.")
@click.option("--state", default="open", show_default=True, type=click.Choice([*STATES, "all"]))
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(home: Path, member: str, code: str, state: str, limit: int, as_json: bool) -> None:  # noqa: PLR0913, PLR0917  # one parameter a documented option
    """Show the newest dead letters: where, whose, why."""
    wanted = Wanted(member=member, code=code, state="" if state == "all" else state, limit=limit)
    with one_transaction(load(home / "config" / "ops.toml")) as connection:
        found = deadletters.letters(connection, wanted)
    if as_json:
        for letter in found:
            click.echo(msgspec.json.encode(msgspec.to_builtins(letter) | {"id": letter.name}).decode())
    else:
        _show(found)


@command.command()
@_HOME
@click.argument("name")
@BY
@PURPOSE
def show(home: Path, name: str, by: str, purpose: str) -> None:
    """Show everything that is known of one dead letter, and what to do; never the record itself.

    Of one that was masked it says whom to tell, from members.toml and from [incident_contacts] in ops.toml.
    """
    settings = load(home / "config" / "ops.toml")
    with one_transaction(settings) as connection:
        letter = deadletters.find(connection, name)
        what = f"the dead letter {name}"
        member = MemberId(letter.member)
        report = letter.report_id or ReportId("")
        looked = Reading(person=by, purpose=purpose, command="dlq show", what=what, member=member, report=report)
        note(connection, looked)
    with _letterbox(settings) as box:
        facts = box.facts(letter)
    click.echo(told(letter.code))
    for fact, value in {**facts, "member": letter.member, "state": letter.state}.items():
        click.echo(f"  {fact:<14} {value}")
    if letter.decided_by:
        click.echo(f"  {letter.state} by {letter.decided_by}: {letter.reason or '-'}")
    contacts = settings.incident_contacts
    for line in to_tell(letter, int(facts["at"]), lambda: membership.latest(settings).members, contacts):
        click.echo(line)


@command.command()
@_HOME
@click.argument("names", nargs=-1)
@click.option("--code", default="", help="All open ones with this code.")
@click.option("--by", required=True, help="Your name; it is kept.")
@click.option("--reason", required=True, help="What was mended; it is kept.")
def retry(home: Path, names: tuple[str, ...], code: str, by: str, reason: str) -> None:
    """Publish records again where they came from, after their cause is mended.

    What was masked cannot be sent again: its submitter has it. Each record gets a new offset; the old one stays
    refused in the ledger.
    """
    settings = load(home / "config" / "ops.toml")
    with _letterbox(settings) as box:

        def again(connection: Connection, letter: DeadLetter) -> None:
            deadletters.mark_retried(connection, letter, by, reason)
            note_act(connection, _act_on(letter, ("dlq retry", "sent again the record of"), by, reason))
            box.publish_again(letter)

        _each(settings, names, code, again, "sent again")


@command.command()
@_HOME
@click.argument("names", nargs=-1)
@click.option("--code", default="", help="All open ones with this code.")
@click.option("--by", default="", help="Your name; it is kept.")
@click.option("--reason", default="", help="Why nobody needs it; it is kept.")
@click.option("--dry-run", is_flag=True, help="Say what would be dropped, and do nothing.")
@TWO
def drop(home: Path, names: tuple[str, ...], code: str, by: str, reason: str, dry_run: bool, **two: Any) -> None:  # noqa: PLR0913, PLR0917  # one parameter a documented option
    """Close dead letters for good; the ledger counts their records as dropped, and the audit log keeps who and why.

    Where the deployment's trust file names people who sign, two of them have to: the first asks with --petition FILE,
    --signer and --key, and nothing is dropped; the second gives that FILE and no letters, within a week. On a local
    stack whose file does not name two people, --by and --reason are enough; anywhere else nothing is dropped then.
    """
    settings = load(home / "config" / "ops.toml")
    if dry_run:
        _each(settings, names, code, _look, "would be dropped")
        return
    desk = desk_of(settings, _ACT, **two)
    if desk.asks(names=bool(names or code)):
        desk.ask(_named(settings, names, code), reason)
        return
    names, by, reason = desk.granted() if desk.pen else (tuple(_named(settings, names, code)), by, reason)
    if not (by and reason):
        raise click.UsageError("Say --by and --reason.")

    def close(connection: Connection, letter: DeadLetter) -> None:
        deadletters.drop(connection, letter, by, reason)
        note_act(connection, _act_on(letter, (_ACT, "dropped"), by, reason))

    _each(settings, names, "", close, "dropped")


def _act_on(letter: DeadLetter, done: tuple[str, str], by: str, reason: str) -> Act:
    """Of whoever decided about it; `done` is the command, and what it does."""
    command, word = done
    return Act(
        person=by,
        reason=reason,
        command=command,
        what=f"{word} the dead letter {letter.name} ({letter.code})",
        member=MemberId(letter.member),
        report=letter.report_id or ReportId(""),
    )


def _look(_: Connection, letter: DeadLetter) -> None:
    deadletters.require_open(letter)
    click.echo(f"{letter.name} of {letter.member}: {letter.code}")


def _each(
    settings: Settings, names: Sequence[str], code: str, act: Callable[[Connection, DeadLetter], None], word: str
) -> None:
    """One transaction a letter: what fails undoes itself and stops nothing else."""
    names = _named(settings, names, code)
    failures = list(_failures(settings, names, act))
    click.echo(f"{len(names) - len(failures)} {word}.")
    if any(isinstance(failure, Temporary) for failure in failures):
        raise click.exceptions.Exit(4)
    if failures:
        raise click.exceptions.Exit(1)


def _named(settings: Settings, names: Sequence[str], code: str) -> Sequence[str]:
    if bool(names) == bool(code):
        raise click.UsageError("Name dead letters, or a --code.")
    if not code:
        return names
    with one_transaction(settings) as connection:
        return [letter.name for letter in deadletters.letters(connection, Wanted(code=code, limit=10_000))]


def _failures(
    settings: Settings, names: Sequence[str], act: Callable[[Connection, DeadLetter], None]
) -> Iterator[Refused | Temporary]:
    """Say each one as it happens; where broker or database stay away, the rest is not tried in vain."""
    in_vain = 0
    for number, name in enumerate(names):
        try:
            with one_transaction(settings) as connection:
                act(connection, deadletters.find(connection, name))
            in_vain = 0
        except (Refused, Temporary) as failure:
            click.echo(f"{name}: {failure} [{failure.code}]", err=True)
            yield failure
            in_vain = in_vain + 1 if isinstance(failure, Temporary) else 0
            if in_vain == MOST_IN_VAIN:
                click.echo(f"{len(names) - number - 1} more were not tried.", err=True)
                yield from [failure] * (len(names) - number - 1)
                return


@contextmanager
def _letterbox(settings: Settings) -> Iterator[Letterbox]:
    box = Letterbox(settings.kafka)
    try:
        yield box
    finally:
        box.close()


def _show(found: Sequence[DeadLetter]) -> None:
    if not found:
        click.echo("No dead letters.")
        return
    table = Table("id", "member", "code", "field", "state", "at", box=None)
    for letter in found:
        at = letter.at.strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(letter.name, letter.member, letter.code, letter.field, letter.state, at)
    Console(width=None if Console().is_terminal else 200).print(table)
