"""`tocsin quality`: how complete a submitter's reports are, and what to add first."""

from pathlib import Path
from typing import Final

import click
import msgspec

from schemas.catalogue import message
from schemas.missing import wanted_field
from tocsin.runtime.settings import load
from tocsin.stack.decisions import Quality, decisions

_MOST_SHOWN: Final = 3


@click.command()
@click.option("--member", default="", help="Of this submitter; all by default.")
@click.option("--weeks", default=12, show_default=True, type=click.IntRange(1, 520))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(member: str, weeks: int, as_json: bool, home: Path) -> None:
    """Show week by week how complete reports were, and what to add first, with an example.

    Completeness (0 to 100) says how much an officer would find; it has no part in how urgent a report is.
    """
    with decisions(load(home / "config" / "ops.toml")) as read:
        found = read.quality(member, weeks)
    if as_json:
        for one in found:
            click.echo(msgspec.json.encode(one).decode())
        return
    for submitter in dict.fromkeys(one.submitter for one in found):
        _show([one for one in found if one.submitter == submitter])
    if not found:
        click.echo("No reports in this time; tests are left out.")


def _show(weeks: list[Quality]) -> None:
    latest = weeks[0]
    click.echo(f"{latest.submitter}")
    for week, before in zip(weeks, [*weeks[1:], None], strict=True):
        click.echo(
            f"  week of {week.week:%Y-%m-%d}: {_average(week)} over {week.reports} reports{_trend(week, before)}"
        )
    for name, count in latest.missing[:_MOST_SHOWN]:
        field = wanted_field(name)
        click.echo(
            f"  add {name} ({count} of {latest.reports} lack it): {field.sentence() if field else ''}".rstrip(": ")
        )
    click.echo(f"  {message('tiers.advise')} Completeness has no part in them.")


def _average(week: Quality) -> str:
    return f"{week.average:.0f} of 100"


def _trend(week: Quality, before: Quality | None) -> str:
    change = round(week.average) - round(before.average) if before else 0
    return f", {change:+d} since the week before" if change else ""
