"""What one recipient may see of one report: Referral."""

from typing import Final

from msgspec import Struct

from schemas.records.identifiers import CountryCode, JurisdictionCode, MemberId, ReferralId, ReportId
from schemas.records.proof import OriginProof
from schemas.records.report import ContentItem, Escalation, LawEnforcementNotice, NexusClaim, SourceUrl
from schemas.records.triage import Completeness, ItemVerdict, Priority
from schemas.records.values import Handling, Instant, Mark, Novelty, PolicyVersion, SealedPart, Ternary, Text

CANARY: Final = "canary"
"""Among its changes: the exchange's own test of the way, for the courier and nobody's sinks (ADR 0043)."""


class Withheld(Struct, frozen=True, kw_only=True, gc=False):
    """A field that this recipient does not see, and the rule that says so."""

    path: str = ""
    rule: str = ""


class Referral(Struct, frozen=True, kw_only=True, gc=False):
    """One report, or one revision of it, as released to one member; items are already filtered."""

    referral_id: ReferralId
    report_id: ReportId
    recipient: MemberId
    jurisdiction: JurisdictionCode
    revision: int = 1
    ruling: int = 0
    """Which decision on this revision: 0 as the report came in, n for the n-th ruling."""
    changes: tuple[str, ...] = ()
    """Paths that differ from the revision before, and `withdrawn` where the submitter took it back."""
    withdrawn: bool = False
    mark: Mark = Mark.LIVE
    submitter: MemberId = MemberId("")
    submitter_reference: str = ""
    submitted_at: Instant
    triaged_as_of: Instant
    received_at: Instant | None = None
    detected_at: Instant | None = None
    incident_at: Instant | None = None
    legal_basis: str = ""
    purpose: str = ""
    controller: str = ""
    retain_until: Instant | None = None
    handling: Handling = Handling()
    source_kind: str = ""
    external_ids: dict[str, str] = {}
    source_url: SourceUrl | None = None
    items: tuple[ContentItem, ...] = ()
    incident_types: tuple[str, ...] = ()
    incident_medium: str = ""
    detection_method: str = ""
    victim_age_band: str = ""
    annotations: tuple[str, ...] = ()
    escalation: Escalation | None = None
    nexus: tuple[NexusClaim, ...] = ()
    declared_country: CountryCode = CountryCode("")
    platform: str = ""
    confidence: float | None = None
    reported_elsewhere: tuple[str, ...] = ()
    reporting_obligations: tuple[str, ...] = ()
    law_enforcement: tuple[LawEnforcementNotice, ...] = ()
    account_suspended: Ternary = Ternary.UNKNOWN
    preservation_until: Instant | None = None
    held_material: tuple[str, ...] = ()
    memo: Text | None = None
    verdicts: tuple[ItemVerdict, ...] = ()
    """Only this jurisdiction's."""
    priority: Priority = Priority()
    completeness: Completeness = Completeness()
    flags: tuple[str, ...] = ()
    """What a person should know and no rule acts on, as codes of the message catalogue."""
    novelty: Novelty = Novelty.UNKNOWN
    corroboration: int = 0
    linked_reports: int = 0
    conflicting_reports: int = 0
    """How many of them say that the content differs: an equal MD5 or address with another SHA-256."""
    content_keys: tuple[str, ...] = ()
    """Keyed digests of the selectors, under this recipient's own key: equal content has equal keys for it alone."""
    content_kinds: tuple[str, ...] = ()
    """For each page and item the kinds of key it has (`sha256+url`), once each; an empty one: nothing recognises it."""
    circumstance_keys: tuple[str, ...] = ()
    """Keyed digests of accounts, nexus, gates and incident time: a new one is delivered whatever the agreement says."""
    withheld: tuple[Withheld, ...] = ()
    policy: PolicyVersion = PolicyVersion()
    sealed: tuple[SealedPart, ...] = ()
    origin_proof: OriginProof | None = None
