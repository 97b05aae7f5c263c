"""What becomes of one record: its outcome, the referrals and recalls it makes, and what is said of it; pure."""

from msgspec import Struct
from msgspec.structs import replace

from processors.comparing import FOUND_OUT
from processors.decision import ORIGIN_EXPIRED, Decision
from processors.index.port import Knowledge, PriorRecipient
from processors.intake import Rejected
from processors.items import items_of
from processors.keeping import retain_until_ms
from processors.letters import (
    Taken,
    Writer,
    dead_letter,
    letter_made,
    outcome_status,
    question_status,
    refusal_status,
    triaged_report,
    withdrawn_report,
)
from processors.measuring import labels_of
from processors.referring import Desk, Recalled
from processors.standing import RESTRICTED
from processors.takingback import BY_EXCHANGE, LABELLED, SEND_AGAIN, notices
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.ruling import RECALLED, Ruling
from schemas.records.triage import Recipient, ReportTriaged
from schemas.records.values import Coordinate, Mark
from schemas.topics import OPS
from tocsin.runtime.ledger.items import ItemMade
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import DeadLetterMade, DecisionMade, LinkMade, Unrouted
from tocsin.runtime.transport.slices import OutRecord, RawRecord


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
    decision: DecisionMade | None = None
    """Made for the record behind the referrals."""
    ruling: Ruling | None = None
    """What was carried out, or overtaken."""
    items: tuple[ItemMade, ...] = ()
    denied: int = 0
    """How many members a rule or the submitter kept the report from, whoever else got it."""


class Again(Struct, frozen=True, kw_only=True):
    """A ruling as it is carried out."""

    ruling: Ruling
    number: int
    log_offset: int


