"""`tocsin disclosures`: who received what, and who looked at what."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from tocsin.cli.auditing.person import BY, PURPOSE, note
from tocsin.cli.auditing.wording import sentence, when
from tocsin.cli.subscribe import Moment
from tocsin.runtime.audit.disclosed import Told, Wanted, disclosed
from tocsin.runtime.audit.statements import Reading
from tocsin.runtime.database import database_of
from tocsin.runtime.settings import load

DOES_NOT_HOLD = 3
_END_MS = 253_370_764_800_000


@click.command(name="disclosures")
@click.option("--report", default="", help="Of this report: its id, a referral's id or the submitter's reference.")
@click.option("--member", default="", help="To this member, or of its records.")
@click.option("--person", default="", help="What this person looked at, or did.")
@click.option("--from", "since_ms", type=Moment(), default=0, help="Recorded from here on.")
@click.option("--until", "until_ms", type=Moment(), default=_END_MS, help="Recorded up to here.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@BY
@PURPOSE
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(home: Path, as_json: bool, by: str, purpose: str, **asked: Any) -> None:
    """Say who was given which fields of which report, when and under which rules; and who looked at what, and why.

    Every sentence is one that the audit log commits to; one that does not fit its leaf is marked, and the command ends
    with 3. The log itself is verified by: tocsin audit verify. That you asked is noted as well.
    """
    if not (asked["report"] or asked["member"] or asked["person"]):
        raise click.UsageError("Say --report, --member or --person.")
    subject = ", ".join(f"{name} {asked[name]}" for name in ("report", "member", "person") if asked[name])
    wanted = Wanted(
        report=asked["report"],
        member=asked["member"],
        person=asked["person"],
        since=datetime.fromtimestamp(asked["since_ms"] / 1000, UTC),
        until=datetime.fromtimestamp(asked["until_ms"] / 1000, UTC),
    )
    reading = Reading(person=by, purpose=purpose, command="disclosures", what=f"the disclosures of {subject}")
    found = _found(home, wanted, reading)
    for told in found:
        click.echo(_as_json(told) if as_json else _as_line(told))
    if not found and not as_json:
        click.echo("The log says nothing of that.")
    sys.exit(0 if all(told.holds for told in found) else DOES_NOT_HOLD)


def _found(home: Path, wanted: Wanted, reading: Reading) -> tuple[Told, ...]:
    database = database_of(load(home / "config" / "ops.toml"))
    try:
        with database.transaction() as connection:
            found = disclosed(connection, wanted)
            note(connection, reading)
        return found
    finally:
        database.close()


def _as_line(told: Told) -> str:
    doubt = "" if told.holds else "DOES NOT FIT THE LOG: "
    return f"{when(told.at_ms)}  {doubt}{sentence(told.statement)}"


def _as_json(told: Told) -> str:
    fact = {"at": when(told.at_ms), "holds": told.holds, "says": sentence(told.statement)}
    return msgspec.json.encode(fact | msgspec.to_builtins(told.statement)).decode()
