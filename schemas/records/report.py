"""What a submitter knows: ReportSubmitted, its content items, its personal part, and Withdrawal."""

from msgspec import Struct

from schemas.records.identifiers import ContentId, CountryCode, MemberId, ReportId
from schemas.records.proof import Commitment
from schemas.records.values import (
    Handling,
    Hash,
    Instant,
    Mark,
    NexusKind,
    Provenance,
    Realism,
    SealedPart,
    SyntheticOrigin,
    Ternary,
    Text,
)


class Governance(Struct, frozen=True, kw_only=True, gc=False):
    """Why the data may be processed, and for how long: the three-step justification and its frame."""

    legal_basis: str = ""
    necessity: str = ""
    proportionality: str = ""
    purpose: str = ""
    controller: str = ""
    retain_until: Instant | None = None
    good_faith: Ternary = Ternary.UNKNOWN
    """The statement of Article 16(2)(d) of the Digital Services Act."""
    provenance: Provenance = Provenance.UNKNOWN
    from_profile: tuple[str, ...] = ()
    """Names of the fields above that the member's profile supplied."""


class Hosting(Struct, frozen=True, kw_only=True, gc=False):
    """Where a URL was hosted when somebody looked."""

    country: CountryCode = CountryCode("")
    ip_address: str = ""
    isp: str = ""
    organisation: str = ""
    autonomous_system: int | None = None
    content_delivery_network: Ternary = Ternary.UNKNOWN
    source: str = ""
    """Who says so: `submitter`, or the name of a database."""
    checked_at: Instant | None = None


class SourceUrl(Struct, frozen=True, kw_only=True, gc=False):
    """The page a report is about (ICCAM: one source URL, many content items)."""

    url: str = ""
    referrer: str = ""
    site_type: str = ""
    commerciality: str = ""
    payment_methods: tuple[str, ...] = ()
    third_party_hosted: Ternary = Ternary.UNKNOWN
    hosting: Hosting | None = None


class Label(Struct, frozen=True, kw_only=True, gc=False):
    """One label of one scheme as its owner wrote it; an unknown code is kept."""

    scheme: str = ""
    scheme_version: str = ""
    label: str = ""
    section: str = ""


class AiSignal(Struct, frozen=True, kw_only=True, gc=False):
    """What a classifier said; it raises attention and never decides legality."""

    model_id: str = ""
    model_version: str = ""
    score: float = 0.0
    threshold: float | None = None
    calibration: str = ""


class ItemAction(Struct, frozen=True, kw_only=True, gc=False):
    """What the submitter has already done about an item (ICCAM action and reason codes), so that nobody repeats it."""

    action: str = ""
    reason: str = ""
    at: Instant | None = None


class ContentItem(Struct, frozen=True, kw_only=True, gc=False):
    """One piece of content, the unit of work; labels, verdicts, actions and assignment live here."""

    content_id: ContentId = ContentId("")
    external_ids: dict[str, str] = {}
    url: str = ""
    hosting: Hosting | None = None
    assigned_country: CountryCode = CountryCode("")
    """Whose hotline works on the item elsewhere (ICCAM assigned country)."""
    content_type: str = ""
    hashes: tuple[Hash, ...] = ()
    labels: tuple[Label, ...] = ()
    annotations: tuple[str, ...] = ()
    ai_signals: tuple[AiSignal, ...] = ()
    apparent_age_band: str = ""
    gender: str = ""
    synthetic_origin: SyntheticOrigin = SyntheticOrigin.UNKNOWN
    realism: Realism = Realism.UNKNOWN
    self_generated: Ternary = Ternary.UNKNOWN
    live_stream: Ternary = Ternary.UNKNOWN
    child_modelling: Ternary = Ternary.UNKNOWN
    viewed_by_reporter: Ternary = Ternary.UNKNOWN
    """Whether a person at the reporter looked at it; never inferred."""
    exif_viewed_by_reporter: Ternary = Ternary.UNKNOWN
    relevance: str = ""
    """A code of vocabularies/relevance: reported, or supplemental."""
    publicly_available: Ternary = Ternary.UNKNOWN
    detection_method: str = ""
    detected_at: Instant | None = None
    uploaded_at: Instant | None = None
    series: str = ""
    victim_identified: Ternary = Ternary.UNKNOWN
    offender_identified: Ternary = Ternary.UNKNOWN
    distributed: Ternary = Ternary.UNKNOWN
    removed: Ternary = Ternary.UNKNOWN
    actions: tuple[ItemAction, ...] = ()


class Escalation(Struct, frozen=True, kw_only=True, gc=False):
    """An explicit plea for urgency; a code of vocabularies/escalation_reason, and a short text."""

    reason_code: str = ""
    escalation_reason: Text | None = None


class NexusClaim(Struct, frozen=True, kw_only=True, gc=False):
    """Why a country is concerned, who says so and how sure they are (0 to 1)."""

    kind: NexusKind = NexusKind.UNKNOWN
    country: CountryCode = CountryCode("")
    source: str = ""
    confidence: float | None = None


