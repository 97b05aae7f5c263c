"""Checkpoints as members are handed them: each with the proof that it continues the one before, and what that shows.

The text is the body of `add-checkpoint` of C2SP tlog-witness: the older size, a proof of RFC 9162, and the signed note.
"""

import base64
import binascii
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Self

from msgspec import Struct

from schemas.failures import Unreadable
from tocsin.runtime.audit.checkpoints import Checkpoint
from tocsin.runtime.audit.tree import HASH_BYTES, is_consistent

MOST_HASHES: Final = 64
"""A proof has two for each doubling of the log at most."""
_OLD: Final = "old "


class Handed(Struct, frozen=True, kw_only=True):
    """One checkpoint on its way to a member."""

    old: int
    """Size of the log in the checkpoint before; 0 where this is the first."""
    proof: tuple[bytes, ...]
    note: str

    def text(self) -> str:
        """As it travels."""
        hashes = (base64.b64encode(each).decode() for each in self.proof)
        return "\n".join((f"{_OLD}{self.old}", *hashes, "", self.note))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read that; raises Unreadable where it is none."""
        head, parted, note = text.partition("\n\n")
        first, *hashes = head.split("\n")
        try:
            old = int(first.removeprefix(_OLD))
            proof = tuple(base64.b64decode(each, validate=True) for each in hashes)
        except (ValueError, binascii.Error) as error:
            raise _unreadable() from error
        sound = first.startswith(_OLD) and parted and old >= 0 and len(proof) <= MOST_HASHES
        if not sound or any(len(each) != HASH_BYTES for each in proof):
            raise _unreadable()
        return cls(old=old, proof=proof, note=note)


class Shown(StrEnum):
    """What one checkpoint shows to somebody who kept an earlier one."""

    FIRST = "first"
    """Nothing was kept before: there is nothing to hold it against."""
    SAME = "same"
    EARLIER = "earlier"
    """It was signed before the one that is kept, and shows nothing."""
    GROWN = "grown"
    """The log was added to, and begins as it did."""
    APART = "apart"
    """It continues another checkpoint than the one that is kept: this proof cannot tell."""
    RESTORED = "restored"
    """It says itself that the exchange was restored from a backup that is older than the one that is kept."""
    REWRITTEN = "rewritten"
    """No log that only grows could have signed both."""


def shown(kept: Checkpoint | None, found: Checkpoint, old: int, proof: Sequence[bytes]) -> Shown:
    """Hold a checkpoint against the one that is kept; both were verified before."""
    if kept is None:
        return Shown.FIRST
    what = _beside(kept, found, old, proof)
    return Shown.RESTORED if what is Shown.REWRITTEN and found.gives_up(kept) else what


def _beside(kept: Checkpoint, found: Checkpoint, old: int, proof: Sequence[bytes]) -> Shown:
    if found.size == kept.size:
        return Shown.SAME if found.root == kept.root else Shown.REWRITTEN
    if found.size < kept.size:
        return Shown.EARLIER if found.at_ms < kept.at_ms else Shown.REWRITTEN
    if old != kept.size:
        return Shown.APART
    goes_on = is_consistent((kept.size, found.size), (kept.root, found.root), proof)
    return Shown.GROWN if goes_on else Shown.REWRITTEN


def _unreadable() -> Unreadable:
    return Unreadable(
        "A checkpoint is handed over as the older size, hashes in base64, an empty line and a signed note; found "
        "something else. Get it anew: tocsin audit checkpoint",
        code="audit.handed",
    )
