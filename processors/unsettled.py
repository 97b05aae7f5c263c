"""Which answers of a recipient a person has to look at, and which make triage decide again; pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from processors.telling import Known
from schemas.records.answers import Return, ReturnKind
from schemas.records.identifiers import MemberId, ruling_id_of
from schemas.records.ruling import Amendment, Ruling, RulingCause
from schemas.records.values import Coordinate
from schemas.topics import RETURNS
from tocsin.runtime.ledger.queue import Entered

_ARRIVED: Final = ("delivered", "counted", "taken_up", "refused", "withdrawn")
_LOOKED_AT: Final = ("taken_up", "refused", "withdrawn")


class _Concern(Struct, frozen=True, kw_only=True):
    """Why an answer concerns a person, and which states of its referral end that."""

    reason: str
    ends: tuple[str, ...] = ()
    once: bool = False
    """However often it is said of one referral."""


_CONCERNS: Final[Mapping[ReturnKind, _Concern]] = {
    ReturnKind.PARKED: _Concern(reason="queue.parked", ends=_ARRIVED),
    ReturnKind.EXPIRED: _Concern(reason="queue.expired", ends=_ARRIVED),
    ReturnKind.ESCALATED: _Concern(reason="queue.not_taken_up", ends=_LOOKED_AT, once=True),
    ReturnKind.REFUSED: _Concern(reason="queue.refused"),
}


def for_a_person(answer: Return) -> Entered | None:
    """The entry of the queue that an answer makes; an escalation only where the policy leaves nobody in line."""
    concern = _CONCERNS.get(answer.kind)
    if concern is None or (answer.kind is ReturnKind.ESCALATED and answer.addressee):
        return None
    return Entered(
        referral_id=answer.referral_id,
        cause=f"{answer.kind.lower()}:{answer.referral_id}" if concern.once else answer.return_id,
        reason=concern.reason,
        ends=concern.ends,
        when_all_refused=answer.kind is ReturnKind.REFUSED,
    )


def ruling_of(answer: Return, submitter: MemberId, report: Coordinate, holders: tuple[MemberId, ...]) -> Ruling | None:
    """What has to be decided again: an urgent referral that nobody takes up goes to whom the policy names next.

    Whoever is told already and has the report keeps its copy; nobody is recalled, because somebody may look after all.
    """
    if answer.kind is not ReturnKind.ESCALATED or answer.addressee in {"", answer.member}:
        return None
    if answer.addressee in holders:
        return None
    return Ruling(
        ruling_id=ruling_id_of(answer.report_id, answer.revision, f"return:{answer.return_id}"),
        report_id=answer.report_id,
        revision=answer.revision,
        submitter=submitter,
        source=report,
        cause=RulingCause.ESCALATED,
        occasion=f"return:{answer.return_id}",
        decided_by=RETURNS,
        reason=answer.reason_code,
        unchanged=holders,
        chosen=(answer.addressee,),
    )


def ruling_on(answer: Return, known: Known, cause: RulingCause, amendments: tuple[Amendment, ...] = ()) -> Ruling:
    """What an answer lets be decided again, with what was found out: no copy stands unless its caller spares it."""
    occasion = f"{cause.lower()}:{answer.return_id}"
    return Ruling(
        ruling_id=ruling_id_of(answer.report_id, known.revision, occasion),
        report_id=answer.report_id,
        revision=known.revision,
        submitter=known.submitter,
        source=known.report,
        cause=cause,
        occasion=occasion,
        decided_by=RETURNS,
        amendments=amendments,
    )
