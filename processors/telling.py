"""What is told of a Return: to its submitter, or to the member that answered and is not heard; pure."""

from typing import Final

from msgspec import Struct

from processors.intake import Rejected
from processors.letters import status_id
from schemas.records.answers import LabelAdded, ReferralsRead, Return, ReturnKind, Status, StatusKind
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.values import Coordinate
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.transport.slices import RawRecord

TOLD: Final = {
    ReturnKind.DELIVERED: StatusKind.DELIVERED,
    ReturnKind.TAKEN_UP: StatusKind.TAKEN_UP,
    ReturnKind.OUTCOME: StatusKind.OUTCOME,
    ReturnKind.QUESTION: StatusKind.QUESTION,
}
"""What a submitter hears; refusals and parking are between the recipient and the operator."""


class Known(Struct, frozen=True, kw_only=True):
    """The referral that a return answers, as the ledger has it."""

    recipient: MemberId
    submitter: MemberId
    submitter_reference: str
    report_id: ReportId
    report: Coordinate = Coordinate()
    """Where its latest revision lies."""
    revision: int = 1
    """The latest one, which the referral may not be of."""
    holders: tuple[MemberId, ...] = ()
    """Who has it now."""
    jurisdiction: str = ""
    tier: str = ""
    state: str = ""
    """What became of it so far."""
    withdrawal: bool = False
    submitted_ms: int = 0


class Read(Struct, frozen=True, kw_only=True):
    """One record of a returns topic."""

    raw: RawRecord
    answer: Return | None = None
    """What the topic's member said, whether or not it was refused."""
    looked: ReferralsRead | None = None
    """What the topic's member said of a person who looks."""
    said: type[Return | LabelAdded | ReferralsRead] = Return
    """As what: its signature is made over that."""
    rejected: Rejected | None = None

    def accepted(self) -> Return | None:
        """The answer, where it counts."""
        return None if self.rejected else self.answer

    def outcome(self) -> Outcome:
        """What the ledger says of the record."""
        return self.rejected.outcome if self.rejected else Outcome.APPLIED


def status_of(answer: Return, known: Known) -> Status:
    """Everything that could be told; release narrows it."""
    kind = TOLD[answer.kind]
    return Status(
        status_id=status_id(answer.return_id, answer.revision, kind),
        member=known.submitter,
        report_id=answer.report_id,
        submitter_reference=known.submitter_reference,
        revision=answer.revision,
        mark=answer.mark,
        kind=kind,
        at=answer.at,
        code=answer.reason_code,
        recipient=known.recipient,
        case_number=answer.case_number,
        outcomes=answer.outcomes,
        question=answer.question,
    )


def refusal_of(answer: Return, rejected: Rejected) -> Status:
    """What whoever gave an answer that does not count is told."""
    return Status(
        status_id=status_id(answer.return_id, answer.revision, StatusKind.REFUSED),
        member=answer.member,
        report_id=answer.report_id,
        referral_id=answer.referral_id,
        revision=answer.revision,
        mark=answer.mark,
        kind=StatusKind.REFUSED,
        at=answer.at,
        code=rejected.code,
        field=rejected.field,
        outcomes=answer.outcomes,
    )
