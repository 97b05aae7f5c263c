"""Triage of one slice: every record becomes a dead letter or a decision with its referrals (ADR 0003)."""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from processors.decision import Decision, Proposed, claim_of, conclude, propose
from processors.index.port import Claim, Index, Knowledge, PriorRecipient, Source
from processors.intake import Accepted, Door, Rejected
from processors.letters import (
    Writer,
    dead_letter,
    outcome_status,
    refusal_status,
    triaged_report,
    withdrawn_report,
)
from processors.referring import Desk
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.triage import Recipient, ReportTriaged
from schemas.records.values import Coordinate
from tocsin.policy.bundle import Bundle
from tocsin.runtime import metrics
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import DeadLetterMade, ReferralMade, Settlement, Unrouted, settle
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.transport.runner import Stages
from tocsin.runtime.transport.slices import OutRecord, RawRecord, Slice

NAME = "triage"


class Examined(Struct, frozen=True, kw_only=True):
    """One record before the claim."""

    raw: RawRecord
    rejected: Rejected | None = None
    proposed: Proposed | None = None
    withdrawal: Withdrawal | None = None


class Decided(Struct, frozen=True, kw_only=True):
    """A slice before the claim."""

    piece: Slice
    examined: tuple[Examined, ...]


class Claimed(Struct, frozen=True, kw_only=True):
    """A slice with what the index knows, by offset."""

    decided: Decided
    knowledge: Mapping[int, Knowledge]


class Answered(Struct, frozen=True, kw_only=True):
    """One record's end: its outcome, what to produce, and what the ledger will know of it."""

    outcome: Outcome
    records: tuple[OutRecord, ...]
    record: ReportSubmitted | Withdrawal | None = None
    """What was submitted: a referral may not name its submitter, the ledger does."""
    referrals: tuple[Referral, ...] = ()
    """Made for the first records, one each."""
    dead_letter: DeadLetterMade | None = None
    """Made for the first record."""
    unrouted: Unrouted | None = None


class Finished(Struct, frozen=True, kw_only=True):
    """A slice ready to be produced and settled."""

    piece: Slice
    answers: tuple[Answered, ...]
    records: tuple[OutRecord, ...]


