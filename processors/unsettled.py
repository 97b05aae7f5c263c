"""Which answers of a recipient are for a person of the exchange to look at; pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from schemas.records.answers import Return, ReturnKind
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
