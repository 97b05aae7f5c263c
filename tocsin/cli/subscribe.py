"""`tocsin subscribe`: look at a member's referrals without taking delivery."""

import time
from datetime import datetime
from pathlib import Path

import click
import msgspec

from consumers.formats.notice_json import notice_object
from consumers.formats.referral_csv import defanged, differing
from consumers.formats.referral_json import iso_utc, referral_object
from consumers.provenance import Finding
from schemas.catalogue import message
from schemas.records.answers import Status
from schemas.records.referral import Referral
from tocsin.cli.auditing.person import BY, PURPOSE
from tocsin.subscriber import Subscriber


class Moment(click.ParamType):
    """An ISO 8601 time with its offset, as UTC milliseconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Refuse a time without offset: whose noon would it be?"""
        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            moment = None
        if moment is None or moment.utcoffset() is None:
            self.fail("a time is ISO 8601 with its offset, such as 2026-01-31T12:00:00+01:00", param, ctx)
        return int(moment.timestamp() * 1000)


@click.command()
@click.argument("member")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--from", "since_ms", type=Moment(), help="Begin here; by default with the oldest.")
@click.option("--until", "until_ms", type=Moment(), help="End here; by default with what is there now.")
@click.option("--follow", is_flag=True, help="Wait for what comes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, complete.")
@click.option("--notices", is_flag=True, help="What was told of referrals later, instead of the referrals.")
@BY
@PURPOSE
def command(  # noqa: PLR0913, PLR0917 -- one parameter a documented option
    member: str,
    home: Path,
    since_ms: int | None,
    until_ms: int | None,
    follow: bool,
    as_json: bool,
    notices: bool,
    by: str,
    purpose: str,
) -> None:
    """Read MEMBER's referrals: nothing is committed, answered, or counted as delivered.

    Each is held against its submitter's signature, and what names persons in it against one of its own; more of that
    says `tocsin verify`. What was recalled is not shown
    any more: only the recall, and how many were left out. How many notices there are
    is said as well. With --notices: of which of them a linked report was taken back
    or disputed since.

    Who looks and why is said to the exchange first, signed by the member, and stands in its audit log: where that
    cannot be said, nothing is shown.
    """
    if until_ms is None and not follow:
        until_ms = time.time_ns() // 1_000_000
    if not (as_json or notices):
        click.echo(message("tiers.advise"), err=True)
    with Subscriber(home / "config" / f"{member}.toml") as subscriber:
        subscriber.note(by, purpose, what="notices" if notices else "referrals", span=(since_ms, until_ms))
        if notices:
            for status in subscriber.notices(since_ms=since_ms, until_ms=until_ms):
                click.echo(msgspec.json.encode(notice_object(status)).decode() if as_json else _told(status))
            return
        _say_how_many(subscriber, since_ms, until_ms)
        for referral in subscriber.read(since_ms=since_ms, until_ms=until_ms):
            click.echo(_as_json(referral) if as_json else _as_line(referral, subscriber.provenance(referral)))
        if subscriber.refused:
            click.echo(message("subscribe.recalled", count=subscriber.refused), err=True)


def _say_how_many(subscriber: Subscriber, since_ms: int | None, until_ms: int | None) -> None:
    """Whoever looks at referrals only learns that something was told of them later."""
    until_ms = time.time_ns() // 1_000_000 if until_ms is None else until_ms
    if count := sum(1 for _ in subscriber.notices(since_ms=since_ms, until_ms=until_ms)):
        click.echo(message("subscribe.notices", count=count), err=True)


def _told(status: Status) -> str:
    mark = "" if status.mark == "LIVE" else f" ({status.mark.lower()})"
    return f"{iso_utc(status.at.epoch_ms)}  {status.referral_id}  {message(status.code)} [{status.code}]{mark}"


def _as_json(referral: Referral) -> str:
    return msgspec.json.encode(referral_object(referral)).decode()


def _as_line(referral: Referral, found: Finding) -> str:
    """What a person needs to recognise it; an address on a screen cannot be followed."""
    address = referral.source_url.url if referral.source_url else (referral.items[0].url if referral.items else "")
    mark = "" if referral.mark == "LIVE" else f" ({referral.mark.lower()})"
    words = (
        iso_utc(referral.triaged_as_of.epoch_ms),
        referral.priority.tier.lower(),
        referral.referral_id,
        f"{len(referral.items)} items",
        ", ".join(referral.incident_types),
        _printable(defanged(address)),
        differing(referral),
        _origin("origin", found),
        *(_origin("personal part", each) for each in found.personal),
    )
    return "  ".join(word for word in words if word) + (" withdrawn" if referral.withdrawn else "") + mark


def _origin(what: str, found: Finding) -> str:
    return f"{what} {found.provenance}" + (f": {', '.join(found.altered)}" if found.altered else "")


def _printable(text: str) -> str:
    """No control character of an address reaches the terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
