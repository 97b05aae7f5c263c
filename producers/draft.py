"""What a submitter writes: a report before its id, its submitter and the profile's values are added."""

from msgspec import Struct

from schemas.records.identifiers import CountryCode
from schemas.records.report import (
    ContentItem,
    Escalation,
    Governance,
    LawEnforcementNotice,
    NexusClaim,
    PersonalPart,
    SharingChoices,
    SourceUrl,
)
from schemas.records.values import Handling, Instant, Mark, Ternary, Text


class ReportDraft(Struct, frozen=True, kw_only=True):
    """The fields of ReportSubmitted that are the submitter's to state; a test compares the two.

    Only `submitter_reference` is required. `personal` becomes the sealed part; `handling` and what is empty in
    `governance` come from the member's profile.
    """

    submitter_reference: str
    revision: int = 1
    mark: Mark = Mark.LIVE
    received_at: Instant | None = None
    detected_at: Instant | None = None
    incident_at: Instant | None = None
    reporting_analyst: str = ""
    source_format: str = ""
    source_kind: str = ""
    external_ids: dict[str, str] = {}
    governance: Governance = Governance()
    handling: Handling | None = None
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
    sharing: SharingChoices = SharingChoices()
    removed_fields: tuple[str, ...] = ()
    personal: PersonalPart = PersonalPart()
