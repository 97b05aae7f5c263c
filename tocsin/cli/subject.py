"""`tocsin subject`: whether something is held, who has it, and what is done about it for whom it concerns."""

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from processors.keyring import digest_keys, keyring
from processors.steps.deduplicate.selectors import digests_of
from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import ReportId
from tocsin.cli.auditing.person import BY, PURPOSE_OF_A_READ, note, stated
from tocsin.cli.keeping.subjects import Wish, carry_out, put_back, wish_of
from tocsin.policy.members import day_of
from tocsin.policy.policies import policies
from tocsin.runtime.audit.statements import Reading
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.subject_requests import Kind, Request, requests
from tocsin.runtime.ledger.subjects import Carrying, Holder, carrying
from tocsin.runtime.settings import Settings, load

NOT_SETTLED: Final = 3
_HASHES: Final = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_ACCOUNT_PARTS: Final = 3


@click.command()
@click.argument("selector", default="")
@click.option("--restrict", is_flag=True, help="Keep what is found, and do nothing else with it until it is lifted.")
@click.option("--lift", is_flag=True, help="End that: whoever the rules name gets it again.")
@click.option(
    "--correct", default="", metavar="FIELD", help="Ask each submitter to correct FIELD, as accounts[0].value."
)
@click.option("--again", is_flag=True, help="Put back what a restored database has forgotten of restrictions.")
@click.option("--report", "reports", multiple=True, help="Of what is found only this report id; may be given again.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--reason", default="", help="Why; it is kept, so name nobody in it.")
@click.option("--json", "as_json", is_flag=True, help="One report a line.")
@BY
@PURPOSE_OF_A_READ
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(  # noqa: PLR0913, PLR0917  # one parameter a documented option
    selector: str,
    restrict: bool,
    lift: bool,
    correct: str,
    again: bool,
    reports: tuple[str, ...],
    dry_run: bool,
    reason: str,
    as_json: bool,
    by: str,
    purpose: str,
    home: Path,
) -> None:
    """Say whether SELECTOR is held, in which reports, and who has been given them; and act for whom it concerns.

    SELECTOR is an address (https://…), a digest in hexadecimal (MD5, SHA-1, SHA-256 or SHA-512), `incident:SYSTEM:ID`,
    or `account:PLATFORM:KIND:VALUE`; with `-` it is read from standard input and stays out of the shell's history. It
    is looked up by its keyed digest, and is neither shown nor kept; that you looked, and why, is.

    \b
    tocsin subject - --restrict --reason R        whoever has it is told to give it up, nobody else gets it, no person
                                                  routes it, and it outlives its retention; nothing is erased
    tocsin subject - --lift --reason R            it is decided again, and goes to whom the rules name
    tocsin subject - --correct FIELD --reason R   its submitter is asked; what it sends by `tocsin correct` or
                                                  `tocsin withdraw` reaches everybody who has it

    Only exact selectors are found, and every report that carries one, however many a member sent. The page on which
    items were found is none beside its items, and of a report with more than 200 selectors the first 200 are kept. A
    report whose record is gone from its topic, after 28 days, cannot be decided again: take it back by
    `tocsin recall report`.

    What is restricted is also written into a register in the operator's state folder, apart from the database: keep a
    copy of its own. After the database was restored from a backup, run `tocsin subject --again` before the workers.

    Exit codes: 0 done; 1 refused; 3 triage has not carried it out yet (tocsin triage --lane normal).
    """
    if again:
        if selector or restrict or lift or correct or reports or dry_run:
            raise click.UsageError("Say --again alone: it puts back what the register says, and nothing else.")
        settings = load(home / "config" / "ops.toml")
        with closing(database_of(settings)) as database:
            click.echo(put_back(settings, database))
        return
    wish = wish_of(restrict=restrict, lift=lift, field=correct, reason=reason, by=by)
    kind, value = parsed(click.get_text_stream("stdin").read().strip() if selector == "-" else selector)
    reading = Reading(person=by, purpose=stated(purpose), command="subject", what=f"who has one {kind}")
    settings = load(home / "config" / "ops.toml")
    with closing(database_of(settings)) as database:
        found, asked = _found((settings, load(home / "config" / "triage.toml").state), database, (kind, value), reading)
        chosen = tuple(one for one in found if not reports or one.report_id in reports)
        for line in map(_as_json, chosen) if as_json else told(chosen, asked, kind):
            click.echo(line)
        if wish and not dry_run:
            _act(settings, database, [one.report_id for one in chosen], wish)
        elif wish:
            click.echo(f"{len(chosen)} {wish.would}.")


