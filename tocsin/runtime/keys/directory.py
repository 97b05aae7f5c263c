"""The directory of public keys: who may sign and be sealed to, from when to when; a text that its keeper signs."""

import base64
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from itertools import chain
from typing import Final, Self

from msgspec import Struct

from schemas.failures import Unreadable
from schemas.records.identifiers import KeyId, MemberId
from tocsin.runtime.keys.files import Use, key_id_of

KEEPER: Final = "tocsin-key-directory"
TITLE: Final = "tocsin key directory v1"
MOST_LIVE_KEYS: Final = 2
"""The one in use, and the one that takes its place."""
_COLUMNS: Final = 8
_NONE: Final = "-"
_PUBLIC_BYTES: Final = 32


class Standing(StrEnum):
    """What a key is worth at an instant."""

    LIVE = "live"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class RevocationReason(StrEnum):
    """Why a key is not to be believed any more."""

    COMPROMISED = "compromised"
    """Somebody else may have it: nothing that it signed is believed, whenever that was."""
    SUPERSEDED = "superseded"
    """Another took its place: what it signed before stays good."""
    LEFT = "left"
    """Its member left: what it signed before stays good."""
    LOST = "lost"
    """Nobody has it any more: what it signed before stays good."""


class PublicKey(Struct, frozen=True, kw_only=True):
    """One line of the directory."""

    principal: MemberId
    use: Use
    public: bytes
    valid_from_ms: int
    valid_until_ms: int
    revoked_ms: int | None = None
    reason: RevocationReason | None = None

    @property
    def key_id(self) -> KeyId:
        """Its name."""
        return key_id_of(self.use, self.public)

    def standing(self, at_ms: int) -> Standing:
        """What it is worth at an instant; a compromised key was never good."""
        if self.revoked_ms is not None and (self.reason is RevocationReason.COMPROMISED or at_ms >= self.revoked_ms):
            return Standing.REVOKED
        if at_ms < self.valid_from_ms:
            return Standing.NOT_YET
        return Standing.LIVE if at_ms < self.valid_until_ms else Standing.EXPIRED


class Directory(Struct, frozen=True, kw_only=True, dict=True):
    """All keys of all principals, as of one number; a higher number replaces a lower one and never the other way."""

    number: int = 0
    keys: tuple[PublicKey, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[KeyId, PublicKey]:
        """Each key by its name."""
        return {key.key_id: key for key in self.keys}

    def find(self, key_id: KeyId, principal: MemberId, use: Use) -> PublicKey | None:
        """The key of that name, where it is this principal's and for this use."""
        key = self.by_id.get(key_id)
        return key if key and (key.principal, key.use) == (principal, use) else None

    def standing(self, key_id: KeyId, principal: MemberId, use: Use, at_ms: int) -> Standing:
        """What the key of that name is worth when this principal uses it so at an instant."""
        key = self.find(key_id, principal, use)
        return key.standing(at_ms) if key else Standing.UNKNOWN

    def live(self, principal: MemberId, use: Use, at_ms: int) -> tuple[PublicKey, ...]:
        """The keys that are good at an instant, the one that was valid first at the front."""
        return tuple(key for key in self.of(principal, use) if key.standing(at_ms) is Standing.LIVE)

    def of(self, principal: MemberId, use: Use) -> tuple[PublicKey, ...]:
        """All keys of a principal for a use whatever they are worth, the one that was valid first at the front."""
        own = (key for key in self.keys if (key.principal, key.use) == (principal, use))
        return tuple(sorted(own, key=lambda key: (key.valid_from_ms, key.key_id)))

    def last(self, principal: MemberId, use: Use) -> PublicKey | None:
        """The one of them that ends last, or did; None where each is revoked, for whatever reason, or there is none."""
        kept = (key for key in self.of(principal, use) if key.revoked_ms is None)
        return max(kept, key=lambda key: (key.valid_until_ms, key.key_id), default=None)

    def next_change_ms(self, principal: MemberId, use: Use, after_ms: int) -> int | None:
        """When one of these keys begins, ends or is revoked next; None where nothing is to come."""
        own = self.of(principal, use)
        times = chain.from_iterable((key.valid_from_ms, key.valid_until_ms, key.revoked_ms or 0) for key in own)
        return min((at for at in times if at > after_ms), default=None)

    def text(self) -> str:
        """The canonical text, which is what is signed."""
        keys = sorted(self.keys, key=lambda key: (key.principal, key.use, key.valid_from_ms, key.key_id))
        return "".join(f"{line}\n" for line in chain((TITLE, str(self.number)), map(_line, keys)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read that text; raises Unreadable where a line is not what it should be."""
        title, number, *lines = [*text.splitlines(), "", ""]
        if title != TITLE or not number.isdecimal():
            raise Unreadable(
                f"A key directory begins with '{TITLE}' and its number, found another beginning. Get it anew.",
                code="keys.directory",
            )
        directory = cls(number=int(number), keys=tuple(map(_key, filter(None, lines))))
        if len(directory.by_id) != len(directory.keys):
            raise Unreadable("A key directory has each key once, found one twice. Get it anew.", code="keys.directory")
        return directory


def _line(key: PublicKey) -> str:
    return " ".join(
        (
            key.principal,
            key.use,
            key.key_id,
            base64.b64encode(key.public).decode(),
            str(key.valid_from_ms),
            str(key.valid_until_ms),
            _NONE if key.revoked_ms is None else str(key.revoked_ms),
            key.reason or _NONE,
        )
    )


def _key(line: str) -> PublicKey:
    columns = line.split(" ")
    if len(columns) != _COLUMNS:
        raise Unreadable(
            f"A line of a key directory has {_COLUMNS} parts, found {len(columns)}. Get it anew.", code="keys.directory"
        )
    principal, use, key_id, public, valid_from, valid_until, revoked, reason = columns
    try:
        key = PublicKey(
            principal=MemberId(principal),
            use=Use(use),
            public=base64.b64decode(public, validate=True),
            valid_from_ms=int(valid_from),
            valid_until_ms=int(valid_until),
            revoked_ms=None if revoked == _NONE else int(revoked),
            reason=None if reason == _NONE else RevocationReason(reason),
        )
    except ValueError as error:
        raise Unreadable("A line of a key directory cannot be read. Get it anew.", code="keys.directory") from error
    if key.key_id != key_id or len(key.public) != _PUBLIC_BYTES:
        raise Unreadable(
            "The name of a key follows from the key, and one in the directory does not. Do not use it.",
            code="keys.directory",
        )
    return key
