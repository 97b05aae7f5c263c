"""`tocsin policy key|promote|sign`: rules change when two people say so, at an instant ahead."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from tocsin.cli.policing.homes import HOME, Kept, instant_ms, kept, now_ms
from tocsin.cli.policing.reading import told
from tocsin.policy.bundle import Bundle, load
from tocsin.policy.changes import changes
from tocsin.policy.policies import topics_of
from tocsin.policy.store.promoting import Pen, Promoting
from tocsin.policy.store.promotions import Promotion
from tocsin.policy.store.trust import new_key
from tocsin.runtime.privacy import require_private


def _pen(command: Callable[..., Any]) -> Callable[..., Any]:
    """The two options of everybody who signs."""
    signer = click.option("--signer", required=True, help="Your name in the deployment's trust file.")
    path, text = click.Path(path_type=Path), "Your own private key (PEM)."
    return signer(click.option("--key", type=path, required=True, callback=_private, help=text)(command))


def _private(_context: click.Context, _option: click.Parameter, key: Path) -> Path:
    """A key that others can read may have signed for them."""
    require_private(key)
    return key


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def key(file: Path) -> None:
    """Make your signing key in FILE, which nobody else reads, and print the half that others may know.

    Whoever runs the deployment writes that line into config/policy-trust.toml, under [signer.your-name].
    """
    click.echo(f'public_key = "{new_key(file)}"')


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--at", "instant", required=True, help="When it takes effect: 2026-12-01T00:00:00Z, or +2h from now.")
@click.option("--reason", required=True, help="Why; both sign it, and the audit log keeps it.")
@click.option("--dry-run", is_flag=True, help="Say what it would change, and propose nothing.")
@_pen
@HOME
def promote(folder: Path, instant: str, reason: str, dry_run: bool, signer: str, key: Path, home: Path) -> None:  # noqa: PLR0913, PLR0917  # one parameter a documented option
    """Check the bundle in FOLDER, show what it changes, and propose that it takes effect at an instant.

    Nothing changes until a second person signs: tocsin policy sign. From its instant on every record that the broker
    takes is decided by it; a replay of an older one is decided by the bundle of its own time. The first worker that
    sees it signed by both puts it into the audit log, with both names and the reason.
    """
    found, at_ms = kept(home), now_ms()
    promoting = Promoting(store=found.store, trust=found.trust, now_ms=at_ms)
    takes_effect_ms = _instant_ms(instant, at_ms)
    if dry_run:
        bundle = load(folder)
        _tell_changes(found, promoting.weigh(bundle, takes_effect_ms, reason), bundle)
        click.echo(f"Nothing was proposed: --dry-run. It would take effect at {_at(takes_effect_ms)}.")
        return
    _tell(found, promoting.propose(folder, takes_effect_ms, Pen(signer=signer, key=key), reason))


@click.command()
@click.argument("digest")
@_pen
@HOME
def sign(digest: str, signer: str, key: Path, home: Path) -> None:
    """Sign the proposal of the bundle DIGEST (its beginning is enough), as the second person.

    Look first at what it changes: tocsin policy diff DIGEST, tocsin policy shadow.
    """
    found = kept(home)
    promoting = Promoting(store=found.store, trust=found.trust, now_ms=now_ms())
    _tell(found, promoting.sign(digest, Pen(signer=signer, key=key)))


def _tell(found: Kept, promotion: Promotion) -> None:
    after = found.store.bundle(promotion.digest)
    before = _tell_changes(found, promotion, after)
    at, names = _at(promotion.takes_effect_ms), promotion.names()
    if not promotion.is_in_order(found.trust):
        click.echo(f"Proposed for {at}, signed by {names}. Next: tocsin policy sign {promotion.digest[:16]}")
        return
    click.echo(f"Promoted: bundle {promotion.digest[:16]} takes effect at {at}, signed by {names}.")
    if set(topics_of([before])) != set(topics_of([before, after])):
        click.echo(
            "It has other members. Before its instant: tocsin acl apply; triage and returns then read their topics "
            "within seconds. tocsin doctor names each worker that does not yet."
        )


def _tell_changes(found: Kept, promotion: Promotion, after: Bundle) -> Bundle:
    before = found.store.bundle(promotion.after.rpartition("-")[2])
    for line in told(changes(before, after)):
        click.echo(line)
    if promotion.reason:
        click.echo(f"Reason: {promotion.reason}")
    return before


def _at(takes_effect_ms: int) -> str:
    return datetime.fromtimestamp(takes_effect_ms / 1000, UTC).isoformat(timespec="seconds")


def _instant_ms(text: str, at_ms: int) -> int:
    """An instant with its offset, or a span from now; a time without one would be guessed."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if text.startswith("+") and text[1:-1].isdigit() and text[-1] in units:
        return at_ms + int(timedelta(**{units[text[-1]]: int(text[1:-1])}).total_seconds() * 1000)
    return instant_ms(text)
