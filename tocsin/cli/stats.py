"""`tocsin stats`: what improved, by month, member, country, label and tier, with the words for each figure."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

import click
from msgspec import Struct
from rich.console import Console
from rich.table import Table as Drawn

from schemas.catalogue import message
from schemas.failures import Refused
from tocsin.cli.measuring.baseline import freeze, thawed
from tocsin.cli.measuring.definitions import MEASURES
from tocsin.cli.measuring.figures import SMALLEST, Figures, Row, Table, tables_of
from tocsin.cli.measuring.months import Months, months_of
from tocsin.cli.measuring.objectives import Objective, Progress, dimensions_of, progress, read_objectives
from tocsin.cli.measuring.page import described, page
from tocsin.cli.measuring.suppression import margins_of
from tocsin.cli.measuring.wording import figure, first_figure, standing
from tocsin.cli.policing.homes import HOME, now_ms, rules_of
from tocsin.policy.legal_map import legal_map
from tocsin.runtime.database import one_transaction
from tocsin.runtime.ledger.measures import DIMENSIONS, gather, groups
from tocsin.runtime.settings import load

_ON_SCREEN: Final = (
    "reports",
    "delivered_median",
    "taken_up_median",
    "answered_share",
    "complete_share",
    "removed_share",
)
"""Of groups; all figures go into CSV and pages."""


class Asked(Struct, frozen=True, kw_only=True):
    """Which figures, and how they are grouped."""

    months: Months
    by: tuple[str, ...]
    smallest: int
    alone: frozenset[str]
    """Dimensions to group by one at a time: for objectives, and for whatever a baseline is compared with later."""


class Options(Struct, frozen=True, kw_only=True):
    """What the command line says."""

    first: str
    last: str
    quarter: str
    by: str
    smallest: int
    as_csv: bool = False
    html: Path | None = None
    frozen: Path | None = None
    baseline: Path | None = None
    objectives: Path | None = None


@click.command()
@click.option("--from", "first", default="", metavar="YYYY-MM", help="The first month.")
@click.option("--until", "last", default="", metavar="YYYY-MM", help="The last month, included.")
@click.option("--quarter", default="", metavar="YYYYQn", help="Three months; this quarter by default.")
@click.option("--by", default="", help=f"Group by these, with commas: {', '.join(DIMENSIONS)}.")
@click.option(
    "--smallest", default=SMALLEST, show_default=True, type=click.IntRange(1, 1000), help="Hide groups below."
)
@click.option("--csv", "as_csv", is_flag=True, help="As CSV, with seconds and shares as numbers.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page to publish.")
@click.option("--freeze", "frozen", type=click.Path(path_type=Path, dir_okay=False), help="Keep them as a baseline.")
@click.option("--baseline", type=click.Path(path_type=Path, dir_okay=False), help="Compare with a baseline.")
@click.option("--objectives", type=click.Path(path_type=Path, dir_okay=False), help="Show how far objectives are.")
@HOME
def command(home: Path, **said: Any) -> None:
    """Show counts and times of live reports: how soon they are delivered and taken up, answered, complete, removed.

    Tests and drills are left out, erased reports are counted, and groups that are too small are not shown. Freeze a
    baseline before something changes, and compare half a year later:

    \b
        tocsin stats --quarter 2026Q3 --freeze before.json
        tocsin stats --quarter 2027Q1 --baseline before.json --objectives objectives.toml --html improved.html
    """
    wanted, today = Options(**said), datetime.now(UTC).date()
    objectives = read_objectives(wanted.objectives) if wanted.objectives else ()
    before = thawed(wanted.baseline) if wanted.baseline else None
    asked = _asked(wanted, objectives, today)
    now = _found(asked, home)
    if wanted.frozen:
        freeze(now, wanted.frozen)
    measured = [(one, [progress(result, before, now, today) for result in one.results]) for one in objectives]
    if wanted.html:
        wanted.html.write_text(page(now, before, measured), "utf-8")
    if wanted.as_csv:
        click.echo(_as_csv(next(table for table in now.tables if table.by == asked.by)), nl=False)
        return
    _tell(now, before, measured)


def _asked(wanted: Options, objectives: tuple[Objective, ...], today: date) -> Asked:
    """A baseline is grouped by everything: nobody knows yet what it will be compared by."""
    return Asked(
        months=months_of(wanted.quarter, wanted.first, wanted.last, today),
        by=_dimensions(wanted.by),
        smallest=wanted.smallest,
        alone=frozenset(DIMENSIONS) - {"month"} if wanted.frozen else dimensions_of(objectives),
    )


def _dimensions(by: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(name.strip() for name in by.split(",") if name.strip()))
    if set(found) - set(DIMENSIONS):
        raise Refused(message("stats.dimension", known=", ".join(DIMENSIONS)), code="stats.dimension")
    return found


def _found(asked: Asked, home: Path) -> Figures:
    wanted = dict.fromkeys(((), asked.by, *((name,) for name in sorted(asked.alone))))
    share = _verified_share(home)
    with one_transaction(load(home / "config" / "ops.toml")) as connection:
        gather(connection, asked.months.first, asked.months.last)
        margins = dict.fromkeys(chain.from_iterable(map(margins_of, wanted)))
        grouped = {by: groups(connection, by) for by in margins}
        tables = tables_of(wanted, grouped, asked.smallest, share)
    made_at = datetime.now(UTC)
    return Figures(
        months=asked.months, made_at=made_at, smallest=asked.smallest, law_verified_share=share, tables=tables
    )


def _verified_share(home: Path) -> float | None:
    at_ms = now_ms()
    today = datetime.fromtimestamp(at_ms / 1000, UTC).date()
    rows = [entry.law for entry in legal_map(rules_of(home).at(at_ms), today) if entry.law]
    return sum(row.verified for row in rows) / len(rows) if rows else None


def _tell(now: Figures, before: Figures | None, measured: Sequence[tuple[Objective, Sequence[Progress]]]) -> None:
    console = Console()
    for table in now.tables:
        console.print(_drawn(table, now.smallest))
    for objective, results in measured:
        click.echo(f"{objective.name} ({objective.owner})")
        for one in results:
            click.echo(f"  {_result(one)}")
    click.echo(described(now, before))
    click.echo("What each figure is:")
    for measure in MEASURES.values():
        click.echo(f"  {measure.heading}: {measure.sentence}")


def _drawn(table: Table, smallest: int) -> Drawn:
    """A row for each figure of all reports; of groups a row each, with what fits a screen."""
    if not table.by:
        drawn = Drawn("figure", *("all reports" for _ in table.rows))
        for name, measure in MEASURES.items():
            drawn.add_row(measure.heading, *(_cell(name, row, smallest) for row in table.rows))
        return drawn
    drawn = Drawn(*table.by, *(MEASURES[name].heading for name in _ON_SCREEN))
    for row in table.rows:
        drawn.add_row(*row.key, *(_cell(name, row, smallest) for name in _ON_SCREEN))
    return drawn


def _cell(name: str, row: Row, smallest: int) -> str:
    return first_figure(row, smallest) if name == "reports" else figure(name, row.values[name])


def _result(one: Progress) -> str:
    name = one.result.measure
    way = f"{figure(name, one.before)} -> {figure(name, one.now)}, target {figure(name, one.result.target)}"
    return f"{MEASURES[name].heading}: {way} until {one.result.by} ({one.result.owner}): {standing(one)}"


def _as_csv(table: Table) -> str:
    """Groups, then the figures by their names; what is not known or not shown is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*table.by, *MEASURES, "hidden"))
    writer.writerows(_lines(table))
    return out.getvalue()


def _lines(table: Table) -> Iterator[Iterable[object]]:
    for row in table.rows:
        values = ("" if (value := row.values[name]) is None else f"{value:.6g}" for name in MEASURES)
        yield (*row.key, *values, "yes" if row.is_hidden else "no")
