"""Checkpoints (C2SP tlog-checkpoint): how many leaves the log had, their root and when, as a signed note."""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, Self

from msgspec import Struct

from schemas.failures import Unreadable
from schemas.records.identifiers import MemberId
from schemas.topics import RETURNS
from tocsin.runtime.audit.tree import HASH_BYTES
from tocsin.runtime.keys.directory import Directory, RevocationReason
from tocsin.runtime.keys.files import Use
from tocsin.runtime.keys.notes import NoteKey, open_note

ORIGIN: Final = "tocsin-audit-log"
SIGNER: Final = MemberId(RETURNS)
"""The process that keeps the tree signs it."""
_LINES: Final = 4


class Checkpoint(Struct, frozen=True, kw_only=True):
    """What the log was at one moment."""

    size: int
    root: bytes
    at_ms: int

    def text(self) -> str:
        """What is signed."""
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        return f"{ORIGIN}\n{self.size}\n{base64.b64encode(self.root).decode()}\nat {at}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read that text; raises Unreadable where it is no checkpoint of this log."""
        lines = text.splitlines()
        try:
            origin, size, root, at = lines
            found = cls(
                size=int(size),
                root=base64.b64decode(root, validate=True),
                at_ms=round(datetime.fromisoformat(at.removeprefix("at ")).timestamp() * 1000),
            )
        except (ValueError, binascii.Error) as error:
            raise _unreadable(len(lines)) from error
        if origin != ORIGIN or len(found.root) != HASH_BYTES or found.text() != text:
            raise _unreadable(len(lines))
        return found


def opened(note: str, keys: Iterable[NoteKey]) -> Checkpoint:
    """The checkpoint that one of these keys signed; raises Unreadable where none did, or it is none."""
    return Checkpoint.parse(open_note(note, keys).text)


def keys_of(directory: Directory) -> tuple[NoteKey, ...]:
    """The keys that sign checkpoints, those that have ended too: what they signed stays signed."""
    return tuple(_keys(directory))


def _keys(directory: Directory) -> Iterator[NoteKey]:
    for key in directory.keys:
        if (key.principal, key.use) == (SIGNER, Use.SIGN) and key.reason is not RevocationReason.COMPROMISED:
            yield NoteKey(name=ORIGIN, public=key.public)


def _unreadable(lines: int) -> Unreadable:
    return Unreadable(
        f"A checkpoint has {_LINES} lines and begins with '{ORIGIN}', found {lines} or others. Get it anew: "
        "tocsin audit checkpoint",
        code="audit.checkpoint",
    )


Sign = Callable[[str, str], str]
"""From a text and a name to a signed note."""