def parsed(selector: str) -> tuple[str, str]:
    """Its kind and value; raises Refused where it is none, without repeating it."""
    prefix, _, rest = selector.partition(":")
    if re.fullmatch(r"[0-9a-fA-F]+", selector) and len(selector) in _HASHES:
        return _HASHES[len(selector)], selector
    if prefix.lower() in {"http", "https"} and rest.startswith("//"):
        return "url", selector
    if prefix == "incident" and ":" in rest:
        return prefix, rest
    if prefix == "account" and len(rest.split(":", _ACCOUNT_PARTS - 1)) == _ACCOUNT_PARTS:
        return prefix, rest
    raise Refused(message("subject.unknown_kind"), code="subject.unknown_kind")


def told(found: Sequence[Carrying], asked: Sequence[Request] = (), kind: str = "") -> Iterator[str]:
    """Each report, under it who has it and what was asked about it, in words; then where nobody looked."""
    if found:
        yield f"Held in {len(found)} reports."
    else:
        yield "Not held: no report that this exchange still recognises carries it."
    yield from _reports(found, asked)
    if kind == "url":
        yield "Not looked at: the pages on which items of a report were found."


def _reports(found: Sequence[Carrying], asked: Sequence[Request]) -> Iterator[str]:
    for one in found:
        yield f"{one.report_id} of {one.submitter}, revision {one.revision}{': withdrawn' if one.withdrawn else ''}"
        yield from map(_holder, one.holders)
        if not one.holders:
            yield "  nobody was given it"
        yield from (_request(request) for request in asked if request.report_id == one.report_id)


def _holder(one: Holder) -> str:
    word = "was told to give it up" if one.recalled else "has it"
    return f"  {one.member} {word}: {one.state.replace('_', ' ')} since {one.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _request(one: Request) -> str:
    since = f"since {one.asked_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, by {one.asked_by}"
    what = "only kept" if one.kind is Kind.RESTRICT else f"its submitter is asked to correct {one.field}, unanswered"
    return f"  {what}: {since}: {one.reason}"


def _act(settings: Settings, database: Database, reports: Sequence[ReportId], wish: Wish) -> None:
    is_settled = carry_out(settings, database, reports, wish)
    click.echo(f"{len(reports)} {wish.done}." if is_settled else "It waits for triage: tocsin triage --lane normal")
    if not is_settled:
        sys.exit(NOT_SETTLED)


def _found(
    place: tuple[Settings, Path], database: Database, selector: tuple[str, str], reading: Reading
) -> tuple[tuple[Carrying, ...], tuple[Request, ...]]:
    settings, state = place
    if not digest_keys(state):
        raise Refused(message("subject.no_keys"), code="subject.no_keys")
    now_ms = time.time_ns() // 1_000_000
    bundle = policies(settings.policy, settings.policy_trust).at(now_ms)
    digests = digests_of(*selector, keyring(state).keys, bundle.tracking(day_of(now_ms)))
    with database.transaction() as connection:
        note(connection, reading)
        found = carrying(connection, digests)
        return found, requests(connection, [one.report_id for one in found])


def _as_json(one: Carrying) -> str:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return msgspec.json.encode(msgspec.to_builtins(one) | {"as_of": at}).decode()
