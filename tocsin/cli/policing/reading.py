"""`tocsin policy list|show|diff`: what takes effect when, what a bundle says, what another one changes."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from schemas.catalogue import message
from schemas.failures import Refused
from tocsin.cli.policing.homes import HOME, bundle_named, kept, now_ms
from tocsin.policy.changes import Change, changes, parts
from tocsin.policy.store.promotions import Promotion, digest_at

DIFFERS = 3


@click.command(name="list")
@HOME
def listed(home: Path) -> None:
    """Show what takes effect when, who signed it, and what waits for a second signature."""
    found, at_ms = kept(home), now_ms()
    chain = found.store.chain(found.trust)
    table = Table("takes effect", "digest", "signed by", "state")
    for one in chain:
        table.add_row(_instant(one), one.digest[:16], _signers(one) or "the deployment", _state(one, chain, at_ms))
    for one in found.store.proposals():
        table.add_row(_instant(one), one.digest[:16], _signers(one), "needs a second name")
    Console().print(table)


@click.command()
@click.argument("bundle", default="")
@click.option("--part", default="", help="One part, such as members or agreements.")
@click.option("--json", "as_json", is_flag=True, help="As one object.")
@HOME
def show(bundle: str, part: str, as_json: bool, home: Path) -> None:
    """Print what BUNDLE says: a folder or a digest; the one in force by default."""
    found = bundle_named(bundle, home)
    told = parts(found)
    if part and part not in told:
        raise Refused(message("promotion.no_part", part=part, parts=", ".join(told)), code="promotion.no_part")
    chosen = {name: told[name] for name in ([part] if part else told)}
    if as_json:
        click.echo(msgspec.json.encode({"digest": found.digest, "parts": chosen}).decode())
        return
    click.echo(f"digest {found.digest}")
    for name, entries in chosen.items():
        click.echo(f"\n{name} ({len(entries)})")
        for entry, fields in entries.items():
            click.echo(f"  {entry}")
            for field, value in fields.items():
                click.echo(f"    {field}: {value}")


@click.command()
@click.argument("before")
@click.argument("after", default="")
@click.option("--json", "as_json", is_flag=True, help="One change a line.")
@HOME
def diff(before: str, after: str, as_json: bool, home: Path) -> None:
    """Say in words what AFTER changes against BEFORE; each is a folder or a digest.

    With one bundle, that is compared with the one in force. Ends with 3 where something differs.
    """
    older, newer = (before, after) if after else ("", before)
    found = changes(bundle_named(older, home), bundle_named(newer, home))
    for line in _as_json(found) if as_json else told(found):
        click.echo(line)
    sys.exit(DIFFERS if found else 0)


def told(found: Sequence[Change]) -> Iterator[str]:
    """A sentence a change, and how many there are."""
    yield from (change.sentence() for change in found)
    counts = Counter(change.part for change in found)
    yield f"Changes: {', '.join(f'{count} {part}' for part, count in counts.items()) or 'none'}."


def _as_json(found: Sequence[Change]) -> Iterator[str]:
    return (msgspec.json.encode(change).decode() for change in found)


def _state(one: Promotion, chain: Sequence[Promotion], at_ms: int) -> str:
    if one.takes_effect_ms > at_ms:
        return "promoted"
    latest = [each for each in chain if each.takes_effect_ms <= at_ms][-1]
    return "in force" if one is latest and one.digest == digest_at(chain, at_ms) else "past"


def _instant(one: Promotion) -> str:
    if not one.takes_effect_ms:
        return "from the first"
    return datetime.fromtimestamp(one.takes_effect_ms / 1000, UTC).isoformat(timespec="seconds")


def _signers(one: Promotion) -> str:
    return ", ".join(signature.signer for signature in one.signatures)
