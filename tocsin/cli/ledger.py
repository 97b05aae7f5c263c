"""`tocsin ledger`: what came in, what became of it, and whether it balances."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.table import Column, Table

from tocsin.runtime.ledger.balance import Balance
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.proof.evidence import Verdict
from tocsin.stack.gathering import proof_of
from tocsin.stack.ledger import balance_of, skip_records

NOT_BALANCED = 3
_SHOWN = 50


@click.group(name="ledger", invoke_without_command=True)
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--prove", is_flag=True, help="Also read topics, inboxes and folders again, and compare by id.")
@click.pass_context
def command(context: click.Context, home: Path, as_json: bool, prove: bool) -> None:
    """Reconcile every record of every member's topics with what became of it, and since when.

    in = routed + counted_only + waiting_person + no_recipient + refused + stale + withdrawn + dropped + skipped
    + lost + waiting (not read yet). What was routed became referrals, and each of them is delivered, taken up,
    counted, refused or withdrawn, or visibly waiting, parked, uncertain or expired.
    Ends with 3, naming offsets, where that does not hold, or where an urgent report reached nobody.

    --prove believes neither triage nor the ledger: a plain client reads every record again, and each loss, double
    and referral with a wrong member is named by its id or place. Ends with 3 where it names any.
    """
    if context.invoked_subcommand:
        context.obj = home
        return
    balance = balance_of(home)
    verdict = proof_of(home) if prove else None
    if as_json:
        proof = {"proof": proof_as_builtins(verdict)} if verdict else {}
        click.echo(json.dumps(as_builtins(balance) | proof))
    else:
        show(balance)
        if verdict:
            show_proof(verdict)
    sys.exit(0 if balance.holds and (verdict is None or verdict.holds) else NOT_BALANCED)


@command.command(name="skip")
@click.argument("coordinate")
@click.option("--reason", required=True, help="Why it cannot be processed; it is kept.")
@click.option("--by", required=True, help="Your name; it is kept.")
@click.pass_obj
def skip_command(home: Path, coordinate: str, reason: str, by: str) -> None:
    """Set a record aside that halts a worker: COORDINATE is topic/partition/offset, as the worker's log names it.

    The worker makes a dead letter of it when it is started again; the ledger shows it as skipped for ever.
    Records that the broker deleted before they were read are taken note of as topic/partition/first-last: the ledger
    shows them as lost for ever.
    """
    outcome = skip_records(home, coordinate, Excuse(by=by, reason=reason))
    click.echo(_SKIP_DONE[outcome])


_SKIP_DONE: Final = {
    Outcome.LOST: "Noted as lost. The worker goes on behind them: start it again.",
    Outcome.SKIPPED: "Noted. Start the worker again: it makes a dead letter of that record and goes on.",
}


def as_builtins(balance: Balance) -> dict[str, object]:
    """For JSON: the lines, the referrals by state, and the verdict."""
    return {
        "balanced": balance.holds,
        "lines": [msgspec.to_builtins(line) | {"balances": line.balances} for line in balance.lines],
        "referred": dict(balance.referred),
        "referrals": [msgspec.to_builtins(count) for count in balance.referrals],
        "routed_without_referral": list(balance.routed_without_referral),
        "urgent_without_recipient": list(balance.urgent_without_recipient),
    }


def proof_as_builtins(verdict: Verdict) -> dict[str, Any]:
    """For JSON: the counts, every discrepancy, and whether it is proven."""
    return {"proven": verdict.holds, **msgspec.to_builtins(verdict)}


def show(balance: Balance) -> None:
    """Two tables and a sentence."""
    console, now = Console(width=None if sys.stdout.isatty() else 110), datetime.now(UTC)
    console.print(_topics(balance, now))
    console.print(_referrals(balance, now))
    states = ", ".join(f"{count} {state}" for state, count in balance.referred.items())
    console.print(f"{sum(balance.referred.values())} referrals = {states or 'none'}")
    for line in balance.lines:
        for gap in line.missing:
            console.print(f"[red]missing[/] {gap}")
    for place in balance.routed_without_referral:
        console.print(f"[red]routed, and no referral is known[/] {place}")
    for reference in balance.urgent_without_recipient:
        console.print(f"[red]urgent and nobody has it[/] {reference}")
    console.print("[green]The ledger balances.[/]" if balance.holds else "[red]The ledger does not balance.[/]")


def _topics(balance: Balance, now: datetime) -> Table:
    title = "What came in (in brackets: the age of the oldest)"
    topic = Column("topic", overflow="fold")
    table = Table(topic, "in", "became", "waiting", "", title=title, title_justify="left", expand=True)
    for line in balance.lines:
        if line.came_in:
            ages = {name: f" ({age(now - at)})" for name, at in line.oldest.items()}
            terms = (f"{count} {name}{ages.get(name, '')}" for name, count in line.outcomes.items() if count)
            mark = "[green]✓[/]" if line.balances else "[red]✗[/]"
            waiting = f"{line.waiting}{ages.get('waiting', '')}"
            table.add_row(line.topic, str(line.came_in), ", ".join(terms), waiting, mark)
    return table


def _referrals(balance: Balance, now: datetime) -> Table:
    table = Table("recipient", "state", "referrals", "oldest", title="Referrals", title_justify="left", expand=True)
    for count in balance.referrals:
        table.add_row(count.recipient, count.state, str(count.count), age(now - count.oldest))
    return table


_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def age(since: timedelta) -> str:
    """In the largest unit that is full: 45 s, 3 min, 2 h, 9 d."""
    seconds = max(0, int(since.total_seconds()))
    size, unit = next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])
    return f"{seconds // size} {unit}"


def show_proof(verdict: Verdict) -> None:
    """What was compared, each discrepancy, and a sentence."""
    console = Console(width=110, highlight=False)
    console.print(
        f"Read again: {verdict.submitted} reports, {verdict.answered} of them answered; {verdict.referrals} referrals, "
        f"{verdict.at_inboxes} at inboxes, {verdict.at_sinks} at sinks; {verdict.unread} not read by their recipients "
        f"yet; {verdict.replayed} replays, which inboxes know by id."
    )
    for each in verdict.discrepancies[:_SHOWN]:
        console.print(f"[red]{each.finding.replace('_', ' ')}[/] {each.what} ({each.where})", soft_wrap=True)
    if len(verdict.discrepancies) > _SHOWN:
        console.print(f"... and {len(verdict.discrepancies) - _SHOWN} more: --json names all.")
    console.print("[green]Proven.[/]" if verdict.holds else "[red]Not proven.[/]")
