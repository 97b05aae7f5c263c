"""`tocsin queue`: what rules cannot settle, and waits for a person."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from schemas.catalogue import message
from schemas.records.identifiers import MemberId, ReportId
from tocsin.cli.auditing.person import BY, PURPOSE, note
from tocsin.runtime.audit.statements import Reading
from tocsin.runtime.database import one_transaction
from tocsin.runtime.ledger import queue
from tocsin.runtime.ledger.queue import Act, Alert, Ruled, Waiting
from tocsin.runtime.settings import load
from tocsin.stack.ruling import decide

OVERDUE = 3
_HOME = click.option(
    "--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True
)
_BY = click.option("--by", required=True, help="Your name; it is kept.")


@click.group(name="queue")
def command() -> None:
    """List, take and decide what rules cannot settle.

    Here waits what is undetermined or contradictory, what nobody gets, what a recipient's system does not take, and
    what nobody takes up. Meanwhile everybody whom rules name has it: waiting withholds nothing.
    """


@command.command(name="list")
@_HOME
@click.option("--member", default="", help="Only this submitter's reports and this recipient's deliveries.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@BY
@PURPOSE
def list_(home: Path, member: str, as_json: bool, by: str, purpose: str) -> None:  # one parameter a documented option
    """Show what waits, the most pressing first: number, reason, whose, age, deadline, who works on it, alert.

    Ends with 3 where something is overdue, or urgent and nobody has it. Next, with a purpose each: tocsin queue take
    NUMBER --by NAME, and tocsin explain REPORT for the whole decision.
    """
    now = datetime.now(UTC)
    with one_transaction(load(home / "config" / "ops.toml")) as connection:
        entries = queue.waiting(connection, member)
        what = f"the queue, {len(entries)} entries"
        note(connection, Reading(person=by, purpose=purpose, command="queue list", what=what, member=MemberId(member)))
    if as_json:
        for entry in entries:
            click.echo(msgspec.json.encode(_as_builtins(entry, now)).decode())
    else:
        _show(entries, now)
    found = queue.alarms(entries, now)
    sys.exit(OVERDUE if found[Alert.OVERDUE] or found[Alert.URGENT_WITHOUT_RECIPIENT] else 0)


@command.command()
@_HOME
@click.argument("number", type=int)
@_BY
@click.option("--over", is_flag=True, help="Relieve whoever works on it.")
@PURPOSE
def take(home: Path, number: int, by: str, over: bool, purpose: str) -> None:
    """Work on entry NUMBER by name, so that nobody else does. It is not decided by that."""
    with one_transaction(load(home / "config" / "ops.toml")) as connection:
        entry = queue.find(connection, number)
        queue.take(connection, entry, by, over=over)
        note(connection, _taken(entry, by, purpose))
    click.echo(f"{number} is yours: {_subject(entry)}. {_why(entry)} {message('tiers.advise')}")
    click.echo(f"The whole decision: tocsin explain {entry.report_id} --purpose WHY")


@command.command(name="decide")
@_HOME
@click.argument("number", type=int)
@_BY
@click.option("--reason", required=True, help="Why; it is kept, and stands in the decision.")
@click.option("--refer", "members", multiple=True, help="A member that gets it too; can be repeated.")
@click.option("--close", "close", is_flag=True, help="Nobody else gets it.")
def decide_(  # noqa: PLR0913, PLR0917  # one parameter a documented option
    home: Path, number: int, by: str, reason: str, members: tuple[str, ...], close: bool
) -> None:
    """Decide entry NUMBER: refer it to members, or close it.

    A referral is made by triage as every other: what the member may see, the sharing agreements say. No decision goes
    against a rule: a member that is suspended or that the submitter refuses cannot be chosen.
    """
    if bool(members) == close:
        raise click.UsageError("Say --refer MEMBER, or --close.")
    ruled = Ruled(
        number=number,
        act=Act.CLOSE if close else Act.REFER,
        members=tuple(map(MemberId, sorted(set(members)))),
        by=by,
        reason=reason,
    )
    if decide(load(home / "config" / "ops.toml"), ruled):
        click.echo("Decided and carried out.")
    else:
        click.echo(f"Decided. Triage of the normal lane carries it out: tocsin queue list shows {number} until then.")


def _taken(entry: Waiting, by: str, purpose: str) -> Reading:
    return Reading(
        person=by,
        purpose=purpose,
        command="queue take",
        what=f"entry {entry.number} of the queue",
        report=ReportId(entry.report_id),
        member=MemberId(entry.submitter),
    )


def _as_builtins(entry: Waiting, now: datetime) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(entry)
    return told | {"alert": entry.alert(now), "age_seconds": int((now - entry.at).total_seconds())}


def _show(entries: Sequence[Waiting], now: datetime) -> None:
    if not entries:
        click.echo("Nothing waits for a person.")
        return
    table = Table("no", "reason", "report", "age", "due", "has it", "by", "alert", box=None, show_lines=False)
    for entry in entries:
        due = entry.deadline.strftime("%Y-%m-%d %H:%M") if entry.deadline else "-"
        by = f"{entry.decided_by}: decided" if entry.decided_by else entry.taken_by or "nobody"
        cells = (_why(entry), _subject(entry), _age(now, entry.at), due, str(entry.recipients), by)
        table.add_row(str(entry.number), *cells, f"[red]{entry.alert(now)}[/]" if entry.alert(now) else "")
    Console(width=None if Console().is_terminal else 200).print(table)
    click.echo(f"{len(entries)} wait. Tiers advise; a person decides: tocsin queue take NUMBER --by NAME --purpose WHY")


def _subject(entry: Waiting) -> str:
    to = f", at {entry.recipient}" if entry.recipient else ""
    return f"{entry.submitter} {entry.submitter_reference} ({entry.tier.lower()}){to}"


def _why(entry: Waiting) -> str:
    return " ".join(message(code) for code in entry.reasons)


def _age(now: datetime, at: datetime) -> str:
    minutes = int((now - at).total_seconds() // 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min" if hours else f"{minutes} min"
