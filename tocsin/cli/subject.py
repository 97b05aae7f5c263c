"""`tocsin subject`: whether something is held, and who has it."""

import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from processors.keyring import digest_keys, keyring
from processors.steps.deduplicate.selectors import digests_of
from schemas.catalogue import message
from schemas.failures import Refused
from tocsin.cli.auditing.person import BY, PURPOSE, note
from tocsin.policy.members import day_of
from tocsin.policy.policies import policies
from tocsin.runtime.audit.statements import Reading
from tocsin.runtime.database import database_of
from tocsin.runtime.ledger.subjects import Carrying, Holder, carrying
from tocsin.runtime.settings import load

_HASHES: Final = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_ACCOUNT_PARTS: Final = 3


@click.command()
@click.argument("selector")
@click.option("--json", "as_json", is_flag=True, help="One report a line.")
@BY
@PURPOSE
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(selector: str, as_json: bool, by: str, purpose: str, home: Path) -> None:
    """Say whether SELECTOR is held, in which reports, and who has been given them.

    SELECTOR is an address (https://…), a digest in hexadecimal (MD5, SHA-1, SHA-256 or SHA-512), `incident:SYSTEM:ID`,
    or `account:PLATFORM:KIND:VALUE`; with `-` it is read from standard input and stays out of the shell's history. It
    is looked up by its keyed digest, and is neither shown nor kept; that you looked, and why, is.

    Only exact selectors are found, and of one that many report the first reports of each member; the page on which
    items were found is none beside its items. To correct: the report's submitter, by `tocsin correct` or `tocsin
    withdraw`, which reaches everybody who has it.
    """
    kind, value = parsed(click.get_text_stream("stdin").read().strip() if selector == "-" else selector)
    found = _found(
        home, kind, value, Reading(person=by, purpose=purpose, command="subject", what=f"who has one {kind}")
    )
    for line in map(_as_json, found) if as_json else told(found):
        click.echo(line)


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


def told(found: Sequence[Carrying]) -> Iterator[str]:
    """Each report and under it who has it, in words."""
    if not found:
        yield "Not held: no report that this exchange still recognises carries it."
        return
    yield f"Held in {len(found)} reports."
    for one in found:
        yield f"{one.report_id} of {one.submitter}, revision {one.revision}{': withdrawn' if one.withdrawn else ''}"
        yield from map(_holder, one.holders)
        if not one.holders:
            yield "  nobody was given it"


def _holder(one: Holder) -> str:
    word = "was told to give it up" if one.recalled else "has it"
    return f"  {one.member} {word}: {one.state.replace('_', ' ')} since {one.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _found(home: Path, kind: str, value: str, reading: Reading) -> tuple[Carrying, ...]:
    settings, now_ms = load(home / "config" / "ops.toml"), time.time_ns() // 1_000_000
    state = load(home / "config" / "triage.toml").state
    if not digest_keys(state):
        raise Refused(message("subject.no_keys"), code="subject.no_keys")
    bundle = policies(settings.policy, settings.policy_trust).at(now_ms)
    digests = digests_of(kind, value, keyring(state).keys, bundle.tracking(day_of(now_ms)))
    database = database_of(settings)
    try:
        with database.transaction() as connection:
            note(connection, reading)
            return carrying(connection, digests)
    finally:
        database.close()


def _as_json(one: Carrying) -> str:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return msgspec.json.encode(msgspec.to_builtins(one) | {"as_of": at}).decode()
