"""Canaries: tests of the operator, for each receiving member and lane, that say whether the way is open (ADR 0043)."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from msgspec import Struct

from producers.draft import ReportDraft
from producers.feeds.entries import Rejection
from producers.feeds.jsonl.reader import entry_of
from producers.lanes import Lane
from producers.service import Publishing
from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from schemas.records.report import Escalation
from schemas.records.values import Mark
from tocsin.policy.bundle import Bundle
from tocsin.runtime.metrics import CANARY_ROUND

_URGENT: Final = Escalation(reason_code="other")


_ARRIVES_BY: Final = {Lane.SUBMITTED: "normal", Lane.ESCALATED: "escalated"}
"""As the courier names the lanes when it tells of one that came: an alert compares the two."""


class Perch(Struct, frozen=True, kw_only=True):
    """Where one canary goes."""

    member: MemberId
    lane: Lane


def perches(bundle: Bundle, on: date) -> Iterator[Perch]:
    """Every member that receives and takes part, by either lane."""
    for name in sorted(bundle.members):
        if bundle.members[name].receives and bundle.members[name].takes_part(on):
            yield from (Perch(member=name, lane=lane) for lane in Lane)


def draft_of(perch: Perch, now_ms: int) -> ReportDraft:
    """No address, digest, account or person: it is never a duplicate of anything, and nothing becomes one of it."""
    return ReportDraft(
        submitter_reference=f"{perch.member}/{perch.lane}/{now_ms}",  # triage reads the member there; a test compares
        mark=Mark.TEST,
        incident_types=("other",),
        escalation=_URGENT if perch.lane is Lane.ESCALATED else None,
    )


def checked(bundle: Bundle, member: MemberId) -> None:
    """Raises Refused for a member whose reports would be taken for real ones."""
    known = bundle.members.get(member)
    if known is None or not known.canary:
        raise Refused(message("canary.not_one", member=member), code="canary.not_one")


def release(publishing: Publishing, bundle: Bundle, on: date, now_ms: int) -> tuple[Perch, ...]:
    """Write one round into the journal, unless the last one has not left; tells for whom."""
    if publishing.waiting_count():
        return ()
    context, sent_to = publishing.context(), tuple(perches(bundle, on))
    drafts = (draft_of(perch, now_ms) for perch in sent_to)
    entries = (entry_of(draft, number, context) for number, draft in enumerate(drafts, start=1))
    for answer in list(publishing.take(entries)):  # all are written before one is complained of
        if isinstance(answer, Rejection):
            raise Refused("; ".join(map(str, answer.problems)), code=answer.problems[0].code)
    return sent_to


def tell_round(sent_to: Iterable[Perch], now_ms: int) -> None:
    """Publish to whom one is on its way; who gets none any more is not named any more."""
    CANARY_ROUND.clear()
    for perch in sent_to:
        CANARY_ROUND.labels(perch.member, _ARRIVES_BY[perch.lane]).set(now_ms / 1000)
