"""A police unit's own wish that notices to a host wait: whether it counts, and what follows; pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from processors.telling import Known
from processors.unsettled import ruling_on
from schemas.records.answers import Return, ReturnKind
from schemas.records.identifiers import MemberId
from schemas.records.ruling import Ruling, RulingCause
from schemas.screening import rule_of_text
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import POLICE, Sector
from tocsin.runtime.ledger.holds import AskedHold

MOST: Final = timedelta(days=90)
_REMINDED_BEFORE: Final = timedelta(days=1)


def hold_refusal(answer: Return, bundle: Bundle) -> str:
    """The code of what a hold lacks; empty for one that counts, and for every other answer."""
    if answer.kind is not ReturnKind.HOLD:
        return ""
    member = bundle.members.get(answer.member)
    if member is None or member.sector not in POLICE:
        return "return.hold_not_police"
    if answer.until is None:
        return ""
    if not 0 < answer.until.epoch_ms - answer.at.epoch_ms <= MOST / timedelta(milliseconds=1):
        return "return.hold_until"
    return "" if answer.memo and rule_of_text(answer.memo.text) is None else "return.hold_reason"


def asked_hold(answer: Return) -> AskedHold:
    """What the ledger keeps: owner, reason, until when, and when somebody is reminded."""
    ends = _moment(answer.until.epoch_ms) if answer.until else None
    return AskedHold(
        return_id=answer.return_id,
        report_id=answer.report_id,
        owner=answer.member,
        reason=answer.memo.text if answer.memo else "",
        asked_at=_moment(answer.at.epoch_ms),
        expires_at=ends,
        remind_at=ends - _REMINDED_BEFORE if ends else None,
    )


def hold_ruling(answer: Return, known: Known, bundle: Bundle) -> Ruling:
    """Each hotline that has the report gets a new copy, which says whether notices are held; other copies stand."""
    others = (name for name in known.holders if not _is_hotline(name, bundle))
    return replace(ruling_on(answer, known, RulingCause.HOLD), unchanged=tuple(others))


def holds_among(answers: Iterable[Return | None]) -> list[AskedHold]:
    """Those that count, in their order."""
    return [asked_hold(answer) for answer in answers if answer is not None and answer.kind is ReturnKind.HOLD]


def _is_hotline(name: MemberId, bundle: Bundle) -> bool:
    found = bundle.members.get(name)
    return found is not None and found.sector == Sector.HOTLINE


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