class TriageStages(Stages[Decided, Claimed, Finished]):
    """The slice protocol for reports; built once per process."""

    name = NAME

    def __init__(self, bundle: Bundle, codec: RecordCodec, desk: Desk, index: Index, database: Database) -> None:
        self._bundle = bundle
        self._desk = desk
        self._codec = codec
        self._writer = Writer(codec=codec)
        self._index = index
        self._database = database

    def decide(self, piece: Slice) -> Decided:
        """Admit or refuse each record, and decide what needs no other report."""
        door = Door(member=member_of(piece.topic), bundle=self._bundle, codec=self._codec)
        return Decided(piece=piece, examined=tuple(self._examine(raw, door) for raw in piece.records))

    def claim(self, decided: Decided) -> Claimed:
        """One transaction for the slice."""
        claims = tuple(_claims(decided))
        source = Source(decided.piece.topic_id, decided.piece.topic, decided.piece.partition)
        known = self._index.claim(source, claims)
        by_offset = {claim.log_offset: knowledge for claim, knowledge in zip(claims, known, strict=True)}
        return Claimed(decided=decided, knowledge=by_offset)

    def finish(self, claimed: Claimed) -> Finished:
        """Conclude and encode; nothing may refuse here."""
        piece = claimed.decided.piece
        answers = tuple(self._answers(claimed))
        return Finished(piece=piece, answers=answers, records=tuple(r for answer in answers for r in answer.records))

    def settle(self, finished: Finished, coordinates: tuple[Coordinate, ...]) -> None:
        """Write the ledger, then count."""
        with self._database.transaction() as connection:
            settle(connection, _settlement(finished, coordinates))
        for answer in finished.answers:
            metrics.record_left(NAME, answer.outcome.name.lower())

    def _examine(self, raw: RawRecord, door: Door) -> Examined:
        admitted = door.admit(raw)
        if isinstance(admitted, Rejected):
            return Examined(raw=raw, rejected=admitted)
        if isinstance(admitted.report, Withdrawal):
            return Examined(raw=raw, withdrawal=admitted.report)
        return Examined(raw=raw, proposed=self._propose(admitted, raw))

    def _propose(self, accepted: Accepted, raw: RawRecord) -> Proposed:
        return propose(accepted, self._bundle, self._desk.key, raw.timestamp_ms)

    def _answers(self, claimed: Claimed) -> Iterator[Answered]:
        """In order: a withdrawal recalls also what its own slice has just referred, which no ledger has yet."""
        referred: dict[ReportId, dict[MemberId, PriorRecipient]] = {}
        for entry in claimed.decided.examined:
            known = claimed.knowledge
            if entry.withdrawal is not None:
                known = _with_recipients(known, entry.raw.offset, referred.get(entry.withdrawal.report_id, {}))
            answer = self._answer(entry, claimed.decided.piece, known)
            for made in answer.referrals:
                prior = PriorRecipient(made.recipient, made.jurisdiction)
                referred.setdefault(made.report_id, {})[made.recipient] = prior
            yield answer

    def _answer(self, entry: Examined, piece: Slice, knowledge: Mapping[int, Knowledge]) -> Answered:
        source = piece.coordinate(entry.raw)
        if entry.rejected is not None:
            return self._refused(entry.raw, source, entry.rejected)
        if entry.withdrawal is not None:
            return self._withdrawn(entry.withdrawal, source, knowledge[entry.raw.offset], entry.raw.timestamp_ms)
        assert entry.proposed is not None  # noqa: S101 -- one of the three
        return self._decided(conclude(entry.proposed, knowledge[entry.raw.offset], self._bundle), source, knowledge)

    def _decided(self, decision: Decision, source: Coordinate, knowledge: Mapping[int, Knowledge]) -> Answered:
        report = decision.proposed.report
        routed = decision.proposed.route.recipients if decision.outcome is Outcome.ROUTED else ()
        referrals = tuple(self._desk.refer(decision, addressee) for addressee in routed)
        recipients = (_recipient(r, a.rules) for r, a in zip(referrals, routed, strict=True))
        triaged = triaged_report(decision, recipients, source, self._bundle.policy_version())
        code = _stale_code(knowledge[source.offset]) if decision.outcome is Outcome.STALE else ""
        answered = self._answered(report, triaged, decision.outcome, referrals, code)
        return replace(answered, unrouted=_unrouted(decision, triaged, source.offset))

    def _withdrawn(self, withdrawal: Withdrawal, source: Coordinate, known: Knowledge, now_ms: int) -> Answered:
        is_stale = known.is_stale or known.is_conflicting
        outcome = Outcome.STALE if is_stale else Outcome.WITHDRAWN
        prior = () if is_stale else known.recipients
        referrals = tuple(self._desk.recall(withdrawal, member, now_ms) for member in prior)
        recipients = (_recipient(referral, ("recall.withdrawn",)) for referral in referrals)
        triaged = withdrawn_report(withdrawal, recipients, source, outcome, now_ms)
        return self._answered(withdrawal, triaged, outcome, referrals, _stale_code(known) if is_stale else "")

    def _answered(
        self,
        record: ReportSubmitted | Withdrawal,
        triaged: ReportTriaged,
        outcome: Outcome,
        referrals: tuple[Referral, ...],
        code: str,
    ) -> Answered:
        made = tuple(self._writer.referral(referral, triaged.triaged_as_of.epoch_ms) for referral in referrals)
        status = outcome_status(record, triaged, outcome, code)
        return Answered(
            outcome=outcome,
            records=(*made, self._writer.triaged(triaged), self._writer.status(status)),
            record=record,
            referrals=referrals,
        )

    def _refused(self, raw: RawRecord, source: Coordinate, rejected: Rejected) -> Answered:
        member = member_of(source.topic)
        status = refusal_status(member, rejected, source, raw.timestamp_ms)
        letter = DeadLetterMade(
            log_offset=raw.offset, member=member, code=rejected.code, field=rejected.field, landed=Coordinate()
        )
        return Answered(
            outcome=Outcome.REFUSED,
            records=(dead_letter(raw, source, rejected), self._writer.status(status)),
            dead_letter=letter,
        )


