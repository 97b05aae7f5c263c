"""What the exchange decided and why: ReportTriaged, for operators only."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from schemas.records.identifiers import ContentId, CountryCode, JurisdictionCode, MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate, Instant, Mark, Novelty, PolicyVersion, Tier, Verdict

UNVERIFIED_NATIONAL: Final = "classify.unverified_national"
"""The rule of an undetermined verdict where law that nobody has checked would make it illegal (ADR 12)."""


class ItemVerdict(Struct, frozen=True, kw_only=True, gc=False):
    """One jurisdiction's verdict on one item, with the rows of the legal map that were used."""

    content_id: ContentId = ContentId("")
    jurisdiction: JurisdictionCode = JurisdictionCode("")
    verdict: Verdict = Verdict.UNDETERMINED
    rules: tuple[str, ...] = ()
    law: str = ""
    """The row of the legal map: jurisdiction and the day from which it holds (`nl@2020-01-01`)."""
    verified: bool = False


class LinkState(StrEnum):
    """What became of the other report: one that was taken back or disputed corroborates nothing."""

    UNKNOWN = "UNKNOWN"
    STANDS = "STANDS"
    DISPUTED = "DISPUTED"
    RETRACTED = "RETRACTED"


class Link(Struct, frozen=True, kw_only=True, gc=False):
    """Another report of the same content, account or incident, by the selector that they share."""

    report_id: ReportId
    content_id: ContentId = ContentId("")
    selector_kind: str = ""
    weak: bool = False
    conflicting: bool = False
    """Something else says that the content differs: an equal MD5 with another SHA-256."""
    state: LinkState = LinkState.STANDS
    distance: int | None = None


class Priority(Struct, frozen=True, kw_only=True, gc=False):
    """Tier with deadline, score 0 to 100, and reasons in words that an officer reads."""

    tier: Tier = Tier.NORMAL
    score: float = 0.0
    uncertainty: float = 0.0
    """Share of the weight whose factors are unknown, 0 to 1."""
    deadline: Instant | None = None
    reasons: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    ruleset_version: str = ""


class Completeness(Struct, frozen=True, kw_only=True, gc=False):
    """How much an officer would find, 0 to 100, and what is missing, as field paths."""

    score: int = 0
    missing: tuple[str, ...] = ()


class Recipient(Struct, frozen=True, kw_only=True, gc=False):
    """A member that gets the report, the referral made for it, and why."""

    member: MemberId
    jurisdiction: JurisdictionCode
    referral_id: ReferralId
    rules: tuple[str, ...] = ()
    counted_only: bool = False


class RouteRefusal(Struct, frozen=True, kw_only=True, gc=False):
    """A member or country that was considered and does not get the report, and why."""

    member: MemberId = MemberId("")
    country: CountryCode = CountryCode("")
    rule: str = ""


class ReportTriaged(Struct, frozen=True, kw_only=True, gc=False):
    """The decision on one revision of one report, with every version that it stands on."""

    report_id: ReportId
    submitter: MemberId
    submitter_reference: str = ""
    revision: int = 1
    ruling: int = 0
    """Which decision on this revision: 0 as the report came in, n for the n-th ruling."""
    mark: Mark = Mark.LIVE
    source: Coordinate
    submitted_at: Instant
    triaged_as_of: Instant
    """The record's LogAppendTime: the "now" that every rule saw."""
    outcome: str = ""
    """A code of the ledger: routed, counted, waiting_person, no_recipient, stale, withdrawn."""
    novelty: Novelty = Novelty.UNKNOWN
    corroboration: int = 0
    """How many other members have reported the same content before."""
    links: tuple[Link, ...] = ()
    known_account: bool = False
    """An account of this report was reported before."""
    verdicts: tuple[ItemVerdict, ...] = ()
    priority: Priority = Priority()
    completeness: Completeness = Completeness()
    recipients: tuple[Recipient, ...] = ()
    unchanged: tuple[MemberId, ...] = ()
    """Members whose copy of an earlier decision stands."""
    refusals: tuple[RouteRefusal, ...] = ()
    waiting_reasons: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    """What a person should know and no rule acts on, as codes of the message catalogue."""
    policy: PolicyVersion = PolicyVersion()
