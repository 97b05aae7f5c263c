"""What the exchange itself takes back, and what each member that had it is told on its status topic; pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from processors.letters import status_id
from schemas.records.answers import Status, StatusKind
from schemas.records.referral import Referral
from schemas.records.report import Withdrawal
from schemas.records.ruling import RECALLED, Ruling, RulingCause
from schemas.records.values import Instant

BY_EXCHANGE: Final = "recall.by_exchange"
LABEL: Final = "recall.label"
LABELLED: Final = "labelled"
"""Why a copy goes back as a whole: none can be made without the label, because the record of its report is gone."""
SEND_AGAIN: Final = "recall.send_again"


def takes_back(ruling: Ruling) -> bool:
    """Whether a ruling decides nothing again: the report is nobody's any more, whatever comes later of it."""
    return ruling.cause is RulingCause.RECALLED


def goes_back_whole(ruling: Ruling, *, has_record: bool) -> bool:
    """Whether whoever has to give something up gives up the copy: nothing is decided, also where no record is left."""
    return takes_back(ruling) or (ruling.cause is RulingCause.LABEL_RECALLED and not has_record)


def withdrawal_of(ruling: Ruling, now_ms: int) -> Withdrawal:
    """What the exchange says in the submitter's place; the record itself may be gone by then."""
    return Withdrawal(
        report_id=ruling.report_id,
        submitter=ruling.submitter,
        submitter_reference=ruling.submitter_reference,
        revision=RECALLED if takes_back(ruling) else ruling.revision,
        mark=ruling.mark,
        withdrawn_at=Instant(epoch_ms=now_ms),
    )


def notices(referrals: Iterable[Referral], ruling: Ruling | None = None) -> Iterator[Status]:
    """One for each member that has to give something up: a report, or a copy with a label that counts no more."""
    is_label = ruling is not None and ruling.cause is RulingCause.LABEL_RECALLED
    for made in referrals:
        if made.withdrawn or is_label:
            yield _notice(made, f"recall.{made.changes[0]}" if made.withdrawn else LABEL)


def _notice(made: Referral, code: str) -> Status:
    return Status(
        status_id=status_id(made.referral_id, made.revision, StatusKind.RECALL),
        member=made.recipient,
        report_id=made.report_id,
        referral_id=made.referral_id,
        revision=made.revision,
        ruling=made.ruling,
        mark=made.mark,
        kind=StatusKind.RECALL,
        at=made.triaged_as_of,
        code=code,
    )
