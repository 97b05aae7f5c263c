"""`tocsin answer`: what a person says of a referral, one by one or in a file."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
from msgspec import Struct

from consumers import settings as delivery
from consumers.answers import KINDS, MAX_FILE_BYTES, Answer, Line, parse
from consumers.refusals import refused_answers, sentence
from consumers.replies import Sorted, drop, rejects_csv, sort_file
from consumers.service import delivery_file
from consumers.store import deliveries
from consumers.store.engine import open_to_read
from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from schemas.topics import LONGEST_MS
from tocsin.cli.receiving.forewarned import forewarned
from tocsin.runtime import settings
from tocsin.runtime.privacy import require_private, write_private

_SHOWN_PROBLEMS = 20


class Options(Struct, frozen=True, kw_only=True):
    """What was given on the command line."""

    referral: str | None
    member: MemberId
    home: Path
    file: Path | None
    taken_up: bool
    refused: str
    outcome: str
    question: str
    hold: str
    until: str
    release_hold: bool
    reason: str
    field: str
    content_id: str
    case_number: str
    classification: str
    hosting_country: str
    assigned_country: str
    actionable: str
    false_positive: str
    identified: str
    again: bool
    list_refused: bool


@click.command()
@click.argument("referral", required=False)
@click.option("--as", "member", required=True, help="The member that answers.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A CSV of answers.")
@click.option("--taken-up", is_flag=True, help="Somebody works on it.")
@click.option("--refused", default="", metavar="REASON", help="It is not ours: a code of action_reason.")
@click.option("--outcome", default="", metavar="ACTION", help="What came of it: a code of vocabularies/action.")
@click.option("--assessed", "classification", default="", metavar="CODE", help="baseline, national or not_illegal.")
@click.option(
    "--hosted-in", "hosting_country", default="", metavar="CC", help="It moved, first step: hosted there now."
)
@click.option("--assign-to", "assigned_country", default="", metavar="CC", help="It moved, second step: theirs now.")
@click.option("--actionable", default="", metavar="yes|no", help="Whether you could act on it.")
@click.option("--false-positive", default="", metavar="yes|no", help="Whether it turned out to be nothing.")
@click.option("--identified", default="", metavar="yes|no", help="Whether a victim or offender was identified.")
@click.option("--question", default="", metavar="CODE", help="What we need to know, such as missing_time.")
@click.option("--hold", default="", metavar="REASON", help="Police: notices to the host should wait, and why.")
@click.option("--until", default="", metavar="TIME", help="Until when, with its offset; at most 90 days ahead.")
@click.option("--release-hold", is_flag=True, help="Police: notices need not wait any more.")
@click.option("--reason", default="", help="Why the action was taken: a code of action_reason.")
@click.option("--field", default="", help="The field that a question concerns.")
@click.option("--content", "content_id", default="", help="The item that an outcome concerns.")
@click.option("--case-number", default="", help="Your own case number.")
@click.option("--again", is_flag=True, help="Say the same once more: it was refused, and things have changed.")
@click.option(
    "--list-refused", is_flag=True, help="Show which answers of the last 30 days the exchange refused, and why."
)
def command(**given: Any) -> None:
    """Answer REFERRAL, or every row of a file, as one member.

    A file has the columns of docs/guides/recipient.md; good rows go through, and the others come back in
    FILE.rejected.csv with their reasons. A running `tocsin deliver` sends the answers; without one they wait.

    Assessments, actions and moves of an item follow ICCAM's rules: baseline is final, a national assessment is
    overruled only by the country that the item is assigned to, nobody assesses after an action, nothing follows
    removed, unavailable or not_illegal, and a move is two answers. An answer that seems to break one is sent with a
    warning; the exchange decides, and --list-refused shows what it refused.
    """
    options = Options(**given)
    process = settings.load(options.home / "config" / f"{options.member}.toml")
    if options.list_refused:
        _list_refused(process)
        return
    chosen = delivery.load(delivery_file(options.home / "config", options.member), process.state)
    found = _sorted(options, _lookup(chosen, options.member))
    if found.answers:
        for warning in forewarned(found.answers, process, chosen.store):
            click.echo(warning, err=True)
        drop(process.state / "replies", found.answers)
        click.echo(f"{len(found.answers)} answers wait in the replies folder for `tocsin deliver {options.member}`.")
    if found.problems:
        _give_back(options.file, found)
        raise click.exceptions.Exit(1)


def _sorted(options: Options, is_known: Callable[[str], bool]) -> Sorted:
    if options.file:
        with options.file.open("rb") as opened:
            return sort_file(".csv", opened.read(MAX_FILE_BYTES + 1), is_known)
    answer = parse(Line(number=1, cells=_cells(options)))
    if not isinstance(answer, Answer):
        return Sorted(problems=tuple(answer))
    if not is_known(answer.referral_id):
        raise Refused(message("answer.unknown_referral"), code="answer.unknown_referral")
    return Sorted(answers=(answer,))


def _cells(options: Options) -> dict[str, str]:
    """The options in the words of the answers file."""
    kinds = [name for name in KINDS if name != _OUTCOME and getattr(options, name)]
    kinds += [_OUTCOME] if any(getattr(options, name) for name in (_OUTCOME, *_OUTCOME_CELLS)) else []
    if not options.referral or len(kinds) != 1:
        raise click.UsageError(
            "Name one referral and one of --taken-up, --refused, --question, --hold, --release-hold or what came of it "
            "(--outcome, --assessed, "
            "--hosted-in, --assign-to, --actionable, --false-positive, --identified); or a --file."
        )
    return {
        "referral_id": options.referral,
        "answer": kinds[0],
        **{name: getattr(options, name) for name in _OUTCOME_CELLS},
        "again": str(uuid4()) if options.again else "",
        "reason": options.refused or options.reason,
        "action": options.outcome,
        "question": options.question,
        "text": options.hold,
        "due": options.until,
        "field": options.field,
        "content_id": options.content_id,
        "case_number": options.case_number,
    }


_OUTCOME = "outcome"
_OUTCOME_CELLS = (
    *("actionable", "false_positive", "identified"),
    *("classification", "hosting_country", "assigned_country"),
)


def _list_refused(process: settings.Settings) -> None:
    count = 0
    for status in refused_answers(process, _now_ms() - LONGEST_MS):
        click.echo(sentence(status))
        count += 1
    click.echo(f"{count} answers were refused in the last 30 days.", err=True)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _lookup(chosen: delivery.DeliverySettings, member: MemberId) -> Callable[[str], bool]:
    """Whether the member's inbox has a referral of this id; asked while another process may deliver."""
    store = open_to_read(chosen.store, member)

    def is_known(referral_id: str) -> bool:
        if store is None:
            return False
        with store.begin() as connection:
            return deliveries.find_referral(connection, referral_id) is not None

    return is_known


def _give_back(file: Path | None, found: Sorted) -> None:
    for problem in found.problems[:_SHOWN_PROBLEMS]:
        click.echo(str(problem), err=True)
    if len(found.problems) > _SHOWN_PROBLEMS:
        click.echo(f"... and {len(found.problems) - _SHOWN_PROBLEMS} more.", err=True)
    if file and found.rejected:
        rejects = file.with_name(f"{file.name}.rejected.csv")
        require_private(rejects)
        write_private(rejects, rejects_csv(found.rejected, found.problems))
        click.echo(f"{len(found.rejected)} rows to correct: {rejects}", err=True)
