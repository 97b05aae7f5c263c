"""`tocsin keys`: the keys that prove who said something and who may read it."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.table import Table

from schemas.catalogue import message
from schemas.failures import Broken, Refused
from schemas.records.identifiers import KeyId, MemberId
from schemas.topics import OPS, PROCESSES
from tocsin.cli.auditing.acting import in_the_log
from tocsin.cli.auditing.admitting import Making, admission, made_known
from tocsin.cli.auditing.person import BY
from tocsin.cli.auditing.twopeople import TWO, desk_of
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.changing import DAY_MS
from tocsin.runtime.keys.directory import Directory, PublicKey, RevocationReason
from tocsin.runtime.keys.ending import ending, expiring
from tocsin.runtime.keys.files import KeyFolder, PrivateKey, Use, new_key
from tocsin.runtime.keys.notes import NoteKey
from tocsin.runtime.keys.publishing import DirectoryFile, Keeper
from tocsin.runtime.keys.requests import Request
from tocsin.runtime.settings import Settings, TrustSettings, load
from tocsin.stack import keys as first

_ADMIT: Final = "keys admit"
_REVOKE: Final = "keys revoke"
_DESTROY: Final = "keys destroy"
_OUTLIVED: Final = "it ended more than 30 days ago"
_HOME = click.option(
    "--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True
)
_AS = click.option("--as", "principal", required=True, help="The member or process whose key it is.")
_WHY = click.option("--reason", default="", help="Why; the audit log keeps it.")
_USE = click.option("--use", type=click.Choice([use.value for use in Use]), default=Use.SIGN.value, show_default=True)


@click.group(name="keys")
def command() -> None:
    """Make, list, rotate and revoke the keys that sign reports and answers, and that personal parts are sealed to.

    Private keys stay in the member's own folder. Public ones are in a directory that its keeper (the operator) signs;
    everybody verifies it with the keeper's key, which is handed over once, in person or by telephone.
    """


@command.command()
@_HOME
@click.option("--as", "others", multiple=True, help="Whose keys to make as well, such as canary; may be repeated.")
def begin(home: Path, others: tuple[str, ...]) -> None:
    """Make the first keys of an exchange, on its keeper's own machine: once, where `tocsin up` does not.

    <home>/keys then has the keeper's key and the directory that it signed (keeper/directory.note), and for each of
    triage, returns and ops a key to sign and one to be sealed to: folders 0700, private keys 0600. Hand each process
    its own folder's files, and everybody the directory and the line that is printed. Members make their own keys:
    `new --request` there, `admit` here. Refused where the home has keys. `new`, `rotate` and `list` go on in the same
    home, without settings; `admit` and `revoke` need those of ops and its database, since the audit log keeps them.

    \b
    tocsin keys begin --home exchange --as canary
    cp exchange/keys/triage/*.pem secrets/triage/
    cp exchange/keys/keeper/directory.note settings/
    """
    verified_with = first.begin(home, (*PROCESSES, *map(MemberId, others)), _now_ms())
    click.echo(str(verified_with))
    folder = home / "keys"
    click.echo(
        f"Next: write that line as `keeper` into each [trust], hand out {folder / 'keeper' / 'directory.note'}, give "
        f"each process the keys in {folder}/<its name>, and back {folder} up where nobody else reads it.",
        err=True,
    )


@command.command(name="list")
@_HOME
@click.option("--of", "principal", default="", help="Only of this member or process.")
def list_(home: Path, principal: str) -> None:
    """Show whose keys are good, and until when."""
    directory, now_ms = _directory(_trust_at(home, OPS)), _now_ms()
    table = Table("member", "use", "key", "standing", "until")
    for key in directory.keys:
        if principal in ("", key.principal):
            table.add_row(key.principal, key.use, key.key_id, _standing(key, now_ms), _day(key.valid_until_ms))
    Console().print(table)
    for key in expiring(directory, now_ms):
        if principal in ("", key.principal):
            click.echo(_ending(key, now_ms), err=True)


@command.command()
@_HOME
def keeper(home: Path) -> None:
    """Print the key that the directory is verified with."""
    click.echo(_trust_at(home, OPS).keeper)


@command.command()
@_HOME
@_AS
@_USE
@click.option("--request", type=click.Path(path_type=Path), help="Write a request for the keeper instead.")
@_WHY
@BY
def new(home: Path, principal: str, use: str, request: Path | None, reason: str, by: str) -> None:  # noqa: PLR0913, PLR0917  # one parameter a documented option
    """Make a second key for a member and have it admitted; the first stays good until its end.

    Without --request it is made where the directory is kept; the audit log has who did it, where the settings of ops
    name a database. Where the trust file names two people, only processes of the exchange get a key so: a member's
    comes in by a request of its own, and `admit`.
    """
    making = Making(command="keys new", by=by, reason=reason, change=changing.admitted)
    _make(home, (MemberId(principal), Use(use)), request, making)


@command.command()
@_HOME
@_AS
@_USE
@click.option("--request", type=click.Path(path_type=Path), help="Write a request for the keeper instead.")
@_WHY
@BY
def rotate(home: Path, principal: str, use: str, request: Path | None, reason: str, by: str) -> None:  # noqa: PLR0913, PLR0917  # one parameter a documented option
    """Make a new key and let the old one end in 30 days; workers and publishers use the new one at once.

    What is logged, and what is refused where two people are named, is as with `new`.
    """
    making = Making(command="keys rotate", by=by, reason=reason, change=changing.replaced)
    _make(home, (MemberId(principal), Use(use)), request, making)


@command.command()
@_HOME
@click.argument("note", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@_WHY
@click.option("--dry-run", is_flag=True, help="Say whose key would be admitted and who vouches for it; do nothing.")
@BY
@TWO
def admit(home: Path, note: Path | None, reason: str, dry_run: bool, by: str, **two: Any) -> None:
    """Admit a key that a member asks for, in place of the one before; the audit log keeps who did it and why.

    Whoever has that key is believed as the member from then on, and personal parts are sealed to it: two people of the
    deployment's trust file sign. The first asks with NOTE, --reason and --petition FILE, the second gives that FILE
    alone, within a week. A member's first key vouches for itself: compare it by telephone, each of you.
    """
    settings, keeper_of = load(home / "config" / "ops.toml"), Keeper(home / "keys" / "keeper")
    text = note.read_text("utf-8") if note else ""
    if dry_run:
        click.echo(admission(keeper_of.directory(), text, _now_ms()).would)
        return
    desk = desk_of(settings, _ADMIT, **two)
    if desk.asks(names=bool(text)):
        click.echo(admission(keeper_of.directory(), text, _now_ms()).would)
        desk.ask([text], reason)
        return
    if desk.pen:
        (text,), by, reason = desk.granted()
    if not reason:
        raise click.UsageError("Say NOTE and --reason.")
    found = admission(keeper_of.directory(), text, _now_ms())
    act = Act(
        person=by, reason=reason, command=_ADMIT, what=f"admitted the key {found.name}", member=found.key.principal
    )
    with in_the_log(settings, act):
        keeper_of.change(found.change)
    click.echo(f"The key {found.name} was admitted. Next: hand the directory to every member.")


@command.command()
@_HOME
@click.argument("key_id", default="")
@click.option("--reason", default="", type=click.Choice(["", *(reason.value for reason in RevocationReason)]))
@click.option("--dry-run", is_flag=True, help="Say what would happen, and do nothing.")
@BY
@TWO
def revoke(home: Path, key_id: str, reason: str, dry_run: bool, by: str, **two: Any) -> None:
    """Let a key be believed no more; nothing takes this back, and the audit log keeps who did it and why.

    A compromised key is not believed for anything that it ever signed; for every other reason what it signed before
    stays good. Two people of the deployment's trust file sign: the first asks with KEY_ID, --reason and --petition
    FILE, the second gives that FILE. If the second one cannot be reached at once, one person alone can stop the
    member until then: tocsin member suspend.
    """
    settings, keeper_of = load(home / "config" / "ops.toml"), Keeper(home / "keys" / "keeper")
    if dry_run:
        _, owner = _revocation(keeper_of, key_id, reason)
        click.echo(f"{key_id} of {owner} would be revoked ({reason}).")
        return
    desk = desk_of(settings, _REVOKE, **two)
    if desk.asks(names=bool(key_id)):
        _revocation(keeper_of, key_id, reason)
        desk.ask([key_id], reason)
        return
    if desk.pen:
        (key_id,), by, reason = desk.granted()
    change, owner = _revocation(keeper_of, key_id, reason)
    what = f"revoked the key {key_id} of {owner}"
    with in_the_log(settings, Act(person=by, reason=reason, command=_REVOKE, what=what, member=owner)):
        keeper_of.change(change)
    click.echo(f"{key_id} of {owner} was revoked ({reason}). Next: hand the directory to every member.")


@command.command()
@_HOME
@_AS
@click.argument("key_id", default="")
@click.option("--at-once", is_flag=True, help="KEY_ID, although records that are sealed to it may still be on topics.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and do nothing.")
@click.option("--reason", default="", help="Why at once; it is kept in the audit log.")
@BY
def destroy(  # noqa: PLR0913, PLR0917  # one parameter a documented option
    home: Path, principal: str, key_id: str, at_once: bool, dry_run: bool, reason: str, by: str
) -> None:
    """Delete the private sealing keys that ended more than 30 days ago: nothing on a topic is sealed to them any more.

    Whatever ciphertext remains somewhere, as in a copy of a broker's disk, opens for nobody from then on. Run it every
    month, and restart triage, which keeps keys in memory that it used. With KEY_ID and --at-once one key that has
    ended or is revoked goes now; records that are sealed to it and not triaged yet are lost to triage.
    """
    if at_once and not (key_id and (reason or dry_run)):
        raise click.UsageError("Say KEY_ID and --reason with --at-once.")
    settings, now_ms, owner = load(home / "config" / f"{principal}.toml"), _now_ms(), MemberId(principal)
    own, directory = KeyFolder(_trust(settings).keys), _directory(_trust(settings))
    going = [_ended(directory, owner, key_id, now_ms)] if at_once else changing.outlived(directory, owner, now_ms)
    here = [key for key in going if key.key_id in own.names(Use.SEAL)]
    for key in here:
        if not dry_run:
            what = f"destroyed the sealing key {key.key_id} of {owner}"
            act = Act(person=by, reason=reason or _OUTLIVED, command=_DESTROY, what=what, member=owner)
            with in_the_log(settings, act) if settings.database else nullcontext():
                own.delete(Use.SEAL, key.key_id)
        word = "would be destroyed" if dry_run else "is destroyed"
        click.echo(f"{key.key_id} of {owner} {word}; it ended {_day(changing.ended_ms(key))}.")
    if not here:
        click.echo(f"{owner} has no sealing key that can go.")


def _ended(directory: Directory, principal: MemberId, key_id: str, now_ms: int) -> PublicKey:
    """The key of that name; raises Refused where it is still in use, or nobody's here."""
    key = directory.find(KeyId(key_id), principal, Use.SEAL)
    if key is None or changing.ended_ms(key) > now_ms:
        raise Refused(message("keys.in_use"), code="keys.in_use")
    return key


def _revocation(keeper_of: Keeper, key_id: str, reason: str) -> tuple[Callable[[Directory], Directory], MemberId]:
    """What it changes, and whose key it is; raises Refused where nothing can be revoked."""
    if not (key_id and reason):
        raise click.UsageError("Say KEY_ID and --reason.")
    change = partial(changing.revoked, key_id=KeyId(key_id), reason=RevocationReason(reason), now_ms=_now_ms())
    return change, change(keeper_of.directory()).by_id[KeyId(key_id)].principal


def _make(home: Path, whose: tuple[MemberId, Use], request: Path | None, making: Making) -> None:
    (principal, use), now_ms = whose, _now_ms()
    trust = _trust_at(home, principal)
    own = KeyFolder(trust.keys)
    key = new_key(use)
    public = key.public_key().public_bytes_raw()
    if request:
        wish = Request(principal=principal, use=use, public=public)
        live = _directory(trust).live(principal, Use.SIGN, now_ms)
        request.write_text(wish.signed(_vouching(own, live, key)), encoding="utf-8")
    else:
        with made_known(home / "config" / "ops.toml", principal, use, making):
            Keeper(home / "keys" / "keeper").change(lambda known: making.change(known, principal, use, public, now_ms))
    name = own.add(use, key)
    told = f"Next: send {request.name} to the keeper." if request else "It is in the directory."
    click.echo(f"{principal} has the new key {name} to {use}. {told}")


def _vouching(own: KeyFolder, live: Sequence[PublicKey], key: PrivateKey) -> Ed25519PrivateKey:
    """The live key, or where there is none yet the new one itself."""
    if live:
        return own.signing(live[-1].key_id)
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise Refused(
        "A sealing key is asked for with a live signing key, found none. First: tocsin keys new --request FILE",
        code="keys.none_live",
    )


def _trust(settings: Settings) -> TrustSettings:
    if settings.trust is None:
        raise Broken("The settings name no keys. Write them anew: tocsin up", code="keys.no_settings")
    return settings.trust


def _trust_at(home: Path, principal: str) -> TrustSettings:
    """As the settings of the home say; its keeper may have none, and then as `begin` left it."""
    settings, keeper_of = home / "config" / f"{principal}.toml", Keeper(home / "keys" / "keeper")
    own = home / "keys" / principal
    if settings.exists() or not (keeper_of.file.exists() and own.is_dir()):
        return _trust(load(settings))
    return TrustSettings(keys=own, directory=keeper_of.file, keeper=str(keeper_of.key))


def _directory(trust: TrustSettings) -> Directory:
    return DirectoryFile(trust.directory, NoteKey.parse(trust.keeper)).current()


def _standing(key: PublicKey, now_ms: int) -> str:
    left = -((now_ms - key.valid_until_ms) // DAY_MS)
    standing = key.standing(now_ms)
    return f"{standing}, {left} days left" if standing == "live" else f"{standing} {key.reason or ''}".strip()


def _ending(key: PublicKey, now_ms: int) -> str:
    return (
        f"The last key of {key.principal} to {key.use} {ending(key, now_ms)}, and nothing takes its place yet. "
        f"Exchange it: tocsin keys rotate --as {key.principal} --use {key.use}"
    )


def _day(epoch_ms: int) -> str:
    return f"{datetime.fromtimestamp(epoch_ms / 1000, UTC):%Y-%m-%d}"


def _now_ms() -> int:
    return int(time.time() * 1000)
