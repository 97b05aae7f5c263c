"""What the steps may ask of the index: claim a slice, and learn what other reports said before."""

from typing import Protocol

from msgspec import Struct

from schemas.records.identifiers import JurisdictionCode, MemberId, ReportId
from schemas.records.ruling import Amendment, Ruling
from schemas.records.triage import LinkState

CLAIM_BLOCK = 1000
"""Claim numbers of one slice: more than a slice has records."""
MAX_DISTANCE = 31
"""Bits of 256: whoever wants a smaller distance filters what the index answers."""
MAX_NEAR = 50
KEPT = 2
"""Reports of one member that are kept standing for a selector: where one is taken back, the other stands in for it.

Of the others no claim learns; that they carry it is kept all the same, for whom they are about (ADR 0064).
"""


class Source(Struct, frozen=True):
    """Where a slice comes from; with an offset it is a coordinate."""

    topic_id: str
    topic: str
    partition: int


class Selected(Struct, frozen=True, order=True):
    """One selector as it is claimed, with what it is bound to (`deduplicate.selectors.Selector.bound`)."""

    digest: bytes
    bound: bytes = b""


class Claim(Struct, frozen=True, kw_only=True):
    """One record's claim: its revision of its report, and one sighting per selector for its member."""

    log_offset: int
    member: MemberId
    report_id: ReportId
    revision: int
    withdrawn: bool = False
    digest: bytes
    """SHA-256 of the content, by which a revision number used twice is recognised."""
    selectors: tuple[Selected, ...] = ()
    near: tuple[bytes, ...] = ()
    """Veiled perceptual hashes (`deduplicate.near.Veil`), 32 bytes each."""

    @property
    def is_correction(self) -> bool:
        """Whether it says its report anew, so that what was found out about the items has to be put on it."""
        return self.revision > 1 and not self.withdrawn


class Sighting(Struct, frozen=True, order=True):
    """Another report that carries one of the selectors, claimed earlier."""

    selector: bytes
    member: MemberId
    report_id: ReportId
    bound: bytes = b""
    state: LinkState = LinkState.STANDS


class NearSighting(Struct, frozen=True, order=True):
    """Another report with a hash that is near to one of the claim's, claimed earlier."""

    position: int
    """Of the claim's hash."""
    distance: int
    """In bits of 256."""
    report_id: ReportId
    member: MemberId
    state: LinkState = LinkState.STANDS


class PriorRecipient(Struct, frozen=True, order=True):
    """A member that has an earlier revision of this report."""

    member: MemberId
    jurisdiction: JurisdictionCode


class Knowledge(Struct, frozen=True, kw_only=True):
    """What the index answers for one claim; the same claim gets the same answer for ever."""

    is_stale: bool = False
    """A higher revision was claimed before this one; or before this one was sent again: its first time has
    been answered, and whoever sends an old record again may not bring back what was corrected or withdrawn."""
    is_conflicting: bool = False
    """The same revision was claimed before with another content."""
    is_erased: bool = False
    """Its report was erased: it is stale whatever its revision, and nothing of it was kept."""
    is_resubmission: bool = False
    """The same revision with the same content was claimed before, from another coordinate."""
    sightings: tuple[Sighting, ...] = ()
    near: tuple[NearSighting, ...] = ()
    """At most MAX_NEAR for each hash, the closest first."""
    recipients: tuple[PriorRecipient, ...] = ()
    found_out: tuple[Amendment, ...] = ()
    """Of a later revision: what recipients found out about its items until it was claimed, the latest word of each.

    With the next, what a replay may find changed: no revision forgets what was found out since.
    """
    is_restricted: bool = False
    """Of a later revision: its report was only kept when that was claimed."""


class RulingClaim(Struct, frozen=True, kw_only=True):
    """One ruling, at the coordinate where it lies."""

    log_offset: int
    ruling: Ruling
    taken: Claim | None = None
    """What it claims in its own place: a report that the exchange takes back is a revision of its own."""
    again: Claim | None = None
    """What it is about, claimed again where that lies; answered as it was then."""


class Ruled(Struct, frozen=True, kw_only=True):
    """What the index answers for one ruling; the same ruling gets the same answer for ever."""

    number: int
    """On its revision, from 1."""
    is_stale: bool
    """A later revision was claimed before it, or this ruling was read from another coordinate before."""
    recipients: tuple[PriorRecipient, ...] = ()
    """Who has the report, whatever decision gave it."""
    chosen: tuple[MemberId, ...] = ()
    """Whom earlier rulings on the revision added, those of its own slice too: no later one recalls them."""
    known: Knowledge | None = None
    """The answer to what it claimed, in its own place or again."""


def source_of(ruling: Ruling) -> Source:
    """Where the record lies that a ruling is about."""
    return Source(ruling.source.topic_id, ruling.source.topic, ruling.source.partition)


class Index(Protocol):
    """The claim store; both adapters pass one contract suite."""

    def claim(self, source: Source, claims: tuple[Claim, ...]) -> tuple[Knowledge, ...]:
        """Claim in one transaction, in the order of offsets; raises Temporary where the store is away."""

    def rule(self, source: Source, claims: tuple[RulingClaim, ...]) -> tuple[Ruled, ...]:
        """Number rulings in one transaction, in the order of offsets, and claim what they claim.

        Raises Temporary where the store is away.
        """
