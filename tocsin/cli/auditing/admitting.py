"""How a key comes into the directory: by two people who admit it, or made there for a process; the log keeps both."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

import click
from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from schemas.topics import PROCESSES
from tocsin.cli.auditing.acting import in_the_log
from tocsin.cli.auditing.twopeople import are_two_named
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.directory import Directory, PublicKey
from tocsin.runtime.keys.files import Use
from tocsin.runtime.keys.requests import proven
from tocsin.runtime.settings import load

_EXCHANGED: Final = "keys are exchanged before they end"


class Admission(Struct, frozen=True, kw_only=True):
    """What it changes that a member's request is granted."""

    change: Callable[[Directory], Directory]
    key: PublicKey
    has_live: bool
    """Whether a live key of the member vouches for it; else it vouches for itself."""

    @property
    def name(self) -> str:
        """Of the key, for people."""
        return f"{self.key.key_id} of {self.key.principal} to {self.key.use}"

    @property
    def would(self) -> str:
        """What happens, before it does."""
        word = "A live key of the member vouches for it." if self.has_live else message("keys.vouches_for_itself")
        return f"The key {self.name} would be admitted. {word}"


class Making(Struct, frozen=True, kw_only=True):
    """Somebody makes a key where the directory is kept."""

    command: str
    """As it is typed: `keys rotate`."""
    by: str
    reason: str
    change: changing.Change


def admission(directory: Directory, note: str, now_ms: int) -> Admission:
    """Raises Refused where nobody who may has signed the note, or the directory takes no such key."""
    if not note:
        raise click.UsageError("Say NOTE and --reason.")
    wish = proven(note, directory, now_ms)

    def change(before: Directory) -> Directory:
        return changing.replaced(before, wish.principal, wish.use, wish.public, now_ms)

    has_live = bool(directory.live(wish.principal, Use.SIGN, now_ms))
    return Admission(change=change, key=change(directory).keys[-1], has_live=has_live)


def made_known(ops: Path, principal: MemberId, use: Use, making: Making) -> AbstractContextManager[None]:
    """Make it inside: in the log, where the settings of ops name a database.

    Raises Refused for a member's key where two people are named: what one alone makes, one alone could sign with.
    """
    settings = load(ops) if ops.exists() else None
    if settings and principal not in PROCESSES and are_two_named(settings):
        raise Refused(message("keys.by_request", member=principal, use=use), code="keys.by_request")
    if not (settings and settings.database):
        return nullcontext()
    what, reason = f"made a new key of {principal} to {use}", making.reason or _EXCHANGED
    return in_the_log(
        settings, Act(person=making.by, reason=reason, command=making.command, what=what, member=principal)
    )
