"""`tocsin audit`: the log of what was decided, disclosed and read, which nobody can rewrite unseen."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from schemas.failures import Refused
from tocsin.cli.auditing.person import BY, PURPOSE, PURPOSE_OF_A_READ, note, stated
from tocsin.cli.auditing.restoring import epoch
from tocsin.cli.auditing.witness import trusted, witness
from tocsin.cli.auditing.wording import sentence, when
from tocsin.runtime.audit.disclosed import Told, of_referral
from tocsin.runtime.audit.exporting import Export, export_of, latest_note, read, written
from tocsin.runtime.audit.proving import proof_of, proven, read_proof
from tocsin.runtime.audit.standing import standing_of
from tocsin.runtime.audit.statements import Disclosure, Reading, Span
from tocsin.runtime.audit.verifying import lines, verify
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.keys.notes import NoteKey
from tocsin.runtime.privacy import write_private
from tocsin.runtime.settings import Settings, load

DOES_NOT_HOLD = 3
LATE_SECONDS = 60
_HOME = click.option(
    "--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True
)
_OUT = click.option("--out", type=click.Path(path_type=Path), help="Write it to this file.")
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_KEY = click.option("--key", "keys", multiple=True, help="A verifying key, as `tocsin audit keys` prints it.")


@click.group(name="audit")
def command() -> None:
    """Take, keep and verify the log of decisions, disclosures and reads.

    Members keep checkpoints: whoever rewrites the log later contradicts one that somebody has. A leaf says of what kind
    it is and when it was; what it is about can be shown with `tocsin audit prove`, and read by nobody without that.
    """


@command.command()
@_HOME
@_OUT
@click.option("--as", "member", default="", help="Keep those that this member was handed; else the operator's newest.")
@click.option("--keep", type=click.Path(path_type=Path), help="The member's folder; else checkpoints/ in its state.")
def checkpoint(home: Path, out: Path | None, member: str, keep: Path | None) -> None:
    """Print the newest checkpoint: keep it where the operator of the exchange cannot reach it.

    Members run it with --as, say once a day: it reads what the exchange handed to them every hour, verifies it, holds
    it against the one that they kept before, and keeps it. A log that was rewritten is named, and both are kept. Ends
    with 3 then, and where a checkpoint cannot be held against the one before. Without --as it ends with 3 where
    entries have waited for their checkpoint for more than a minute.
    """
    if member:
        sys.exit(_witnessed(load(home / "config" / f"{member}.toml"), keep, out))
    with _database(home) as database, database.transaction() as connection:
        _given(latest_note(connection), out)
        found = standing_of(connection)
    if found.waiting and found.age_seconds > LATE_SECONDS:
        since = f"{found.waiting} entries wait for a checkpoint, for {found.age_seconds:.0f} s."
        click.echo(f"{since} See to: tocsin returns", err=True)
        sys.exit(DOES_NOT_HOLD)


def _witnessed(settings: Settings, keep: Path | None, out: Path | None) -> int:
    witnessed = witness(settings, keep or settings.state / "checkpoints")
    for line in witnessed.lines:
        click.echo(line, err=True)
    _given(witnessed.note, out)
    return 0 if witnessed.holds else DOES_NOT_HOLD


def _given(note: str, out: Path | None) -> None:
    if out:
        out.write_text(note, encoding="utf-8")
    else:
        click.echo(note, nl=False)


@command.command()
@_HOME
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--statements", is_flag=True, help="With what each leaf says: for an auditor, and for nobody else.")
@BY
@PURPOSE_OF_A_READ
def export(home: Path, out: Path, statements: bool, by: str, purpose: str) -> None:
    """Write the log for somebody who verifies it elsewhere; it holds no personal data and names nobody.

    With --statements it names reports, members and whoever looked at what. The file is readable by you alone, and that
    you took it is noted in the log, with your name and purpose.
    """
    everything = _everything(by, stated(purpose)) if statements else None
    with _database(home) as database:
        if everything:
            with database.transaction() as connection:
                note(connection, everything)
        found = export_of(database, statements=statements)
    write_private(out, b"".join(written(found)))
    click.echo(
        f"{len(found.leaves)} leaves and {len(found.notes)} checkpoints. Next: tocsin audit verify --export {out}"
    )


def _everything(by: str, purpose: str) -> Reading:
    until_now = Span(until_ms=time.time_ns() // 1_000_000)
    return Reading(person=by, purpose=purpose, command="audit export", what="all that the log says", span=until_now)


@command.command()
@_HOME
def keys(home: Path) -> None:
    """Print the keys that checkpoints are verified with: hand them over once, in person or by telephone."""
    for key in _trusted(home):
        click.echo(str(key))


@command.command()
@_HOME
@click.argument("referral_id")
@click.option("--checkpoint", "kept", type=_FILE, help="By the checkpoint that somebody kept; else by the newest.")
@_OUT
@BY
@PURPOSE
def prove(home: Path, referral_id: str, kept: Path | None, out: Path | None, by: str, purpose: str) -> None:  # noqa: PLR0913, PLR0917  # one parameter a documented option
    """Show that REFERRAL_ID was disclosed: the statement, what opens its leaf, and that a signed checkpoint covers it.

    The file lets whoever has it read this one statement and no other. It is checked without us by:
    tocsin audit verify --proof FILE --key KEY. That you asked for it is noted in the log, with your name and purpose.
    """
    with _database(home) as database, database.transaction() as connection:
        told = of_referral(connection, referral_id)
        if told is None:
            raise Refused("The log has no referral of that id, or it was erased.", code="audit.unknown")
        covering = kept.read_text("utf-8") if kept else latest_note(connection)
        proof = msgspec.json.format(msgspec.json.encode(proof_of(connection, told, covering, _trusted(home))))
        note(connection, _proving(told, by, purpose))
    if out:
        out.write_bytes(proof + b"\n")
        click.echo(f"{sentence(told.statement)} Next: tocsin audit verify --proof {out}")
    else:
        click.echo(proof.decode())


def _proving(told: Told, by: str, purpose: str) -> Reading:
    assert isinstance(told.statement, Disclosure)  # noqa: S101 -- of_referral finds nothing else
    given = told.statement
    return Reading(
        person=by,
        purpose=purpose,
        command="audit prove",
        what=f"the proof of referral {given.referral}",
        report=given.report,
        referral=given.referral,
        member=given.recipient,
    )


@command.command(name="verify")
@_HOME
@click.option("--proof", type=_FILE, help="One leaf, as `tocsin audit prove` shows it.")
@click.option("--export", "file", type=_FILE, help="An export; else the log of the home as it is now.")
@click.option("--checkpoint", "kept", type=_FILE, multiple=True, help="One that you kept; can be repeated.")
@_KEY
def verify_(home: Path, proof: Path | None, file: Path | None, kept: Sequence[Path], keys: Sequence[str]) -> None:
    """Verify the log against its checkpoints and those that you kept; name the first thing that is wrong.

    Statements are held against their leaves, one by one: those of the home, or those that the export has. With an
    export and --key nothing else is needed, neither a connection nor a home. Ends with 3 where the log does not hold.
    """
    believed = tuple(map(NoteKey.parse, keys)) or _trusted(home)
    if proof:
        sys.exit(_proof_holds(proof, believed))
    verified = verify(_found(home, file), believed, [each.read_text("utf-8") for each in kept])
    for line in lines(verified):
        click.echo(line)
    sys.exit(DOES_NOT_HOLD if verified.fault else 0)


def _proof_holds(file: Path, believed: Sequence[NoteKey]) -> int:
    found = proven(read_proof(file.read_bytes()), believed)
    if found is None:
        click.echo("The proof does not hold: statement, leaf and checkpoint do not belong together.")
        return DOES_NOT_HOLD
    statement, by = found
    click.echo(f"Proven by the checkpoint of {by.size} leaves, signed {when(by.at_ms)}: {sentence(statement)}")
    return 0


def _found(home: Path, file: Path | None) -> Export:
    if file:
        with file.open("rb") as opened:
            return read(opened)
    with _database(home) as database:
        return export_of(database, statements=True)


command.add_command(epoch)


def _trusted(home: Path) -> tuple[NoteKey, ...]:
    return trusted(load(home / "config" / "ops.toml"))


@contextmanager
def _database(home: Path) -> Iterator[Database]:
    database = database_of(load(home / "config" / "ops.toml"))
    try:
        yield database
    finally:
        database.close()
