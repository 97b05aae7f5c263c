"""What one slice leaves in the ledger, as values."""

from msgspec import Struct

from schemas.records.identifiers import JurisdictionCode, MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate
from tocsin.runtime.audit.statements import Fact
from tocsin.runtime.ledger.items import ItemMade
from tocsin.runtime.ledger.outcomes import Outcome


class ReferralMade(Struct, frozen=True, kw_only=True):
    """One referral that a slice produced, and where it landed."""

    referral_id: ReferralId
    report_id: ReportId
    revision: int
    submitter: MemberId
    submitter_reference: str
    recipient: MemberId
    jurisdiction: JurisdictionCode
    tier: str
    mark: str
    withdrawal: bool
    log_offset: int
    submitted_ms: int
    links_told: bool = False
    """Its recipient may see how many reports are linked to it, and there are some."""
    landed: Coordinate
    ruling: int = 0
    """Which decision on its revision made it."""


class LinkMade(Struct, frozen=True, kw_only=True):
    """One report that a decision was linked to; whoever was told so is told when it stands no more."""

    other: ReportId
    distance: int | None = None


class DeadLetterMade(Struct, frozen=True, kw_only=True):
    """One dead letter that a slice produced: which record, why, and where it landed; never the record itself."""

    log_offset: int
    member: MemberId
    code: str
    field: str
    value_bytes: int
    value_sha256: str
    masked: bool
    """The letter carries no value, because it may have carried imagery."""
    landed: Coordinate = Coordinate()
    report_id: ReportId | None = None
    """Where the record could be read."""


class Unrouted(Struct, frozen=True, kw_only=True):
    """One report that nobody got, or that a person has to settle; `recipients` got it while it waits."""

    log_offset: int
    report_id: ReportId
    revision: int
    submitter: MemberId
    submitter_reference: str
    mark: str
    outcome: Outcome
    tier: str
    reasons: tuple[str, ...]
    recipients: int = 0
    waits: bool = False
    """For a person: it enters the queue."""
    deadline_ms: int | None = None


class DecisionMade(Struct, frozen=True, kw_only=True):
    """The decision on one revision of one report: how complete it was, and where it landed."""

    report_id: ReportId
    revision: int
    submitter: MemberId
    submitter_reference: str
    mark: str
    tier: str
    completeness: int
    policy: str = ""
    """Digest of the bundle that decided."""
    ruling: int = 0
    missing: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """Published codes under which it is counted, as `scheme:code`."""
    retain_until_ms: int | None = None
    """When the exchange lets go of the report, unless a later decision says otherwise."""
    links: tuple[LinkMade, ...] = ()
    landed: Coordinate = Coordinate()


class RulingDone(Struct, frozen=True, kw_only=True):
    """One ruling that was carried out: what waited for a person does so no longer."""

    log_offset: int
    report_id: ReportId
    revision: int
    occasion: str
    source: Coordinate
    """Where the report lies: what the ledger says of that place is what became of it in the end."""
    outcome: Outcome


class Settlement(Struct, frozen=True, kw_only=True):
    """All that one slice leaves in the ledger; `first_offset` is that of its first record."""

    topic_id: str
    topic: str
    partition: int
    first_offset: int
    outcomes: tuple[Outcome, ...]
    referrals: tuple[ReferralMade, ...] = ()
    dead_letters: tuple[DeadLetterMade, ...] = ()
    unrouted: tuple[Unrouted, ...] = ()
    decisions: tuple[DecisionMade, ...] = ()
    rulings: tuple[RulingDone, ...] = ()
    items: tuple[ItemMade, ...] = ()
    facts: tuple[Fact, ...] = ()
    """For the audit log, in the order of offsets."""
