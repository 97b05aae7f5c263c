"""Two people for what nothing takes back: the first one's petition is a file, which the second one signs as well."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Refused
from tocsin.policy.store.petitions import Petition, read_petition, write_petition
from tocsin.policy.store.promoting import Pen
from tocsin.policy.store.trust import NEEDED, Trust, read_trust
from tocsin.runtime.privacy import require_private
from tocsin.runtime.settings import Settings


def TWO(command: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802 -- stands among options
    """The options of whoever asks for an act, or grants it."""
    path = click.Path(path_type=Path)
    petition = click.option("--petition", type=path, help="A new file to ask with, or the file to grant.")
    signer = click.option("--signer", default="", help="Your name in the deployment's trust file.")
    key = click.option("--key", type=path, help="Your own private key (PEM).")
    return petition(signer(key(command)))


class Desk(Struct, frozen=True, kw_only=True):
    """Where one person asks and another one grants."""

    act: str
    trust: Trust | None
    alone: bool
    """Whether one name is enough where the trust file does not name two people: on a local stack."""
    pen: Pen | None
    file: Path | None
    now_ms: int

    def asks(self, *, names: bool) -> bool:
        """Whether this is the first person; raises Refused where two have to sign and nobody does."""
        if self.pen is None and _names_two(self.trust):
            raise Refused(message("petition.needed", act=self.act), code="petition.needed")
        if self.pen is None and not self.alone:
            raise Refused(message("petition.no_people", act=self.act), code="petition.no_people")
        return self.pen is not None and names

    def ask(self, subjects: Sequence[str], reason: str) -> None:
        """Write the petition with the first name."""
        pen, trust, file = self._complete()
        if not reason:
            raise click.UsageError("Say --reason.")
        petition = Petition(act=self.act, subjects=tuple(subjects), reason=reason, asked_ms=self.now_ms)
        write_petition(file, pen.signed(petition, trust))
        click.echo(f"Nothing was done: {len(subjects)} are asked for in {file.name}, signed by {pen.signer}.")
        click.echo(f"Next, by another person: tocsin {self.act} --petition {file} --signer NAME --key FILE")

    def granted(self) -> tuple[tuple[str, ...], str, str]:
        """What is done, in whose names, and why; raises Refused where it is not granted."""
        pen, trust, file = self._complete()
        petition = pen.signed(read_petition(file), trust)
        petition.require_granted(self.act, trust, self.now_ms)
        return petition.subjects, petition.names(), petition.reason

    def _complete(self) -> tuple[Pen, Trust, Path]:
        if self.pen is None or self.trust is None or self.file is None:
            raise Refused(message("petition.no_signers"), code="petition.no_signers")
        return self.pen, self.trust, self.file


def desk_of(settings: Settings, act: str, *, petition: Path | None, signer: str, key: Path | None) -> Desk:
    """By the options of a command; they go together."""
    if len({bool(petition), bool(signer), bool(key)}) > 1:
        raise click.UsageError("--petition, --signer and --key go together.")
    if key:
        require_private(key)
    trust = _trust_of(settings)
    pen = Pen(signer=signer, key=key) if key else None
    return Desk(
        act=act,
        trust=trust,
        alone=settings.local_stack,
        pen=pen,
        file=petition,
        now_ms=time.time_ns() // 1_000_000,
    )


def are_two_named(settings: Settings) -> bool:
    """Whether the deployment's trust file names the people who sign for what one alone cannot do."""
    return _names_two(_trust_of(settings))


def _names_two(trust: Trust | None) -> bool:
    return trust is not None and len(trust.signer) >= NEEDED


def _trust_of(settings: Settings) -> Trust | None:
    return read_trust(settings.policy_trust) if settings.policy_trust else None
