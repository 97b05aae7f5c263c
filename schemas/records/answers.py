"""What goes back: Return by a recipient, Status to a member, LabelAdded by an annotator, ReferralsRead of a reader."""

from enum import StrEnum

from msgspec import Struct

from schemas.records.identifiers import ContentId, CountryCode, MemberId, ReferralId, ReportId
from schemas.records.report import Label
from schemas.records.values import Instant, Mark, Ternary, Text, Tier


class ReturnKind(StrEnum):
    """What a recipient says; DELIVERED is a machine's word, TAKEN_UP a person's."""

    UNKNOWN = "UNKNOWN"
    DELIVERED = "DELIVERED"
    COUNTED = "COUNTED"
    TAKEN_UP = "TAKEN_UP"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    PARKED = "PARKED"
    OUTCOME = "OUTCOME"
    QUESTION = "QUESTION"
    ESCALATED = "ESCALATED"
    WITHDRAWN = "WITHDRAWN"
    """The submitter took the report back before this copy left."""
    UNCERTAIN = "UNCERTAIN"
    """It was sent, and nobody can tell whether it arrived."""
    HOLD = "HOLD"
    """A police unit wants notices to the host to wait, or no more."""
    ERASED = "ERASED"
    """The content is gone from the inbox; the code says whether it is from every sink as well."""
    RECALLED = "RECALLED"
    """The inbox knows of a recall, and has stopped every copy that had not left."""
    ERASURE_HELD = "ERASURE_HELD"
    """An order to erase waits at the inbox: a legal hold is in its way, and it is carried out when that ends."""


class StatusKind(StrEnum):
    """What a member is told on its status topic."""

    UNKNOWN = "UNKNOWN"
    TRIAGED = "TRIAGED"
    REFUSED = "REFUSED"
    STALE = "STALE"
    NO_RECIPIENT = "NO_RECIPIENT"
    WAITING_PERSON = "WAITING_PERSON"
    DELIVERED = "DELIVERED"
    TAKEN_UP = "TAKEN_UP"
    OUTCOME = "OUTCOME"
    QUESTION = "QUESTION"
    WITHDRAWN = "WITHDRAWN"
    RECALL = "RECALL"
    """To a recipient: what it was given before this is taken back; what stands instead has this referral's id."""
    PAUSED = "PAUSED"
    LINK_CHANGED = "LINK_CHANGED"
    """To a recipient: a report that one of its referrals is linked to was taken back, or is disputed."""
    ERASE = "ERASE"
    """To submitter and recipients: delete the content of a report everywhere; ids and times stay."""
    CHECKPOINT = "CHECKPOINT"
    """To everybody: what the audit log was at one moment, to be kept where the exchange cannot reach it."""
    LEGAL_HOLD = "LEGAL_HOLD"
    """To submitter and recipients: delete nothing of a report until an instant, or as if none had ever been held."""


class Outcome(Struct, frozen=True, kw_only=True, gc=False):
    """What came of a referral: an ICCAM assessment, action or move with its reason, and how useful it was."""

    content_id: ContentId = ContentId("")
    action: str = ""
    """A code of vocabularies/action (reported_to_lea, removed, not_illegal, ...)."""
    reason: str = ""
    """A code of vocabularies/action_reason."""
    actionable: Ternary = Ternary.UNKNOWN
    false_positive: Ternary = Ternary.UNKNOWN
    identified: Ternary = Ternary.UNKNOWN
    at: Instant | None = None
    classification: str = ""
    """An assessment: a code of vocabularies/classification."""
    hosting_country: CountryCode = CountryCode("")
    """First step of a move: the country that hosts the item now."""
    assigned_country: CountryCode = CountryCode("")
    """Second step of a move: the country whose hotline works on it from now on."""


class Question(Struct, frozen=True, kw_only=True, gc=False):
    """What a recipient needs to know: a code, the field path it concerns, and until when."""

    code: str = ""
    field: str = ""
    text: Text | None = None
    due: Instant | None = None


class Return(Struct, frozen=True, kw_only=True, gc=False):
    """One answer to one referral; `return_id` makes sending it again harmless."""

    return_id: str
    referral_id: ReferralId
    report_id: ReportId
    member: MemberId
    revision: int = 1
    mark: Mark = Mark.LIVE
    kind: ReturnKind
    at: Instant
    by_person: bool = False
    case_number: str = ""
    reason_code: str = ""
    sink: str = ""
    addressee: MemberId = MemberId("")
    """Of an escalation: the member whose people must look now; empty for the operator of the exchange."""
    attempts: int = 0
    outcomes: tuple[Outcome, ...] = ()
    question: Question | None = None
    until: Instant | None = None
    """Of a hold: until when; none releases it."""
    memo: Text | None = None


class Status(Struct, frozen=True, kw_only=True, gc=False):
    """One message to a member about its report or its referral."""

    status_id: str
    member: MemberId
    report_id: ReportId
    referral_id: ReferralId = ReferralId("")
    submitter_reference: str = ""
    revision: int = 1
    ruling: int = 0
    """Of a recall: what was given out before (revision, ruling) is taken back."""
    mark: Mark = Mark.LIVE
    kind: StatusKind
    at: Instant
    code: str = ""
    """Of the message catalogue: why, and what to do."""
    field: str = ""
    tier: Tier = Tier.UNKNOWN
    recipients: int = 0
    recipient: MemberId = MemberId("")
    """Named only where policy allows."""
    case_number: str = ""
    missing: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    question: Question | None = None
    checkpoint: str = ""
    """Signed, with the proof that it continues the one before; the form is that of C2SP tlog-witness."""
    until: Instant | None = None
    """Of a legal hold: until when it stands; none where no hold does any more."""


class LabelAdded(Struct, frozen=True, kw_only=True, gc=False):
    """A later annotation of one content item by a member."""

    label_id: str
    content_id: ContentId
    report_id: ReportId
    member: MemberId
    mark: Mark = Mark.LIVE
    at: Instant
    label: Label
    by_person: bool = True


class ReferralsRead(Struct, frozen=True, kw_only=True, gc=False):
    """A person of a member looks at its referrals, and why; said before anything is shown."""

    read_id: str
    member: MemberId
    at: Instant
    person: str
    purpose: str = ""
    what: str = ""
    since: Instant | None = None
    until: Instant | None = None
