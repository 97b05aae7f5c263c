"""What was sent and what became of it, as a table or as JSON lines."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from msgspec import Struct

from producers.journal.statuses import Account, Stage, accounts, of_no_report, open_questions
from producers.journal.store import open_to_read
from producers.service import Publishing
from schemas.catalogue import message, told
from schemas.failures import Broken, Temporary
from schemas.missing import wanted_field
from schemas.records.answers import Outcome, Status, StatusKind
from schemas.records.values import Ternary
from tocsin.cli.submitting.desk import now_ms
from tocsin.runtime import settings

_ACTIONABLE: Final = {Ternary.YES: "actionable", Ternary.NO: "not actionable"}
_FALSE_POSITIVE: Final = {Ternary.YES: "false positive", Ternary.NO: "no false positive"}
NOTICE_MS: Final = 86_400_000
"""How long what concerns no single report is repeated: a pause, or records that could not be read."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Which reports to show, and how."""

    reference: str = ""
    since: datetime | None = None
    stages: tuple[Stage, ...] = ()
    only_open: bool = False
    as_json: bool = False


def refresh(settings_file: Path) -> None:
    """Learn the news; where that is not possible, say so and go on with what is known."""
    try:
        publishing = Publishing(settings.load(settings_file), now_ms)
        try:
            publishing.listen()
        finally:
            publishing.close()
    except Temporary as failure:
        click.echo(f"{failure} Shown is what was known before.", err=True)
    except Broken as failure:
        if failure.code != "journal.in_use":
            raise
        click.echo("The member publishes at the moment. Shown is what was known before.", err=True)


def show(settings_file: Path, wanted: Wanted) -> None:
    """Print every wanted account."""
    journal = open_to_read(settings.load(settings_file).state)
    if journal is None:
        click.echo("Nothing was published from here yet.", err=True)
        return
    since_ms = int(wanted.since.replace(tzinfo=UTC).timestamp() * 1000) if wanted.since else 0
    try:
        with journal.begin() as connection:
            for status in of_no_report(connection, now_ms() - NOTICE_MS):
                click.echo(f"{_time(status.at.epoch_ms)}  {status.kind.lower()}  {_what(status)}", err=True)
            for account in accounts(connection, reference=wanted.reference, since_ms=since_ms):
                if _is_wanted(account, wanted):
                    _print(account, wanted)
    finally:
        journal.close()


def _is_wanted(account: Account, wanted: Wanted) -> bool:
    return (not wanted.stages or account.stage in wanted.stages) and (
        not wanted.only_open or bool(open_questions(account))
    )


def _print(account: Account, wanted: Wanted) -> None:
    if wanted.as_json:
        click.echo(msgspec.json.encode(_facts(account)).decode())
        return
    click.echo(f"{account.reference:<28} {account.revision:>3}  {account.stage:<14} {_last(account)}".rstrip())
    if wanted.only_open:
        for line in chain.from_iterable(map(_asked, open_questions(account))):
            click.echo(f"    {line}")
    elif wanted.reference:
        for status in account.told:
            click.echo(f"    {_time(status.at.epoch_ms)}  {status.kind.lower():<14} {_what(status)}".rstrip())


def _asked(status: Status) -> Iterator[str]:
    """What is asked, until when, and each field in the words and formats of a submitter."""
    question = status.question
    if question and question.due:
        yield f"answer until {_time(question.due.epoch_ms)}: it is of most use by then"
    for name in dict.fromkeys((*([question.field] if question and question.field else []), *status.missing)):
        field = wanted_field(name)
        yield f"{name}: {field.sentence()}" if field else name


def _facts(account: Account) -> dict[str, Any]:
    is_open = bool(open_questions(account))
    facts = msgspec.structs.asdict(account) | {"stage": account.stage, "open": is_open}
    facts["told"] = [msgspec.structs.asdict(status) | {"message": _what(status)} for status in account.told]
    return facts


def _last(account: Account) -> str:
    """What a person must know or do: a refusal with its remedy, or the newest question."""
    telling = [s for s in account.told if s.kind in {StatusKind.REFUSED, StatusKind.QUESTION, StatusKind.NO_RECIPIENT}]
    return _what(telling[-1]) if telling else ""


def _what(status: Status) -> str:
    return "; ".join(_parts(status))


def _parts(status: Status) -> Iterator[str]:
    if status.code:
        yield f"{status.field + ': ' if status.field else ''}{told(status.code)} [{status.code}]"
    if status.kind is StatusKind.TRIAGED:
        yield f"{status.tier.lower()} ({message('tiers.advise')}), {status.recipients} recipients"
    if status.missing and not status.question:
        yield f"would help: {', '.join(status.missing)}"
    if status.case_number:
        yield f"case {status.case_number}"
    if status.question and status.question.code != status.code:
        yield f"question {status.question.code} {status.question.field}".rstrip()
    for outcome in status.outcomes:
        yield ", ".join(_found(outcome))


def _found(outcome: Outcome) -> Iterator[str]:
    """Everything that an outcome says: an action, an assessment, a move, and how useful the report was."""
    if outcome.action:
        yield f"{outcome.action} {outcome.reason}".rstrip()
    for words, value in (
        ("assessed as", outcome.classification),
        ("hosted in", outcome.hosting_country),
        ("assigned to", outcome.assigned_country),
    ):
        if value:
            yield f"{words} {value}"
    for answer, meanings in ((outcome.actionable, _ACTIONABLE), (outcome.false_positive, _FALSE_POSITIVE)):
        if answer in meanings:
            yield meanings[answer]
    if outcome.content_id:
        yield f"item {outcome.content_id}"


def _time(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
