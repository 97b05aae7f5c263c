"""`tocsin reroute`: repair a past range after rules have changed."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from schemas.records.report import PersonalPart
from tocsin.cli.auditing.person import looked_ahead, note
from tocsin.cli.policing.homes import now_ms
from tocsin.cli.policing.progress import counting
from tocsin.policy.policies import policies
from tocsin.runtime.audit.recording import record_acts
from tocsin.runtime.audit.statements import Reading
from tocsin.runtime.database import database_of
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.records import Records
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings, load
from tocsin.stack.rerouting import Bureau, Conditions, Gone, Repair, Sworn, conditions_of
from tocsin.stack.rulings import Rulings

EXAMPLES = 10
NOT_SETTLED = 3


@click.command()
@click.option("--where", "words", multiple=True, metavar="KEY=VALUE", help="Which decisions; all conditions hold.")
@click.option("--by", required=True, help="Your name; it is kept.")
@click.option("--reason", required=True, help="Why; it is kept.")
@click.option("--occasion", default="", help="Name of this repair; made of conditions and bundle by default.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--wait", "wait_seconds", default=120.0, show_default=True, help="Seconds to wait for triage.")
@click.option("--json", "as_json", is_flag=True, help="One repair a line.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(  # noqa: PLR0913, PLR0917 -- one parameter a documented option
    words: tuple[str, ...],
    by: str,
    reason: str,
    occasion: str,
    dry_run: bool,
    wait_seconds: float,
    as_json: bool,
    home: Path,
) -> None:
    """Decide past reports again under the bundle now in force, where route or release differ.

    Members that newly should have a report get it, whoever sees other fields gets a new copy, and whoever should not
    have it is told to give it up; the others hear nothing. Whom people added stays added, what they closed stays
    closed, and what recipients found out about an item still holds. Try it with --dry-run first.

    Conditions: policy, submitter, reference, report, tier, mark, recipient, from and until (of the decision).

    Each repair is a ruling that triage carries out, in the ledger and with your name and reason. Interrupted, the same
    command goes on where it was; repeated, it changes nothing. Ends with 3 where triage has not settled it in time.
    """
    settings = load(home / "config" / "ops.toml")
    conditions = conditions_of(words)
    found = _found(settings, conditions, Sworn(by=by, reason=reason, occasion=occasion))
    repairs = [one for one in found if isinstance(one, Repair)]
    for line in _as_json(repairs) if as_json else _told(found, repairs):
        click.echo(line)
    if dry_run:
        click.echo("Nothing was sent: --dry-run.", err=True)
        return
    if repairs:
        _send(settings, repairs, wait_seconds)


def _found(settings: Settings, conditions: Conditions, sworn: Sworn) -> list[Repair | Gone | None]:
    directory, at_ms = SchemaDirectory(settings.registry), now_ms()
    rules = policies(settings.policy, settings.policy_trust)
    named = " ".join(f"{key}={value}" for key, value in sorted(conditions.items()))
    sworn = msgspec.structs.replace(sworn, occasion=sworn.occasion or f"{rules.at(at_ms).digest[:16]} {named}")
    database = database_of(settings)
    bureau = Bureau(
        rules=rules,
        records=Records(settings.kafka),
        codec=RecordCodec(directory),
        personal_schema_id=directory.id_of(PersonalPart),
        now_ms=at_ms,
        opener=Opener.beside_triage(settings.trust, now_ms),
    )
    found: list[Repair | Gone | None] = []
    try:
        with database.transaction() as connection:  # on its own: an entry waits for whatever else its transaction does
            note(connection, _reading(conditions, sworn))
        with counting() as progress, database.transaction() as connection:
            for one in bureau.repairs(connection, conditions, sworn):
                found.append(one)
                progress("decided again", len(found))
    finally:
        database.close()
    return found


def _reading(conditions: Conditions, sworn: Sworn) -> Reading:
    """It tells who has a report and who would: the log keeps that somebody looked, whether or not a ruling follows."""
    named = " and ".join(f"{key} {value}" for key, value in sorted(conditions.items()))
    return looked_ahead("reroute", f"whom a repair would concern ({named})", sworn.by, sworn.reason)


def _send(settings: Settings, repairs: Sequence[Repair], wait_seconds: float) -> None:
    rulings, database = Rulings(settings, RecordCodec(SchemaDirectory(settings.registry))), database_of(settings)
    try:
        with database.transaction() as connection:  # before any is sent: what cannot be logged is not done
            record_acts(connection, [one.act() for one in repairs], now_ms())
        with counting() as progress:
            count = rulings.send((one.ruling for one in repairs), now_ms(), lambda sent: progress("sent", sent))
            is_settled = rulings.settled(database, wait_seconds)
    finally:
        database.close()
    if is_settled:
        click.echo(f"{count} rulings were carried out. The ledger shows them: tocsin ledger", err=True)
        return
    click.echo(f"{count} rulings wait for triage: tocsin triage --lane normal, then tocsin ledger", err=True)
    sys.exit(NOT_SETTLED)


def _told(found: Sequence[Repair | Gone | None], repairs: Sequence[Repair]) -> Iterator[str]:
    gone = sum(isinstance(one, Gone) for one in found)
    yield f"{len(found)} reports fit; {len(repairs)} have other recipients or show other fields by now."
    if gone:
        yield f"{gone} cannot be decided again: retention took the record, so ask the submitter for a new revision."
    for name, members in _sums(repairs):
        yield f"  {name}: {', '.join(f'{member} {count}' for member, count in members.most_common()) or 'nobody'}"
    for one in repairs[:EXAMPLES]:
        marks = [f"+{m}" for m in one.gains] + [f"-{m}" for m in one.loses] + [f"~{m}" for m in one.sees_otherwise]
        yield f"  {one.ruling.submitter} {one.reference}: {', '.join(marks)}"
    if len(repairs) > EXAMPLES:
        yield f"  and {len(repairs) - EXAMPLES} more; --json lists all"


def _sums(repairs: Sequence[Repair]) -> Iterator[tuple[str, Counter[str]]]:
    yield "get it", Counter(member for one in repairs for member in one.gains)
    yield "see other fields", Counter(member for one in repairs for member in one.sees_otherwise)
    yield "give it up", Counter(member for one in repairs for member in one.loses)


def _as_json(repairs: Sequence[Repair]) -> Iterator[str]:
    return (msgspec.json.encode(one).decode() for one in repairs)