class Answering(Struct, frozen=True, kw_only=True):
    """Answers records; built once per process."""

    desk: Desk
    writer: Writer

    def decided(self, decision: Decision, source: Coordinate, known: Knowledge) -> Answered:
        """A report: a referral for each recipient, and a recall for who had an earlier revision and is not one now."""
        routed = self.referrals(decision)
        recalled = self._corrected(decision, known, routed)
        rules = (addressee.rules for addressee in decision.proposed.route.recipients)
        recipients = [_recipient(made, why) for made, why in zip(routed, rules, strict=False)]
        recipients += [_recipient(made, (f"recall.{made.changes[0]}",)) for made in recalled]
        triaged = triaged_report(decision, recipients, source, self.desk.bundle.policy_version())
        code = _stale_code(known) if decision.outcome is Outcome.STALE else ""
        answered = self._answered(decision.proposed.report, triaged, (*routed, *recalled), code)
        if self.asks(triaged):
            answered = replace(answered, records=(*answered.records, self.writer.status(question_status(triaged))))
        unrouted = _unrouted(decision, triaged, source.offset, len(routed))
        items = () if decision.outcome is Outcome.STALE else items_of(decision.proposed, self.desk.bundle)
        return replace(answered, unrouted=unrouted, decision=self._decision_made(decision, triaged, known), items=items)

    def ruled(self, decision: Decision, again: Again, known: Knowledge) -> Answered:
        """A report that is decided again: a copy for whom something changes, a recall for who should not have one."""
        if decision.outcome is Outcome.STALE:
            return Answered(outcome=Outcome.STALE, records=(), ruling=again.ruling)
        stands = {prior.member for prior in known.recipients} & set(again.ruling.unchanged)
        addressees = [each for each in decision.proposed.route.recipients if each.member not in stands]
        named = {addressee.member for addressee in decision.proposed.route.recipients} | stands
        subject = Recalled.from_decision(decision, again.number)
        routed = self.desk.refer(decision, addressees, again.number)
        recalled = tuple(self.desk.recall(subject, prior) for prior in known.recipients if prior.member not in named)
        recipients = [_recipient(made, why.rules) for made, why in zip(routed, addressees, strict=True)]
        recipients += [_recipient(made, (f"recall.{made.changes[0]}",)) for made in recalled]
        triaged = replace(
            triaged_report(decision, recipients, again.ruling.source, self.desk.bundle.policy_version()),
            ruling=again.number,
            unchanged=tuple(sorted(stands)),
        )
        code = "queue.closed" if decision.outcome is Outcome.NO_RECIPIENT and again.ruling.closed else ""
        answered = self._answered(decision.proposed.report, triaged, (*routed, *recalled), code, again.ruling)
        if stands and not (recipients or triaged.waiting_reasons) and again.ruling.cause in FOUND_OUT:
            answered = replace(answered, records=answered.records[:-1])  # no status: the answer itself was told
        unrouted = _unrouted(decision, triaged, again.log_offset, len(routed) + len(stands))
        made = self._decision_made(decision, triaged, known)
        return replace(answered, unrouted=unrouted, decision=made, ruling=again.ruling)

    def asks(self, triaged: ReportTriaged) -> bool:
        """Whether the submitter is asked for what is missing: the report has gone on by then."""
        asking, completeness = self.desk.bundle.priority.asking, triaged.completeness
        is_current = triaged.outcome != Outcome.STALE.name.lower()
        is_thin = bool(completeness.missing) and completeness.score < asking.below_completeness
        return is_current and is_thin and triaged.priority.tier in asking.tiers

    def referrals(self, decision: Decision) -> tuple[Referral, ...]:
        """One for each recipient of a report that is routed."""
        routed = decision.proposed.route.recipients if decision.outcome is Outcome.ROUTED else ()
        return self.desk.refer(decision, routed) if routed else ()

    def written(self, referrals: tuple[Referral, ...], now_ms: int) -> tuple[OutRecord, ...]:
        """Each for the class of readers that its recipient belongs to."""
        readers = (self.desk.audience_of(referral.recipient) for referral in referrals)
        return tuple(self.writer.referral(one, reader, now_ms) for one, reader in zip(referrals, readers, strict=True))

    def withdrawn(self, withdrawal: Withdrawal, source: Coordinate, known: Knowledge, now_ms: int) -> Answered:
        """A withdrawal: a recall for everybody who has the report."""
        subject = Recalled.from_withdrawal(withdrawal, now_ms)
        if known.is_stale or known.is_conflicting:
            return self._given_up(withdrawal, source, replace(known, recipients=()), (subject, _stale_code(known)))
        by_exchange = BY_EXCHANGE if withdrawal.revision == RECALLED else ""
        return self._given_up(withdrawal, source, known, (subject, by_exchange))

    def unlabelled(self, withdrawal: Withdrawal, source: Coordinate, known: Knowledge, again: Again) -> Answered:
        """A label counts no more, and no record is left to make a copy without it: whoever may have it gives it up."""
        holders = tuple(prior for prior in known.recipients if prior.member not in again.ruling.unchanged)
        if known.is_stale or not holders:
            outcome = Outcome.STALE if known.is_stale else Outcome.WITHDRAWN
            return Answered(outcome=outcome, records=(), ruling=again.ruling)
        taken = Recalled.from_withdrawal(withdrawal, withdrawal.withdrawn_at.epoch_ms)
        subject = replace(taken, change=LABELLED, ruling=again.number)
        given_up = self._given_up(withdrawal, source, replace(known, recipients=holders), (subject, SEND_AGAIN))
        return replace(given_up, ruling=again.ruling)

    def unruled(self, raw: RawRecord, source: Coordinate, rejected: Rejected) -> Answered:
        """A ruling that cannot be carried out: a dead letter for the operators, who sent it."""
        return Answered(
            outcome=rejected.outcome,
            records=(dead_letter(raw, source, rejected),),
            dead_letter=letter_made(raw, rejected, OPS),
        )

    def refused(self, raw: RawRecord, source: Coordinate, rejected: Rejected, member: MemberId) -> Answered:
        """A record that cannot go on: a dead letter, and a status that says why."""
        status = refusal_status(member, rejected, source, raw.timestamp_ms)
        return Answered(
            outcome=rejected.outcome,
            records=(dead_letter(raw, source, rejected), self.writer.status(status)),
            dead_letter=letter_made(raw, rejected, member),
        )

    def _decision_made(self, decision: Decision, triaged: ReportTriaged, known: Knowledge) -> DecisionMade:
        made = _decision_made(triaged, retain_until_ms(decision, self.desk.bundle))
        if known.is_erased:
            return replace(made, submitter_reference="", missing=(), links=(), retain_until_ms=None)
        return made if decision.outcome is Outcome.STALE else replace(made, labels=labels_of(decision.proposed.report))

    def _corrected(self, decision: Decision, known: Knowledge, routed: tuple[Referral, ...]) -> tuple[Referral, ...]:
        if decision.outcome is Outcome.STALE:
            return ()
        still = {referral.recipient for referral in routed}
        subject = Recalled.from_decision(decision)
        return tuple(self.desk.recall(subject, prior) for prior in known.recipients if prior.member not in still)

    def _given_up(
        self, withdrawal: Withdrawal, source: Coordinate, known: Knowledge, what: tuple[Recalled, str]
    ) -> Answered:
        """A recall for each of the recipients; the submitter is told by that code."""
        subject, code = what
        outcome = Outcome.STALE if known.is_stale or known.is_conflicting else Outcome.WITHDRAWN
        referrals = tuple(self.desk.recall(subject, member) for member in known.recipients)
        recipients = [_recipient(referral, (f"recall.{subject.change}",)) for referral in referrals]
        taken = Taken(outcome=outcome, now_ms=subject.now_ms, policy=self.desk.bundle.policy_version())
        triaged = replace(withdrawn_report(withdrawal, recipients, source, taken), ruling=subject.ruling)
        return self._answered(withdrawal, triaged, referrals, code)

    def _answered(
        self,
        record: ReportSubmitted | Withdrawal,
        triaged: ReportTriaged,
        referrals: tuple[Referral, ...],
        code: str,
        ruling: Ruling | None = None,
    ) -> Answered:
        """The status to the submitter comes last."""
        outcome = Outcome[triaged.outcome.upper()]
        made = self.written(referrals, triaged.triaged_as_of.epoch_ms)
        told = map(self.writer.status, notices(referrals, ruling))
        status = outcome_status(record, triaged, outcome, code or _submitters_part(triaged))
        return Answered(
            outcome=outcome,
            records=(*made, self.writer.triaged(triaged), *told, self.writer.status(status)),
            record=record,
            referrals=referrals,
            denied=sum(bool(refusal.member) for refusal in triaged.refusals),
        )


