"""`tocsin member`: add, check, suspend, renew and see off the parties of the exchange."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from schemas.topics import MemberTopics, acl_table, topics_of
from tocsin.cli.auditing.acting import in_the_log, in_the_log_if_there_is_one
from tocsin.cli.auditing.person import BY
from tocsin.cli.policing.entries import described, entry_of
from tocsin.policy import editing
from tocsin.policy.members import Sector
from tocsin.policy.store.folder import is_store
from tocsin.policy.words import DUPLICATE_TREATMENTS
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.ledger.suspensions import Kind
from tocsin.runtime.settings import Settings, load
from tocsin.stack import going_live, membership
from tocsin.stack.enrolment import Introduction, Packet, enrol, forget_keys, packet_of
from tocsin.stack.going_live import Condition
from tocsin.stack.requests import make_request
from tocsin.stack.round_trip import Trip, travel

NOT_READY = 3
_SOON_DAYS = 30
_JOINS, _RENEWED = "it joins the exchange", "its certificate is renewed before it ends"


def _home(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True
    )(command)


def _draft(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--policy", type=click.Path(path_type=Path, exists=True, file_okay=False), help="The folder you edit rules in."
    )(command)


def _excused(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--reason", required=True, help="Why; it is kept.")(command)
    return click.option("--by", required=True, help="Your name; it is kept.")(command)


@click.group(name="member")
def command() -> None:
    """Add, check, suspend, renew and see off members.

    A new member: it runs `request` and reads the fingerprint out; you run `add`, `tocsin acl apply` and `check`; both
    sign the sheet that `check --sheet` writes.
    """


@command.command(name="list")
@_home
def list_(home: Path) -> None:
    """Show every member: what it does, its dates, how long its certificate lasts, and who is suspended."""
    settings = _ops(home)
    barred = {one.member: one for one in membership.suspensions_now(settings)}
    table = Table("member", "sector", "country", "does", "standing", "certificate", box=None)
    for member in membership.latest(settings).members.values():
        does = " and ".join(word for word, done in (("submits", member.submits), ("receives", member.receives)) if done)
        one = barred.get(member.id)
        until = f"{member.standing} until {member.valid_to}" if member.valid_to else str(member.standing)
        standing = f"[red]{one.kind} by {one.decided_by}: {one.reason}[/]" if one else until
        table.add_row(member.id, member.sector, member.country, does, standing, _days(home, member.id))
    Console(width=None if Console().is_terminal else 200).print(table)


@command.command()
@click.argument("member")
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Where the key stays.")
def request(member: str, folder: Path) -> None:
    """At the member: make a key that stays here, and the request to send to the exchange."""
    made = make_request(folder, MemberId(member))
    click.echo(f"Keep {made.key} to yourself. Send {made.request} to the exchange.")
    click.echo("When they call you on a number that you know, read this out, and only then:")
    click.echo(made.fingerprint)


@command.command()
@click.argument("member")
@click.option("--request", "request_file", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--fingerprint", required=True, help="As the member read it out over another way.")
@click.option("--name", required=True, help="Its full name.")
@click.option("--country", required=True, help="ISO 3166 code.")
@click.option("--jurisdiction", default="", help="Default: the country, in small letters.")
@click.option("--sector", type=click.Choice([one.value for one in Sector]), required=True)
@click.option(
    "--profile",
    type=click.Path(path_type=Path, exists=True),
    help="What it signed off; it then submits, signed and sealed.",
)
@click.option("--receives", is_flag=True, help="It gets referrals.")
@click.option("--not-owner", is_flag=True, help="Another member gets what concerns the country.")
@click.option("--known-content", type=click.Choice(sorted(DUPLICATE_TREATMENTS)), default="deliver", show_default=True)
@described
@BY
@click.option("--reason", default=_JOINS, show_default=True, help="Why; it is kept.")
@_draft
@_home
def add(home: Path, member: str, **said: Any) -> None:
    """At the exchange: sign the request of MEMBER and write it into the policy folder, if the whole bundle then loads.

    Nothing is reachable for the member before `tocsin acl apply`, and nothing is decided by the new rules before they
    are promoted. A home that runs on a plain folder takes that where --policy is not said. The audit log keeps who
    did, where there is one yet.

    \b
    tocsin member add be-hotline --request be-hotline.csr --fingerprint "AB CD ..." --name "Hotline BE" --country BE
      --sector hotline --receives --duty-contact "desk, +32 2 555 01 00" --out-of-band "+32 2 555 01 99"
      --duty-hours "mon-fri 08:00-18:00" --duty-hours "sat 10:00-14:00" --time-zone Europe/Brussels
      --holiday 2026-12-25 --mandate orphan --organisation be-child-rights --last-day 2027-12-31
    """
    settings, name = _ops(home), MemberId(member)
    if name in membership.latest(settings).members:
        raise Refused(message("member.known", member=name), code="member.known")
    folder = _editable(said["policy"], settings)
    introduction = Introduction(member=name, request=said["request_file"], fingerprint=said["fingerprint"])
    what = f"signed the request of {name}, and wrote it into the folder in which rules are edited"
    act = Act(person=said["by"], reason=said["reason"], command="member add", what=what, member=name)
    with in_the_log_if_there_is_one(settings, act):
        packet = enrol(home, introduction, settings)
        try:
            bundle = editing.changed(
                folder, editing.adding(name, entry_of(said, datetime.now(UTC).date()), said["profile"])
            )
        except BaseException:
            forget_keys(home, name)
            raise
    _tell_packet(packet)
    _tell_next(settings, name, folder, bundle.members[name].topics())


def _tell_next(settings: Settings, name: MemberId, folder: Path, topics: MemberTopics) -> None:
    click.echo(f"Topics: {', '.join(topics_of(topics))}")
    for grant in acl_table([topics]):
        if grant.principal == name:
            star = "*" if grant.prefixed else ""
            click.echo(f"+ {name} may {grant.operation} {grant.resource} {grant.name}{star}")
    click.echo(
        f"Next: tocsin policy promote {folder} where the home keeps its bundles, tocsin acl apply, start the workers "
        f"again, tocsin member check {name} --round-trip"
    )
    if settings.trust is not None:
        click.echo(
            f"Its keys: at the member tocsin keys new --as {name} --request {name}.sign.note, and the same with --use "
            f"seal for another note; here tocsin keys admit, each, by two people. tocsin member check {name} names "
            "what is missing."
        )


@command.command()
@click.argument("member")
@click.option("--round-trip", is_flag=True, help="Send a test report through the whole exchange to it.")
@click.option("--from", "submitter", default="", help="Who sends the test report; default: a submitter of this home.")
@click.option("--wait", "wait_seconds", default=60.0, show_default=True, help="Seconds for the round trip.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Write the go-live sheet there, as Markdown.")
@_home
def check(  # noqa: PLR0913, PLR0917  # one parameter a documented option
    home: Path, member: str, round_trip: bool, submitter: str, wait_seconds: float, sheet: Path | None
) -> None:
    """Hold MEMBER against everything that it needs to go live. Ends with 3 where something does not hold."""
    settings, name, now = _ops(home), MemberId(member), datetime.now(UTC)
    bundle = membership.latest(settings)
    membership.require_known(bundle, name)
    if round_trip:
        found = bundle.members[name]
        sender = MemberId(submitter) if submitter else name if found.submits and not found.receives else None
        trip = Trip(
            submitter=sender or _some_submitter(home, settings, name), recipient=name if found.receives else None
        )
        travel(home, settings, bundle, trip, wait_seconds)
    facts, bundle = going_live.facts_of(home, settings, name, now)
    conditions = going_live.conditions(facts, bundle, now.date())
    _show(conditions)
    if sheet:
        sheet.write_text(going_live.sheet(facts, conditions, home / "certificates", now), "utf-8")
        click.echo(f"The sheet is {sheet}.")
    sys.exit(0 if all(one.holds for one in conditions) else NOT_READY)


@command.command()
@click.argument("member")
@_excused
@_home
def suspend(home: Path, member: str, by: str, reason: str) -> None:
    """Stop MEMBER at once, whatever the bundle says: the next record is refused or goes to its stand-in.

    Its access rules are revoked, and what it has open and nobody else has is put into the queue.
    """
    done = membership.bar(_ops(home), MemberId(member), Kind.SUSPENDED, Excuse(by=by, reason=reason))
    click.echo(
        f"{member} is suspended. {done.revoked} access rules revoked, {done.cases.queued} open cases in the queue."
    )
    click.echo("Next: tocsin queue list. To end it: tocsin member resume")


@command.command()
@click.argument("member")
@_excused
@_home
def resume(home: Path, member: str, by: str, reason: str) -> None:
    """End the suspension of MEMBER."""
    granted = membership.unbar(_ops(home), MemberId(member), Excuse(by=by, reason=reason))
    click.echo(f"{member} takes part again. {granted} access rules given back.")


@command.command()
@click.argument("member")
@_draft
@_excused
@_home
def leave(home: Path, member: str, policy: Path | None, by: str, reason: str) -> None:
    """See MEMBER off for good, at once: topics closed to it, keys forgotten, its open cases ended or queued.

    The policy folder gets its last day; promote it when you can, the member is out without. Its topics stay until
    retention has emptied them; then take the member out of the bundle, and `tocsin acl plan` names what to delete.
    """
    settings, name = _ops(home), MemberId(member)
    bundle = membership.latest(settings)
    done = membership.bar(settings, name, Kind.LEFT, Excuse(by=by, reason=reason))
    files = forget_keys(home, name)
    if policy or not is_store(settings.policy):  # last: no rule to correct keeps a member in
        last_day = max(datetime.now(UTC).date(), bundle.members[name].valid_from + timedelta(days=1))
        editing.changed(_editable(policy, settings), editing.ending(name, last_day))
    click.echo(
        f"{member} has left. {done.revoked} access rules revoked, {len(files)} files of keys and certificates deleted, "
        f"{done.cases.ended} open cases ended, {done.cases.queued} of them in the queue."
    )
    click.echo("Next: tocsin queue list")


@command.command()
@click.argument("member")
@click.option("--request", "request_file", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--fingerprint", required=True, help="As the member read it out over another way.")
@BY
@click.option("--reason", default=_RENEWED, show_default=True, help="Why; it is kept.")
@_home
def renew(  # noqa: PLR0913, PLR0917  # one parameter a documented option
    home: Path, member: str, request_file: Path, fingerprint: str, by: str, reason: str
) -> None:
    """Sign a new request of MEMBER. Its old certificate stays valid until its own end, so that it can change over.

    The audit log keeps who did.
    """
    settings, name = _ops(home), MemberId(member)
    membership.require_known(membership.latest(settings), name)
    if any(one.member == name and one.kind is Kind.LEFT for one in membership.suspensions_now(settings)):
        raise Refused(message("member.left", member=name), code="member.left")
    introduction = Introduction(member=name, request=request_file, fingerprint=fingerprint)
    what = f"signed a new request of {name}"
    with in_the_log(settings, Act(person=by, reason=reason, command="member renew", what=what, member=name)):
        packet = enrol(home, introduction, settings)
    _tell_packet(packet)


def _editable(folder: Path | None, settings: Settings) -> Path:
    """A store is nobody's to edit: its bundles are promoted."""
    if folder is None and is_store(settings.policy):
        raise click.UsageError("Say --policy: the folder in which you edit rules before you promote them.")
    return folder or settings.policy


def _ops(home: Path) -> Settings:
    return load(home / "config" / "ops.toml")


def _some_submitter(home: Path, settings: Settings, name: MemberId) -> MemberId:
    members = membership.latest(settings).members.values()
    able = (one.id for one in members if one.submits and not one.canary and one.id != name)
    found = next((one for one in able if (home / f"config/{one}.toml").exists()), None)
    if found is None:
        raise Refused(message("member.cannot_try", by="nobody"), code="member.cannot_try")
    return found


def _tell_packet(packet: Packet) -> None:
    click.echo(f"Hand over {packet.folder}: certificate, authority and settings. Valid until {packet.valid_to.date()}.")


def _days(home: Path, member: MemberId) -> str:
    try:
        days = (packet_of(home, member).valid_to - datetime.now(UTC)).days
    except Refused:
        return "none"
    return f"{days} days" if days > _SOON_DAYS else f"[red]{days} days[/]"


def _show(conditions: Sequence[Condition]) -> None:
    for one in conditions:
        mark = click.style("✓", fg="green") if one.holds else click.style("✗", fg="red")
        click.echo(f"{mark} {one.name}: {one.found}{'' if one.holds else f'. To do: {one.fix}'}")
