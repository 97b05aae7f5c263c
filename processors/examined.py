"""Records of one slice before the claim: what is refused, what is proposed, and what a ruling is about."""

from msgspec import Struct

from processors.decision import Proposed
from processors.intake import Accepted, Door, Rejected
from schemas.records.report import Withdrawal
from schemas.records.ruling import Ruling
from tocsin.policy.bundle import Bundle
from tocsin.runtime.transport.slices import RawRecord, Slice


class Examined(Struct, frozen=True, kw_only=True):
    """One record before the claim."""

    raw: RawRecord
    bundle: Bundle
    """In force when the broker took the record."""
    rejected: Rejected | None = None
    proposed: Proposed | None = None
    withdrawal: Withdrawal | None = None
    ruling: Ruling | None = None
    """Why what is proposed is decided again."""
    accepted: Accepted | None = None
    """Of a later revision: items may have been moved or assessed before it came."""
    before: Proposed | None = None
    """What would be proposed without the answer that made the ruling."""


class Decided(Struct, frozen=True, kw_only=True):
    """A slice before the claim."""

    piece: Slice
    examined: tuple[Examined, ...]
    door: Door
    sent_early: bool = False
    """Its referrals went out with novelty unknown, while the index was away."""
