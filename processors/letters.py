"""What triage says: referrals, decisions, statuses and dead letters, addressed and encoded; pure."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final
from uuid import UUID

from msgspec import Struct

from processors.decision import Decision
from processors.intake import Rejected
from schemas.codec import MAX_SUBMITTED_BYTES
from schemas.disclosure import Audience
from schemas.headers import cloud_event_headers
from schemas.records.answers import Question, Status, StatusKind
from schemas.records.identifiers import MemberId, ReportId, name_based_uuid, report_id_of
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.ruling import Ruling
from schemas.records.triage import Recipient, ReportTriaged
from schemas.records.values import Coordinate, Instant, PolicyVersion, Tier
from schemas.screening import scan_bytes
from schemas.topics import RULINGS, TRIAGED, dead_letter_topic, referral_topic, status_topic, urgent_topic
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import DeadLetterMade
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.transport.slices import OutRecord, RawRecord

ERRORS: Final = "__tocsin.errors."
"""Prefix of dead-letter headers, with the field names that Kafka Connect uses."""
LONGEST_KEPT_BYTES: Final = 2 * MAX_SUBMITTED_BYTES
"""A packed batch may hold more than a record of ours may: what could not be sent would halt triage (ADR 0040)."""
_STATUS_NAMESPACE: Final = UUID("0b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e33")
_STAGE: Final = "triage"
QUESTION: Final = "question.incomplete"
"""The exchange's own question, by its code in the catalogue."""

_STATUS_KINDS: Final = {
    Outcome.ROUTED: StatusKind.TRIAGED,
    Outcome.COUNTED_ONLY: StatusKind.TRIAGED,
    Outcome.WAITING_PERSON: StatusKind.WAITING_PERSON,
    Outcome.NO_RECIPIENT: StatusKind.NO_RECIPIENT,
    Outcome.STALE: StatusKind.STALE,
    Outcome.WITHDRAWN: StatusKind.WITHDRAWN,
}


class _Address(Struct, frozen=True, kw_only=True):
    """Where a record goes. What has one key keeps its order; the id tells one event from another."""

    topic: str
    key: str
    event_id: str


class Writer(Struct, frozen=True, kw_only=True):
    """Encodes and addresses what triage says, each record for the class of its readers and for no other."""

    codec: RecordCodec

    def referral(self, referral: Referral, audience: Audience, now_ms: int) -> OutRecord:
        """On the recipient's topic, or on its urgent one; by report, so that its revisions stay in order (ADR 58)."""
        topic = urgent_topic if referral.priority.tier is Tier.URGENT else referral_topic
        name = topic(referral.jurisdiction, referral.recipient)
        address = _Address(topic=name, key=referral.report_id, event_id=referral.referral_id)
        return self._record(address, (referral, audience), now_ms)

    def triaged(self, triaged: ReportTriaged) -> OutRecord:
        """On the operators' topic."""
        address = _Address(topic=TRIAGED, key=triaged.report_id, event_id=triaged.report_id)
        return self._record(address, (triaged, Audience.OPERATOR), triaged.triaged_as_of.epoch_ms)

    def status(self, status: Status) -> OutRecord:
        """On the member's status topic."""
        address = _Address(topic=status_topic(status.member), key=status.report_id, event_id=status.status_id)
        return self._record(address, (status, Audience.SUBMITTER), status.at.epoch_ms)

    def ruling(self, ruling: Ruling, now_ms: int) -> OutRecord:
        """On the operators' topic of what is decided again; by report, so that rulings on one stay in order."""
        address = _Address(topic=RULINGS, key=ruling.report_id, event_id=ruling.ruling_id)
        return self._record(address, (ruling, Audience.OPERATOR), now_ms)

    def _record(self, address: _Address, content: tuple[Struct, Audience], at_ms: int) -> OutRecord:
        record, audience = content
        headers = tuple(cloud_event_headers(type(record), address.event_id, source=_STAGE, at_ms=at_ms))
        value = self.codec.dumps(record, audience)
        return OutRecord(topic=address.topic, key=address.key.encode(), value=value, headers=headers)


def triaged_report(
    decision: Decision, recipients: Iterable[Recipient], source: Coordinate, policy: PolicyVersion
) -> ReportTriaged:
    """The decision as the operators see it."""
    proposed, report = decision.proposed, decision.proposed.report
    return ReportTriaged(
        report_id=report.report_id,
        submitter=report.submitter,
        submitter_reference=report.submitter_reference,
        revision=report.revision,
        mark=report.mark,
        source=source,
        submitted_at=report.submitted_at,
        triaged_as_of=Instant(epoch_ms=proposed.now_ms),
        outcome=decision.outcome.name.lower(),
        novelty=decision.novelties.novelty,
        corroboration=decision.novelties.corroboration,
        links=decision.novelties.links,
        known_account=decision.novelties.known_account,
        verdicts=proposed.verdicts,
        priority=decision.priority,
        completeness=decision.completeness,
        recipients=tuple(recipients),
        refusals=proposed.route.refusals,
        waiting_reasons=proposed.route.waiting_reasons,
        flags=proposed.flags,
        policy=policy,
    )


class Taken(Struct, frozen=True, kw_only=True):
    """What became of a withdrawal, when, and under which bundle."""

    outcome: Outcome
    now_ms: int
    policy: PolicyVersion


def withdrawn_report(
    withdrawal: Withdrawal, recipients: Iterable[Recipient], source: Coordinate, taken: Taken
) -> ReportTriaged:
    """A withdrawal as the operators see it."""
    return ReportTriaged(
        report_id=withdrawal.report_id,
        submitter=withdrawal.submitter,
        submitter_reference=withdrawal.submitter_reference,
        revision=withdrawal.revision,
        mark=withdrawal.mark,
        source=source,
        submitted_at=withdrawal.withdrawn_at,
        triaged_as_of=Instant(epoch_ms=taken.now_ms),
        outcome=taken.outcome.name.lower(),
        recipients=tuple(recipients),
        policy=taken.policy,
    )


