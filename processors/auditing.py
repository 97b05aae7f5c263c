"""What triage tells the audit log of one record: each referral that went out, the decision, or the refusal; pure."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import compress
from operator import attrgetter, ne
from typing import Any, Final

from msgspec.structs import fields

from processors.answering import Answered
from schemas.disclosure import Sensitivity, field_rules
from schemas.records.identifiers import KeyId, ReportId
from schemas.records.referral import Referral
from schemas.records.values import Coordinate
from tocsin.runtime.audit.statements import Decision, Disclosure, Fact, Refusal, landed_at
from tocsin.runtime.transport.slices import OutRecord, RawRecord


def audited(raw: RawRecord, answer: Answered, landed: Sequence[Coordinate]) -> Iterator[Fact]:
    """The facts of one record; `landed` says where each of its answer's records lies."""
    for statement in _statements(answer, landed):
        yield Fact(statement=statement, at_ms=raw.timestamp_ms, log_offset=raw.offset)


def _statements(answer: Answered, landed: Sequence[Coordinate]) -> Iterator[Disclosure | Decision | Refusal]:
    for referral, record, place in zip(answer.referrals, answer.records, landed, strict=False):
        yield _disclosure(referral, record, place)
    made = answer.decision
    if made is not None:
        position = len(answer.referrals)
        yield Decision(
            report=made.report_id,
            revision=made.revision,
            ruling=made.ruling,
            outcome=answer.outcome.name.lower(),
            tier=made.tier,
            mark=made.mark,
            policy=made.policy,
            **_proof(answer.records[position], landed[position]),
        )
    if answer.dead_letter is not None:
        letter = answer.dead_letter
        yield Refusal(
            member=letter.member,
            code=letter.code,
            report=letter.report_id or ReportId(""),
            **_proof(answer.records[0], landed[0]),
        )


def _disclosure(referral: Referral, record: OutRecord, place: Coordinate) -> Disclosure:
    return Disclosure(
        report=referral.report_id,
        revision=referral.revision,
        ruling=referral.ruling,
        referral=referral.referral_id,
        recipient=referral.recipient,
        jurisdiction=referral.jurisdiction,
        mark=referral.mark,
        recall=referral.withdrawn,
        fields=tuple(compress(_TOLD, map(ne, _said(referral), _NOTHING))),
        withheld=tuple(dict.fromkeys(each.rule for each in referral.withheld)),
        sealed_to=tuple(KeyId(part.key_id) for part in referral.sealed),
        policy=referral.policy.bundle,
        **_proof(record, place),
    )


def _proof(record: OutRecord, place: Coordinate) -> dict[str, Any]:
    return {"landed": landed_at(place), "sha256": sha256(record.value).hexdigest()}


def _told() -> Iterator[tuple[str, object]]:
    """The fields that say something of a case, each with what it has where it says nothing."""
    nothing = {field.name: field.default for field in fields(Referral)}
    for name, rule in field_rules(Referral).items():
        if rule.sensitivity is not Sensitivity.OPERATIONAL:
            yield name, nothing[name]


_TOLD, _NOTHING = zip(*_told(), strict=True)
_said: Final = attrgetter(*_TOLD)
