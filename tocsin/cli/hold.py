"""`tocsin hold`: notices to hosts that a police unit wants held; legal holds are in keeping/legal.py."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId, ReportId
from tocsin.cli.auditing.acting import note_act
from tocsin.cli.keeping.legal import legal, without_reason
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.database import one_transaction
from tocsin.runtime.ledger import holds
from tocsin.runtime.ledger.holds import NewHold
from tocsin.runtime.settings import load
from tocsin.stack.ruling import tell_of_hold

ENDS_SOON = 3
MOST_DAYS = 90
_REMIND_HOURS = 24


def _home(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True
    )(command)


@click.group(name="hold")
def command() -> None:
    """Hold notices to hosts for a police unit that has the report.

    A hotline reads in its referral whether a notice is proposed, needs police first, or is held. The exchange itself
    sends none. Something else is `hold legal`: a report that is kept for a court, whatever its retention says.
    """


command.add_command(legal)


@command.command(name="set")
@click.argument("report")
@click.option("--owner", required=True, help="The member that wants it; it has this report.")
@click.option("--days", type=click.IntRange(1), default=14, show_default=True, help="When it ends by itself.")
@click.option("--reason", required=True, help="Why; it is kept, and told to operators alone.")
@click.option("--by", required=True, help="Your name; it is kept.")
@_home
def set_(home: Path, report: str, owner: str, days: int, reason: str, by: str) -> None:  # noqa: PLR0913, PLR0917  # one parameter a documented option
    """Hold notices about REPORT, a report id. Every hotline that has it is told by a new copy of its referral."""
    if days > MOST_DAYS:
        raise Refused(message("hold.too_long", days=MOST_DAYS), code="hold.too_long")
    expires = datetime.now(UTC) + timedelta(days=days)
    new = NewHold(
        report_id=ReportId(report),
        owner=MemberId(owner),
        reason=reason,
        set_by=by,
        expires_at=expires,
        remind_at=expires - timedelta(hours=_REMIND_HOURS),
    )
    with one_transaction(load(home / "config" / "ops.toml")) as connection:
        number = holds.put(connection, new)
        what = f"put hold {number} of {owner} on notices about the report {report}"
        note_act(connection, Act(person=by, reason=reason, command="hold set", what=what, report=new.report_id))
    tell_of_hold(load(home / "config" / "ops.toml"), ReportId(report), by)
    click.echo(f"Hold {number} stands until {expires:%Y-%m-%d %H:%M} UTC; its owner is asked a day before.")


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@_home
def list_(home: Path, as_json: bool) -> None:
    """Show the holds in force: report, owner, by whom and until when. Ends with 3 where one ends within a day.

    Why notices are held is shown by `tocsin explain REPORT`, which asks for a purpose and leaves a look in the log.
    """
    now = datetime.now(UTC)
    with one_transaction(load(home / "config" / "ops.toml")) as connection:
        found = holds.holds(connection)
    if as_json:
        for hold in found:
            click.echo(without_reason(hold))
    else:
        table = Table("no", "report", "owner", "set by", "until", "", box=None)
        for hold in found:
            until = f"{hold.expires_at:%Y-%m-%d %H:%M}"
            soon = "[red]ask its owner[/]" if hold.needs_a_word(now) else ""
            table.add_row(str(hold.number), hold.report_id, hold.owner, hold.set_by, until, soon)
        Console(width=None if Console().is_terminal else 200).print(table if found else "Nothing is held.")
    sys.exit(ENDS_SOON if any(hold.needs_a_word(now) for hold in found) else 0)


@command.command()
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why it is not needed any more; it is kept.")
@click.option("--by", required=True, help="Your name; it is kept.")
@_home
def release(home: Path, number: int, reason: str, by: str) -> None:
    """End hold NUMBER before its time. Every hotline that has the report is told."""
    with one_transaction(load(home / "config" / "ops.toml")) as connection:
        report = holds.release(connection, number, by)
        what = f"released hold {number} on notices about the report {report}"
        note_act(connection, Act(person=by, reason=reason, command="hold release", what=what, report=report))
    tell_of_hold(load(home / "config" / "ops.toml"), report, by)
    click.echo(f"Hold {number} is released.")
