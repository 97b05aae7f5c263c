"""`tocsin recalls`: who was told to give a report up, and who has acknowledged it."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec

from schemas.records.ruling import RECALLED
from tocsin.runtime.database import one_transaction
from tocsin.runtime.ledger.recalls import Recall, recalls
from tocsin.runtime.settings import load

LATE = 3


@click.command()
@click.option("--open", "open_only", is_flag=True, help="Only those that nobody has acknowledged.")
@click.option("--member", default="", help="Only those to this member.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(open_only: bool, member: str, as_json: bool, home: Path) -> None:
    """List recalls, the oldest first: which member, of whose report, since when, and whether it has acknowledged.

    A member's inbox acknowledges by itself, as soon as it runs: copies that have not left are stopped, and sinks that
    have one are told. Ends with 3 where one is late: an hour has passed. Next: call that member.
    """
    now = datetime.now(UTC)
    found = [one for one in _found(home, open_only) if member in ("", one.member)]
    for one in found:
        click.echo(msgspec.json.encode(_as_builtins(one, now)).decode() if as_json else as_line(one, now))
    if not as_json:
        click.echo(_sum(found, now))
    sys.exit(LATE if any(one.is_late(now) for one in found) else 0)


def _found(home: Path, open_only: bool) -> tuple[Recall, ...]:
    with one_transaction(load(home / "config" / "ops.toml")) as connection:
        return recalls(connection, open_only=open_only)


def as_line(one: Recall, now: datetime) -> str:
    """One recall as a person reads it."""
    marked = "" if one.mark == "LIVE" else f" ({one.mark.lower()})"
    if one.is_open:
        said = f"NOT ACKNOWLEDGED for {_span(one.age(now))}: {one.state}" + (", LATE" if one.is_late(now) else "")
    else:
        said = f"acknowledged after {_span(one.age(now))}: {one.state.replace('_', ' ')}"
    what = "by the exchange" if one.revision == RECALLED else f"revision {one.revision}"
    about = f"{'a label on ' if one.is_label else ''}report {one.report_id} of {one.submitter}, {what}"
    known = f"; its inbox knows since {one.known_at.astimezone(UTC):%H:%M:%S} UTC" if one.known_at else ""
    said += known if one.is_open else ""
    return f"{one.sent_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC  {one.member}  {about}{marked}  {said}"


def _as_builtins(one: Recall, now: datetime) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(one)
    return told | {"open": one.is_open, "late": one.is_late(now), "age_seconds": int(one.age(now).total_seconds())}


def _sum(found: Sequence[Recall], now: datetime) -> str:
    if not found:
        return "No recalls."
    waiting = sum(one.is_open for one in found)
    return f"{len(found)} recalls: {waiting} not acknowledged, {sum(one.is_late(now) for one in found)} of them late."


def _span(age: timedelta) -> str:
    """In the largest unit of which there are at least two."""
    seconds = max(int(age.total_seconds()), 0)
    unit, length = next(((unit, length) for unit, length in _UNITS if seconds >= 2 * length), _UNITS[-1])
    return f"{seconds // length} {unit}"


_UNITS = (("h", 3600), ("min", 60), ("s", 1))
