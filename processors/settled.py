"""What a slice of triage leaves in the ledger; pure."""

from collections.abc import Sequence

from msgspec.structs import replace

from processors.answering import Answered
from processors.auditing import audited
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.values import Coordinate
from tocsin.runtime.audit.statements import Fact
from tocsin.runtime.ledger.settlement import DeadLetterMade, DecisionMade, ReferralMade, RulingDone, Settlement
from tocsin.runtime.transport.slices import Slice


def settlement_of(piece: Slice, answers: Sequence[Answered], coordinates: Sequence[Coordinate]) -> Settlement:
    """Everything that the ledger keeps of a slice, with where each of its outputs landed."""
    referrals: list[ReferralMade] = []
    letters: list[DeadLetterMade] = []
    decisions: list[DecisionMade] = []
    facts: list[Fact] = []
    landed = iter(coordinates)
    settled = list(zip(piece.records, answers, strict=True))
    for raw, answer in settled:
        places = [next(landed) for _ in answer.records]
        if answer.record is not None:
            pairs = zip(answer.referrals, places, strict=False)
            referrals += (_made(raw.offset, answer.record, made, place) for made, place in pairs)
        if answer.decision is not None:
            decisions.append(replace(answer.decision, landed=places[len(answer.referrals)]))
        if answer.dead_letter is not None:
            letters.append(replace(answer.dead_letter, landed=places[0]))
        facts += audited(raw, answer, places)
    return Settlement(
        topic_id=piece.topic_id,
        topic=piece.topic,
        partition=piece.partition,
        first_offset=piece.first,
        outcomes=tuple(answer.outcome for answer in answers),
        referrals=tuple(referrals),
        dead_letters=tuple(letters),
        unrouted=tuple(answer.unrouted for answer in answers if answer.unrouted is not None),
        decisions=tuple(decisions),
        items=tuple(item for answer in answers for item in answer.items),
        rulings=tuple(_done(raw.offset, answer) for raw, answer in settled if answer.ruling is not None),
        facts=tuple(facts),
    )


def _done(log_offset: int, answer: Answered) -> RulingDone:
    assert answer.ruling is not None  # noqa: S101 -- called for nothing else
    ruling = answer.ruling
    return RulingDone(
        log_offset=log_offset,
        report_id=ruling.report_id,
        revision=ruling.revision,
        occasion=ruling.occasion,
        source=ruling.source,
        outcome=answer.outcome,
    )


def _made(
    log_offset: int, record: ReportSubmitted | Withdrawal, referral: Referral, landed: Coordinate
) -> ReferralMade:
    return ReferralMade(
        referral_id=referral.referral_id,
        report_id=referral.report_id,
        revision=referral.revision,
        submitter=record.submitter,
        submitter_reference=record.submitter_reference,
        recipient=referral.recipient,
        jurisdiction=referral.jurisdiction,
        tier=referral.priority.tier,
        mark=referral.mark,
        withdrawal=referral.withdrawn,
        log_offset=log_offset,
        submitted_ms=referral.submitted_at.epoch_ms,
        ruling=referral.ruling,
        links_told=referral.linked_reports > 0,
        landed=landed,
    )
