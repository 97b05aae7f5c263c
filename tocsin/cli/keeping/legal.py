"""`tocsin hold legal`: reports that are kept for a court or an authority, whatever their retention says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
import msgspec

from schemas.records.identifiers import ReportId
from tocsin.cli.auditing.acting import note_act
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.database import one_transaction
from tocsin.runtime.ledger import legal_holds
from tocsin.runtime.ledger.holds import Hold
from tocsin.runtime.ledger.legal_holds import LegalHold, NewLegalHold
from tocsin.runtime.settings import Settings, load
from tocsin.stack import holding

_MOST_DAYS: Final = 730
_HOME = click.option(
    "--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True
)
_BY = click.option("--by", required=True, help="Your name; it is kept.")


@click.group(name="legal")
def legal() -> None:
    """Keep reports that a court or an authority needs: while a hold stands, nothing erases them.

    It wins over the end of their retention and over `tocsin erase`, which names its owner and its end. Submitter and
    recipients are told on their status topics, and their journals, inboxes and sinks keep what they have of it. It says
    nothing of notices to hosts: those are `tocsin hold set`. Each hold ends by itself; to prolong it, set another one.
    """


@legal.command(name="set")
@click.argument("report")
@click.option("--owner", required=True, help="Who answers for it: an authority, a court, a unit.")
@click.option("--days", type=click.IntRange(1, _MOST_DAYS), default=180, show_default=True, help="When it ends.")
@click.option("--reason", required=True, help="Why, as a file number rather than a name; it is kept.")
@_BY
@_HOME
def set_(home: Path, report: str, owner: str, days: int, reason: str, by: str) -> None:  # noqa: PLR0913, PLR0917  # one parameter a documented option
    """Keep REPORT, a report id."""
    expires = datetime.now(UTC) + timedelta(days=days)
    new = NewLegalHold(report_id=ReportId(report), owner=owner, reason=reason, set_by=by, expires_at=expires)
    settings = load(home / "config" / "ops.toml")
    with one_transaction(settings) as connection:
        number = legal_holds.put(connection, new)
        what = f"put legal hold {number} of {owner} on the report {report}"
        note_act(connection, Act(person=by, reason=reason, command="hold legal set", what=what, report=new.report_id))
    click.echo(f"Legal hold {number} stands until {expires:%Y-%m-%d %H:%M} UTC.")
    _tell(settings, new.report_id)


@legal.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@_HOME
def list_(home: Path, as_json: bool) -> None:
    """Show the legal holds in force, the one that ends first foremost; whose they are, and until when.

    Why a report is kept is in the audit log: `tocsin disclosures --report REPORT`, which asks for a purpose.
    """
    with one_transaction(load(home / "config" / "ops.toml")) as connection:
        found = legal_holds.legal_holds(connection)
    for hold in found:
        click.echo(without_reason(hold) if as_json else _line(hold))
    if not found and not as_json:
        click.echo("Nothing is under legal hold.")


@legal.command()
@click.argument("number", type=int)
@click.option("--reason", required=True, help="Why it is not needed any more; it is kept.")
@_BY
@_HOME
def release(home: Path, number: int, reason: str, by: str) -> None:
    """End legal hold NUMBER before its time: what its report's retention says counts again."""
    settings = load(home / "config" / "ops.toml")
    with one_transaction(settings) as connection:
        report = legal_holds.release(connection, number, by, reason)
        what = f"released legal hold {number} on the report {report}"
        note_act(connection, Act(person=by, reason=reason, command="hold legal release", what=what, report=report))
    click.echo(f"Legal hold {number} is released.")
    _tell(settings, report)


@legal.command()
@_HOME
def tell(home: Path) -> None:
    """Tell members again what is held: those who got a report since its hold was set, or were not reached then.

    Run it every day. What a member knows already changes nothing.
    """
    click.echo(f"{holding.tell_again(load(home / 'config' / 'ops.toml'))} messages were sent.")


def _tell(settings: Settings, report: ReportId) -> None:
    click.echo(f"{holding.tell_of(settings, [report])} members were told.")


def without_reason(hold: LegalHold | Hold) -> str:
    """As one JSON object. A list is no look, and a reason is somebody's own words about a case."""
    shown = {name: getattr(hold, name) for name in hold.__struct_fields__ if name != "reason"}
    return msgspec.json.encode(shown).decode()


def _line(hold: LegalHold) -> str:
    until = f"{hold.expires_at.astimezone(UTC):%Y-%m-%d %H:%M}"
    return f"{hold.number}  {hold.report_id}  for {hold.owner} until {until} UTC (set by {hold.set_by})"
