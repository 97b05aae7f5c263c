"""Checkpoints (C2SP tlog-checkpoint): how many leaves the log had, their root and when, as a signed note."""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, Self

from msgspec import Struct

from schemas.failures import Unreadable
from schemas.records.identifiers import MemberId
from schemas.topics import RETURNS
from tocsin.runtime.audit.epochs import Epoch
from tocsin.runtime.audit.tree import HASH_BYTES
from tocsin.runtime.keys.directory import Directory, RevocationReason
from tocsin.runtime.keys.files import Use
from tocsin.runtime.keys.notes import NoteKey, open_note

ORIGIN: Final = "tocsin-audit-log"
SIGNER: Final = MemberId(RETURNS)
"""The process that keeps the tree signs it."""
_LINES: Final = 4
_EPOCH: Final = re.compile(r"epoch ([1-9][0-9]{0,8}) from (0|[1-9][0-9]{0,17})")


class Checkpoint(Struct, frozen=True, kw_only=True):
    """What the log was at one moment."""

    size: int
    root: bytes
    at_ms: int
    epoch: Epoch | None = None
    """The restore after which it was signed; none before the first."""

    def text(self) -> str:
        """What is signed."""
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        restored = f"epoch {self.epoch.number} from {self.epoch.from_size}\n" if self.epoch else ""
        return f"{ORIGIN}\n{self.size}\n{base64.b64encode(self.root).decode()}\nat {at}\n{restored}"

    def gives_up(self, earlier: "Checkpoint") -> bool:
        """Whether it says, signed, that what the earlier one covers was lost with a restore."""
        since = earlier.epoch.number if earlier.epoch else 1
        return self.epoch is not None and self.epoch.number > since and earlier.size > self.epoch.from_size

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read that text; raises Unreadable where it is no checkpoint of this log."""
        lines = text.splitlines()
        try:
            origin, size, root, at, *rest = lines
            found = cls(
                size=int(size),
                root=base64.b64decode(root, validate=True),
                at_ms=round(datetime.fromisoformat(at.removeprefix("at ")).timestamp() * 1000),
                epoch=_epoch(rest),
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


def _epoch(lines: Sequence[str]) -> Epoch | None:
    """Of the lines after the four; raises ValueError where they are another thing."""
    if not lines:
        return None
    (line,) = lines
    found = _EPOCH.fullmatch(line)
    if found is None:
        raise ValueError
    return Epoch(number=int(found[1]), from_size=int(found[2]))


def _unreadable(lines: int) -> Unreadable:
    return Unreadable(
        f"A checkpoint has {_LINES} lines, one more after a restore, and begins with '{ORIGIN}', found {lines} or "
        "others. Get it anew: tocsin audit checkpoint",
        code="audit.checkpoint",
    )


Sign = Callable[[str, str], str]
"""From a text and a name to a signed note."""
