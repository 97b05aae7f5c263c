"""`tocsin recall`: take a report, a label or all that a member sent back from everybody who has it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tocsin.cli.auditing.person import note_who_has
from tocsin.cli.auditing.twopeople import TWO, desk_of
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.reading import broker_offsets
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.settings import Settings, load
from tocsin.stack.recalling import COMMAND, Recall, by_records, lines, recall, recalls_for

NOT_SETTLED = 3


@click.command()
@click.argument("what", type=click.Choice(["report", "label", "member"]), required=False)
@click.argument("names", nargs=-1)
@click.option("--since", default="", help="Of a member: from when on, as an ISO 8601 time with its offset.")
@click.option("--dry-run", is_flag=True, help="Say what would be taken back, and from whom, and do nothing.")
@click.option("--by", default="", help="Your name; it is kept.")
@click.option("--reason", default="", help="Why; it is kept, so name nobody in it.")
@TWO
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(  # noqa: PLR0913, PLR0917  # one parameter a documented option
    what: str | None,
    names: tuple[str, ...],
    since: str,
    dry_run: bool,
    by: str,
    reason: str,
    home: Path,
    **two: Any,
) -> None:
    """Take something back from everybody who has it, for good.

    \b
    tocsin recall report REPORT_ID ...            a report, as its submitter could have withdrawn it
    tocsin recall label REPORT_ID/CONTENT_ID ...  what recipients said of an item; its report goes on without, and where
                                                  its record is gone (28 days), each copy that may have it goes back
    tocsin recall member NAME --since TIME        all reports and labels that came from a member since then

    Each member that has it is told on its status topic and by a recall: its inbox stops the copies that have not left
    and says so, its sinks are told. Whoever has not acknowledged is listed: tocsin recalls --open. Nothing later of a
    report that was taken back is routed. Suspend a member first (tocsin member suspend), so that nothing follows.

    Where the deployment's trust file names people who sign, two of them have to: the first asks with --petition FILE,
    --signer and --key, and nothing is taken back; the second gives that FILE alone, within a week.

    Exit codes: 0 done; 1 refused; 3 triage has not carried it out yet (tocsin triage --lane normal).
    """
    settings = load(home / "config" / "ops.toml")
    database = database_of(settings)
    try:
        _run(settings, database, _subjects(what, names, since), (dry_run, Excuse(by=by, reason=reason), two))
    finally:
        database.close()


def _run(
    settings: Settings, database: Database, subjects: list[str], asked: tuple[bool, Excuse, dict[str, Any]]
) -> None:
    dry_run, order, two = asked
    if dry_run:
        _show(_looked_at(settings, database, subjects, order), "would be taken back")
        return
    desk = desk_of(settings, COMMAND, **two)
    if desk.asks(names=bool(subjects)):
        _show(_looked_at(settings, database, subjects, order), "are asked for")
        desk.ask(subjects, order.reason)
        return
    if desk.pen:
        granted, by, reason = desk.granted()
        subjects, order = list(granted), Excuse(by=by, reason=reason)
    if not (subjects and order.by and order.reason):
        raise click.UsageError("Say what, --by and --reason.")
    found = _found(settings, database, subjects)
    is_settled = recall(database, settings, found, order)
    _show(found, "are taken back" if is_settled else "wait for triage: tocsin triage --lane normal")
    if not is_settled:
        sys.exit(NOT_SETTLED)


def _subjects(what: str | None, names: Sequence[str], since: str) -> list[str]:
    """Each as it is written into a petition."""
    if (what == "member") != bool(since):
        raise click.UsageError("Say --since with a member, and with nothing else.")
    return [f"{what} {name}" + (f" since {since}" if since else "") for name in names]


def _found(settings: Settings, database: Database, subjects: Sequence[str]) -> tuple[Recall, ...]:
    """What the subjects mean now; raises Refused before anything is done."""
    with database.transaction() as connection:
        found = [one for subject in subjects for one in recalls_for(connection, subject)]
    topics = sorted({one.target.source.topic for one in found if one.labels})
    starts = broker_offsets(settings.kafka, topics) if topics else {}
    return by_records(found, {place: start for place, (start, _) in starts.items()})


def _looked_at(settings: Settings, database: Database, subjects: Sequence[str], order: Excuse) -> tuple[Recall, ...]:
    """The same for somebody who is told who has it, and nothing is done: that look is in the log before."""
    found = _found(settings, database, subjects)
    with database.transaction() as connection:
        for report in dict.fromkeys(one.target.report_id for one in found):
            note_who_has(connection, COMMAND, report, (order.by, order.reason))
    return found


def _show(found: Sequence[Recall], what: str) -> None:
    for one in found:
        for line in lines(one):
            click.echo(line)
    click.echo(f"{len(found)} {what}. Who has not acknowledged: tocsin recalls --open")
