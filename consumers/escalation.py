"""Whom an urgent referral goes to when nobody takes it up, and when: pure, from its deadline and the present time."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from schemas.records.identifiers import MemberId

_MINUTE_MS = 60_000
_WITHOUT_DEADLINE_MS = 3_600_000
"""How long an urgent referral may wait that came without a deadline."""


class Role(StrEnum):
    """Who is told, in this order unless the delivery file has another; each is a code of the message catalogue."""

    DUTY_CONTACT = "escalation.duty_contact"
    STAND_IN = "escalation.stand_in"
    FALLBACK = "escalation.fallback"


class EscalationStep(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to tell when nobody has taken up an urgent referral, and how long after the step before."""

    code: Role
    after_minutes: int = 0
    to: str = ""
    """How to reach them, where the member's own file knows better than the policy bundle."""


class Contact(Struct, frozen=True, kw_only=True):
    """Somebody who must look."""

    member: MemberId
    """Whose people, and all that the exchange is told; empty for the operator of the exchange."""
    reach: str
    """Name, and how to reach them: for this member's own log only."""


OPERATOR = Contact(member=MemberId(""), reach="the operator of the exchange")
"""The last in line where the policy names nobody."""
Contacts = Mapping[Role, Contact]


class Rung(Struct, frozen=True, kw_only=True):
    """One step of the ladder: how long after the beginning, and who is told."""

    code: Role
    after_ms: int
    contact: Contact


def ladder(steps: Sequence[EscalationStep], contacts: Contacts) -> tuple[Rung, ...]:
    """The steps with their times added up and their people named."""
    rungs: list[Rung] = []
    after_ms = 0
    for step in steps:
        after_ms += max(step.after_minutes, 0) * _MINUTE_MS
        contact = contacts.get(step.code, OPERATOR)
        reached = replace(contact, reach=step.to) if step.to else contact
        rungs.append(Rung(code=step.code, after_ms=after_ms, contact=reached))
    return tuple(rungs)


def begins_ms(deadline_ms: int | None, received_ms: int) -> int:
    """When waiting is over: at the deadline, but never before this member could know of the referral."""
    return received_ms + _WITHOUT_DEADLINE_MS if deadline_ms is None else max(deadline_ms, received_ms)


def due(rungs: Sequence[Rung], taken: int, began_ms: int, now_ms: int) -> tuple[Rung, ...]:
    """The rungs behind those already taken whose time has come; several at once after a standstill."""
    return tuple(rung for rung in rungs[taken:] if began_ms + rung.after_ms <= now_ms)


def next_ms(rungs: Sequence[Rung], taken: int, began_ms: int) -> int | None:
    """When the next rung is due; None where the ladder ends."""
    return began_ms + rungs[taken].after_ms if taken < len(rungs) else None