def _with_recipients(
    known: Mapping[int, Knowledge], offset: int, more: Mapping[MemberId, PriorRecipient]
) -> Mapping[int, Knowledge]:
    own = known[offset]
    recipients = {prior.member: prior for prior in own.recipients} | dict(more)
    return {offset: replace(own, recipients=tuple(recipients.values()))}


def member_of(topic: str) -> MemberId:
    """Whose topic it is: `reports.<member>.submitted.v1`."""
    return MemberId(topic.split(".")[1])


def _claims(decided: Decided) -> Iterator[Claim]:
    for entry in decided.examined:
        if entry.proposed is not None:
            yield claim_of(entry.proposed, entry.raw.offset)
        elif entry.withdrawal is not None:
            yield _withdrawal_claim(entry.withdrawal, entry.raw.offset)


def _withdrawal_claim(withdrawal: Withdrawal, log_offset: int) -> Claim:
    return Claim(
        log_offset=log_offset,
        member=withdrawal.submitter,
        report_id=withdrawal.report_id,
        revision=withdrawal.revision,
        withdrawn=True,
        digest=b"withdrawn",
    )


def _recipient(referral: Referral, rules: tuple[str, ...]) -> Recipient:
    return Recipient(
        member=referral.recipient, jurisdiction=referral.jurisdiction, referral_id=referral.referral_id, rules=rules
    )


def _stale_code(known: Knowledge) -> str:
    return "report.revision_reused" if known.is_conflicting else "report.stale"


def _settlement(finished: Finished, coordinates: tuple[Coordinate, ...]) -> Settlement:
    referrals: list[ReferralMade] = []
    letters: list[DeadLetterMade] = []
    landed = iter(coordinates)
    for raw, answer in zip(finished.piece.records, finished.answers, strict=True):
        places = [next(landed) for _ in answer.records]
        if answer.record is not None:
            pairs = zip(answer.referrals, places, strict=False)
            referrals += (_made(raw.offset, answer.record, made, place) for made, place in pairs)
        if answer.dead_letter is not None:
            letters.append(replace(answer.dead_letter, landed=places[0]))
    return Settlement(
        topic_id=finished.piece.topic_id,
        topic=finished.piece.topic,
        partition=finished.piece.partition,
        first_offset=finished.piece.first,
        outcomes=tuple(answer.outcome for answer in finished.answers),
        referrals=tuple(referrals),
        dead_letters=tuple(letters),
        unrouted=tuple(answer.unrouted for answer in finished.answers if answer.unrouted is not None),
    )


def _unrouted(decision: Decision, triaged: ReportTriaged, log_offset: int) -> Unrouted | None:
    """What a person has to see: nobody got it, or what did not settle waits although somebody did."""
    if decision.outcome is Outcome.STALE or not (decision.proposed.route.waiting_reasons or not triaged.recipients):
        return None
    refused = (refusal.rule for refusal in triaged.refusals)
    return Unrouted(
        log_offset=log_offset,
        report_id=triaged.report_id,
        revision=triaged.revision,
        submitter=triaged.submitter,
        submitter_reference=triaged.submitter_reference,
        mark=triaged.mark,
        outcome=decision.outcome,
        tier=triaged.priority.tier,
        reasons=triaged.waiting_reasons or tuple(dict.fromkeys(refused)),
        recipients=len(triaged.recipients),
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
        landed=landed,
    )
