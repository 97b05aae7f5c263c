"""The demo on a terminal: flow per stage, referrals per member, urgent latency; elsewhere a line now and then."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tocsin.stack.demo.snapshot import ARRIVED, Snapshot
from tocsin.stack.demo.story import Told


def screen(told: Told, now: Snapshot, p99_seconds: float | None, seconds: float) -> RenderableType:
    """The whole picture at one moment."""
    heading = Text(f"Tocsin demo, {seconds:.0f} s: simulated members, synthetic reports", style="bold")
    doing = Text(told.now, style="dim", no_wrap=True, overflow="ellipsis")
    return Group(heading, doing, _flow(told, now, p99_seconds), _members(now))


def line(told: Told, now: Snapshot, seconds: float) -> str:
    """The same in one line, for a log."""
    triaged = sum(now.outcomes.values())
    return (
        f"{seconds:4.0f} s  published {told.published}, on the broker {now.came_in}, triaged {triaged}, "
        f"referrals {now.made}, arrived {now.arrived}  {told.now}"
    ).rstrip()


def _table(first: str, *numbers: str) -> Table:
    """Narrow and low enough for 80 columns and 24 lines."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, expand=True)
    table.add_column(first, min_width=14, no_wrap=True)
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True, min_width=9)
    table.add_column("", no_wrap=True, overflow="ellipsis", ratio=1)
    return table


def _flow(told: Told, now: Snapshot, p99_seconds: float | None) -> Table:
    table = _table("stage", "records")
    table.add_row("published", str(told.published), f"{told.refused_before} refused by the members' own validation")
    table.add_row("on the broker", str(now.came_in), f"{now.waiting} not processed yet")
    became = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(now.outcomes.items()))
    table.add_row("triaged", str(sum(now.outcomes.values())), became)
    states = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(now.referrals.items()))
    table.add_row("referrals", str(now.made), states)
    urgent = "" if p99_seconds is None else f"{p99_seconds:.2f} s to the first referral, 99th percentile"
    table.add_row("urgent", "", urgent)
    return table


def _members(now: Snapshot) -> Table:
    table = _table("recipient", "referrals", "arrived")
    for name, states in sorted(now.by_recipient.items()):
        made, arrived = sum(states.values()), sum(states.get(state, 0) for state in ARRIVED)
        done = "█" * round(30 * arrived / made) if made else ""
        table.add_row(name, str(made), str(arrived), done)
    return table