class LawEnforcementNotice(Struct, frozen=True, kw_only=True, gc=False):
    """A police force that knows of the case already, so that two forces do not work on one target unaware."""

    agency: str = ""
    country: CountryCode = CountryCode("")
    case_number: str = ""
    legal_process: Ternary = Ternary.UNKNOWN
    at: Instant | None = None


class SharingChoices(Struct, frozen=True, kw_only=True, gc=False):
    """What the submitter narrows: members, sectors, labels and countries that shall not receive."""

    deny_members: tuple[MemberId, ...] = ()
    deny_sectors: tuple[str, ...] = ()
    deny_labels: tuple[str, ...] = ()
    deny_countries: tuple[CountryCode, ...] = ()
    hide_submitter: bool = False


class ReportSubmitted(Struct, frozen=True, kw_only=True, gc=False):
    """One report as its submitter publishes it; revision n replaces n - 1."""

    report_id: ReportId
    submitter: MemberId
    submitter_reference: str
    revision: int = 1
    mark: Mark = Mark.LIVE
    submitted_at: Instant
    received_at: Instant | None = None
    detected_at: Instant | None = None
    incident_at: Instant | None = None
    reporting_analyst: str = ""
    source_format: str = ""
    source_kind: str = ""
    """A code of vocabularies/source_kind: a public report, moderation, a signal of another platform, ..."""
    external_ids: dict[str, str] = {}
    """Ids in other systems, by system (`ncmec`, `iccam`, `xarf`)."""
    governance: Governance
    handling: Handling = Handling()
    source_url: SourceUrl | None = None
    items: tuple[ContentItem, ...] = ()
    incident_types: tuple[str, ...] = ()
    incident_medium: str = ""
    """A code of vocabularies/incident_medium: web page, chat, gaming, ..."""
    detection_method: str = ""
    """How it was found, for an incident without items; items state their own."""
    victim_age_band: str = ""
    """The youngest victim's apparent age, for an incident without items."""
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
    """Codes of vocabularies/held_material: what police can ask the platform for; never the material."""
    memo: Text | None = None
    sharing: SharingChoices = SharingChoices()
    removed_fields: tuple[str, ...] = ()
    """Paths that the firewall or a feed emptied, with the rule: `items[0].series:firewall.base64`."""
    sealed: tuple[SealedPart, ...] = ()
    commitment: Commitment | None = None


class AccountIdentifier(Struct, frozen=True, kw_only=True, gc=False):
    """One account as a platform names it; `role` is suspect, victim, reporter_reported or unknown."""

    role: str = "unknown"
    platform: str = ""
    kind: str = ""
    """A code of vocabularies/account_identifier_kind: user_id, screen_name, email, phone, profile_url, device_id."""
    value: str = ""
    compromised: Ternary = Ternary.UNKNOWN
    prior_reports: int | None = None
    prior_report_ids: tuple[str, ...] = ()
    """Ids of those reports, as `system:id`, so that two cases of one person are found to be one."""
    age_band: str = ""
    age_disputed: Ternary = Ternary.UNKNOWN
    """Whether the platform doubts the age that the account states (NCMEC ageAssertionDiscrepancy)."""
    person_index: int | None = None
    """Identifiers with the same number belong to one person; numbers mean nothing outside this report."""


class NetworkEvent(Struct, frozen=True, kw_only=True, gc=False):
    """One IP capture (NCMEC ipCaptureEvent): address, port, time, and what happened."""

    event: str = ""
    ip_address: str = ""
    port: int | None = None
    at: Instant | None = None
    possible_proxy: Ternary = Ternary.UNKNOWN
    country: CountryCode = CountryCode("")
    account_index: int | None = None
    """Position in `accounts` of the account it belongs to."""
    content_id: ContentId = ContentId("")
    """The item that was uploaded, where the event is an upload."""


class EstimatedLocation(Struct, frozen=True, kw_only=True, gc=False):
    """Where a person probably is (NCMEC estimatedLocation), never finer than a city."""

    country: CountryCode = CountryCode("")
    region: str = ""
    city: str = ""
    verified: Ternary = Ternary.UNKNOWN
    at: Instant | None = None
    person_index: int | None = None


class PersonalPart(Struct, frozen=True, kw_only=True, gc=False):
    """What identifies a person; it travels only inside `sealed`."""

    accounts: tuple[AccountIdentifier, ...] = ()
    network_events: tuple[NetworkEvent, ...] = ()
    locations: tuple[EstimatedLocation, ...] = ()


class Withdrawal(Struct, frozen=True, kw_only=True, gc=False):
    """The submitter takes a report back, with a reason code and a short text."""

    report_id: ReportId
    submitter: MemberId
    submitter_reference: str
    revision: int
    """The revision this stands as: one above the last published."""
    mark: Mark = Mark.LIVE
    withdrawn_at: Instant
    reason_code: str = ""
    reason: Text | None = None
