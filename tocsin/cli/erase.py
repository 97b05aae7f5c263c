"""`tocsin erase`: take a report's content back from everywhere."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import ReportId
from tocsin.cli.auditing.person import note_who_has
from tocsin.cli.auditing.twopeople import TWO, desk_of
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.ledger import erasing as ledger
from tocsin.runtime.ledger import scrubbing
from tocsin.runtime.ledger.addressing import is_id
from tocsin.runtime.ledger.erasing import Held
from tocsin.runtime.settings import Settings, load
from tocsin.stack import erasing
from tocsin.stack.erasing import COMMAND, Order
from tocsin.stack.erasures import Register
from tocsin.stack.leftovers import leftovers


@click.command()
@click.option("--report", "reports", multiple=True, help="A report id; may be given several times.")
@click.option("--case", "cases", multiple=True, help="MEMBER/REFERENCE: a submitter's own reference.")
@click.option("--again", is_flag=True, help="Erase what the register names and a restored database brought back.")
@click.option(
    "--scrub", is_flag=True, help="Take what erased rows left out of PostgreSQL's own files; locks each table."
)
@click.option("--dry-run", is_flag=True, help="Say what is held where and who has confirmed, and do nothing.")
@click.option("--by", default="", help="Your name; it is kept.")
@click.option("--reason", default="", help="Why; it is kept, so name nobody in it.")
@TWO
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(  # noqa: PLR0913, PLR0917  # one parameter a documented option
    reports: tuple[str, ...],
    cases: tuple[str, ...],
    again: bool,
    scrub: bool,
    dry_run: bool,
    by: str,
    reason: str,
    home: Path,
    **two: Any,
) -> None:
    """Erase the content of reports: PostgreSQL at once, then each member's journal, inbox and sinks by an order.

    Ids, members, tiers, states and times stay, and so does the audit log, which has no content. Nothing later of an
    erased report is routed. What is on Kafka goes with its segments, by the date that is printed. A report under legal
    hold is refused. Run it with --dry-run later to see who has confirmed.

    The register of erasures lies in the operator's state folder, apart from the database: keep a copy of its own. After
    the database was restored from a backup, run `tocsin erase --again` before the workers.

    Rows that are erased stay readable in PostgreSQL's own files for whoever runs its machine until the tables are
    written anew: `tocsin erase --scrub`, at a quiet hour, because nobody uses a table while it is. Sealed parts in a
    copy of a broker's disk open until triage's key is destroyed. Both are printed, with the days.

    Where the deployment's trust file names people who sign, two of them have to: the first asks with --petition FILE,
    --signer and --key, and nothing is erased; the second gives that FILE and no reports, within a week.

    Exit codes: 0 all done; 1 some were refused.
    """
    settings = load(home / "config" / "ops.toml")
    with _database(settings) as database:
        if again:
            _again(settings, database)
            return
        if scrub:
            for line in scrubbing.scrub(database):
                click.echo(line)
            return
        names = _named(database, reports, cases)
        if dry_run:
            _show(database, names, (by, reason))
            return
        desk = desk_of(settings, COMMAND, **two)
        if desk.asks(names=bool(names)):
            _require_all_free(database, names)
            desk.ask(names, reason)
            return
        granted, by, reason = desk.granted() if desk.pen else (tuple(names), by, reason)
        if not (granted and by and reason):
            raise click.UsageError("Say --report or --case, --by and --reason.")
        _erase(settings, database, granted, Order(by=by, reason=reason, at_ms=_now_ms()))


def _named(database: Database, reports: Sequence[str], cases: Sequence[str]) -> list[ReportId]:
    """Raises Refused for what can be no report, before anything is done."""
    found = [ReportId(report) for report in reports if is_id(report)]
    with database.transaction() as connection:
        for case in cases:
            member, _, reference = case.partition("/")
            if report := ledger.report_of(connection, member, reference):
                found.append(report)
    if len(found) < len(reports) + len(cases):
        raise Refused(message("erase.no_report"), code="erase.no_report")
    return found


def _show(database: Database, names: Sequence[ReportId], who: tuple[str, str]) -> None:
    """It tells who has a report, and so it is a look: in the log before it is shown."""
    for name in names:
        with database.transaction() as connection:
            note_who_has(connection, COMMAND, name, who)
        with database.transaction() as connection:
            held = erasing.found(connection, name)
            for line in erasing.lines(held):
                click.echo(line)
            erasing.require_free(connection, name)


def _require_all_free(database: Database, names: Sequence[ReportId]) -> None:
    with database.transaction() as connection:
        for name in names:
            erasing.found(connection, name)
            erasing.require_free(connection, name)


def _erase(settings: Settings, database: Database, names: Sequence[str], order: Order) -> None:
    register, tell, refused, done = Register(settings.state), erasing.told(settings), 0, list[Held]()
    for name in names:
        try:
            held = erasing.erase(database, register, ReportId(name), order, tell)
        except Refused as failure:
            click.echo(f"{name}: {failure} [{failure.code}]", err=True)
            refused += 1
        else:
            done.append(held)
            for line in erasing.lines(held):
                click.echo(line)
    click.echo(f"{len(names) - refused} erased.")
    _tell_what_is_left(settings, done)
    if refused:
        raise click.exceptions.Exit(1)


def _tell_what_is_left(settings: Settings, done: Sequence[Held]) -> None:
    """Of a home without a directory nothing is sealed by it."""
    if done:
        current = directory_of(settings.trust)
        last_ms = max(int(held.last_at.timestamp() * 1000) for held in done)
        for line in leftovers(current() if current else Directory(), last_ms, _now_ms()):
            click.echo(line)


def _again(settings: Settings, database: Database) -> None:
    """No second order to members: theirs was carried out, or waits on their status topic."""
    register = Register(settings.state)
    order = Order(by="the register", reason="the database was restored from an older backup", at_ms=_now_ms())
    came_back = erasing.restored(database, register)
    done = [erasing.erase(database, register, report, order, lambda _: None) for report in came_back]
    click.echo(f"{len(register)} in the register, {len(came_back)} had come back and are erased again.")
    _tell_what_is_left(settings, done)


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = database_of(settings)
    try:
        yield database
    finally:
        database.close()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