def outcome_status(record: ReportSubmitted | Withdrawal, triaged: ReportTriaged, outcome: Outcome, code: str) -> Status:
    """What the submitter is told of a record that went on."""
    kind = _STATUS_KINDS[outcome]
    return Status(
        status_id=status_id(_told_of(triaged), record.revision, kind),
        member=record.submitter,
        report_id=record.report_id,
        submitter_reference=record.submitter_reference,
        revision=record.revision,
        mark=record.mark,
        kind=kind,
        at=triaged.triaged_as_of,
        code=code,
        tier=triaged.priority.tier if kind is StatusKind.TRIAGED else Tier.UNKNOWN,
        recipients=_reached(triaged, kind),
        missing=triaged.completeness.missing,
    )


def _told_of(triaged: ReportTriaged) -> str:
    """Each decision on a revision is told once."""
    return f"{triaged.report_id}#{triaged.ruling}" if triaged.ruling else triaged.report_id


def question_status(triaged: ReportTriaged) -> Status:
    """What the submitter is asked: the field with the most effect first, all of them in `missing`."""
    first = triaged.completeness.missing[0]
    return Status(
        status_id=status_id(triaged.report_id, triaged.revision, StatusKind.QUESTION),
        member=triaged.submitter,
        report_id=triaged.report_id,
        submitter_reference=triaged.submitter_reference,
        revision=triaged.revision,
        mark=triaged.mark,
        kind=StatusKind.QUESTION,
        at=triaged.triaged_as_of,
        code=QUESTION,
        field=first,
        tier=triaged.priority.tier,
        missing=triaged.completeness.missing,
        question=Question(code=QUESTION, field=first, due=triaged.priority.deadline),
    )


def _reached(triaged: ReportTriaged, kind: StatusKind) -> int:
    """How many have it, or were told to give it up where it was withdrawn."""
    recalled = sum(any(rule.startswith("recall.") for rule in recipient.rules) for recipient in triaged.recipients)
    return recalled if kind is StatusKind.WITHDRAWN else len(triaged.recipients) + len(triaged.unchanged) - recalled


def refusal_status(member: MemberId, rejected: Rejected, source: Coordinate, now_ms: int) -> Status:
    """What the submitter is told of a refused record; where it did not decode, the topic says whose it is."""
    record = rejected.report
    return Status(
        status_id=status_id(f"{source.topic}[{source.partition}]@{source.offset}", 0, StatusKind.REFUSED),
        member=member,
        report_id=record.report_id if record else ReportId(""),
        submitter_reference=record.submitter_reference if record else "",
        revision=record.revision if record else 0,
        kind=StatusKind.REFUSED,
        at=Instant(epoch_ms=now_ms),
        code=rejected.code,
        field=rejected.field,
    )


def status_id(subject: str, revision: int, kind: StatusKind) -> str:
    """The same message has the same id, however often it is sent."""
    return name_based_uuid(_STATUS_NAMESPACE, f"{subject}\x1f{revision}\x1f{kind}")


def letter_made(raw: RawRecord, rejected: Rejected, member: MemberId) -> DeadLetterMade:
    """What the ledger keeps of a dead letter."""
    value = raw.value or b""
    return DeadLetterMade(
        log_offset=raw.offset,
        member=member,
        code=rejected.code,
        field=rejected.field,
        value_bytes=len(value),
        value_sha256=sha256(value).hexdigest(),
        masked=_is_masked(raw, rejected),
        report_id=_own_id(rejected.report, member),
    )


def _own_id(record: ReportSubmitted | Withdrawal | None, member: MemberId) -> ReportId | None:
    """The report that a refused record is of; nothing where it names another's, or what is no id at all."""
    if record is None or record.submitter != member:
        return None
    derived = report_id_of(record.submitter, record.submitter_reference)
    return derived if derived == record.report_id else None


def dead_letter(raw: RawRecord, source: Coordinate, rejected: Rejected) -> OutRecord:
    """The record as it came, with where and why; what may carry imagery leaves only length and digest behind."""
    made = letter_made(raw, rejected, MemberId(""))
    facts = {
        "topic": source.topic,
        "topic.id": source.topic_id,
        "partition": str(source.partition),
        "offset": str(source.offset),
        "stage": _STAGE,
        "report.id": rejected.report.report_id if rejected.report else "",
        "code": rejected.code,
        "field": rejected.field,
        "value.bytes": str(made.value_bytes),
        "value.sha256": made.value_sha256,
        "value.masked": "true" if made.masked else "false",
        "at": str(raw.timestamp_ms),
    }
    headers = tuple((f"{ERRORS}{name}", fact.encode()) for name, fact in facts.items())
    kept = () if made.masked else raw.headers
    return OutRecord(
        topic=dead_letter_topic(source.topic),
        key=raw.key if raw.key and not made.masked else str(source.offset).encode(),
        value=b"" if made.masked else raw.value or b"",
        headers=(*kept, *headers),
    )


def _is_masked(raw: RawRecord, rejected: Rejected) -> bool:
    may_carry_imagery = rejected.code.startswith("firewall.") or scan_bytes(raw.value or b"") is not None
    return may_carry_imagery or _size(raw) > LONGEST_KEPT_BYTES


def _size(raw: RawRecord) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in raw.headers)
    return len(raw.value or b"") + len(raw.key or b"") + headers