def prior_of(referral: Referral) -> PriorRecipient:
    """Who has it from now on."""
    return PriorRecipient(referral.recipient, referral.jurisdiction)


def _recipient(referral: Referral, rules: tuple[str, ...]) -> Recipient:
    return Recipient(
        member=referral.recipient, jurisdiction=referral.jurisdiction, referral_id=referral.referral_id, rules=rules
    )


def _decision_made(triaged: ReportTriaged, retain_until_ms: int) -> DecisionMade:
    return DecisionMade(
        retain_until_ms=retain_until_ms,
        report_id=triaged.report_id,
        revision=triaged.revision,
        ruling=triaged.ruling,
        submitter=triaged.submitter,
        submitter_reference=triaged.submitter_reference,
        mark=triaged.mark,
        tier=triaged.priority.tier,
        completeness=triaged.completeness.score,
        policy=triaged.policy.bundle,
        missing=triaged.completeness.missing,
        links=tuple(LinkMade(other=link.report_id, distance=link.distance) for link in triaged.links),
    )


def _submitters_part(triaged: ReportTriaged) -> str:
    """Why nobody gets it, where that is the submitter's to know."""
    if any(refusal.rule == RESTRICTED for refusal in triaged.refusals):
        return RESTRICTED
    return ORIGIN_EXPIRED if ORIGIN_EXPIRED in triaged.waiting_reasons else ""


def _stale_code(known: Knowledge) -> str:
    if known.is_erased:
        return "report.erased"
    return "report.revision_reused" if known.is_conflicting else "report.stale"


def _unrouted(decision: Decision, triaged: ReportTriaged, log_offset: int, recipients: int) -> Unrouted | None:
    """What a person has to see: nobody got it, or what did not settle waits although somebody did."""
    if decision.outcome is Outcome.STALE or (recipients and not decision.proposed.route.waiting_reasons):
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
        recipients=recipients,
        waits=bool(triaged.waiting_reasons) and triaged.mark is not Mark.TEST,
        deadline_ms=triaged.priority.deadline.epoch_ms if triaged.priority.deadline else None,
    )
