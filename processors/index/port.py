"""What the steps may ask of the index: claim a slice, and learn what other reports said before."""

from typing import Protocol

from msgspec import Struct

from schemas.records.identifiers import JurisdictionCode, MemberId, ReportId

CLAIM_BLOCK = 1000
"""Claim numbers of one slice: more than a slice has records."""


class Source(Struct, frozen=True):
    """Where a slice comes from; with an offset it is a coordinate."""

    topic_id: str
    topic: str
    partition: int


class Claim(Struct, frozen=True, kw_only=True):
    """One record's claim: its revision of its report, and one sighting per selector for its member."""

    log_offset: int
    member: MemberId
    report_id: ReportId
    revision: int
    withdrawn: bool = False
    digest: bytes
    """SHA-256 of the content, by which a revision number used twice is recognised."""
    selectors: tuple[bytes, ...] = ()


class Sighting(Struct, frozen=True, order=True):
    """Another report that carries one of the selectors, claimed earlier."""

    selector: bytes
    member: MemberId
    report_id: ReportId


class PriorRecipient(Struct, frozen=True, order=True):
    """A member that has an earlier revision of this report."""

    member: MemberId
    jurisdiction: JurisdictionCode


class Knowledge(Struct, frozen=True, kw_only=True):
    """What the index answers for one claim; the same claim gets the same answer for ever."""

    is_stale: bool = False
    """A higher revision was claimed before this one."""
    is_conflicting: bool = False
    """The same revision was claimed before with another content."""
    is_resubmission: bool = False
    """The same revision with the same content was claimed before, from another coordinate."""
    sightings: tuple[Sighting, ...] = ()
    recipients: tuple[PriorRecipient, ...] = ()


class Index(Protocol):
    """The claim store; both adapters pass one contract suite."""

    def claim(self, source: Source, claims: tuple[Claim, ...]) -> tuple[Knowledge, ...]:
        """Claim in one transaction, in the order of offsets; raises Temporary where the store is away."""
