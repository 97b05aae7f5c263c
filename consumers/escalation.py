"""Whom an urgent referral goes to when nobody takes it up, and when: pure, from its deadline and the present time."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from schemas.records.identifiers import MemberId
from tocsin.policy.duty import on_duty
from tocsin.policy.members import Member

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
    """Who: `escalation.duty_contact`, `escalation.stand_in` or `escalation.fallback`."""
    after_minutes: float = 0
    """How long after the step before."""
    to: str = ""
    """How to reach them, where the member's own file knows better than the policy bundle."""


class Contact(Struct, frozen=True, kw_only=True):
    """Somebody who must look."""

    member: MemberId
    """Whose people, and all that the exchange is told; empty for the operator of the exchange."""
    reach: str
    """Name, and how to reach them: for this member's own log only."""
    off_duty_reach: str = ""
    """The same outside duty hours; empty where nobody can be reached then."""
    party: Member | None = None
    """Whose duty hours count; None for somebody who is always there."""

    def is_there(self, now_ms: int) -> bool:
        """Whether somebody can be reached now."""
        return bool(self.off_duty_reach) or self.on_duty(now_ms)

    def on_duty(self, now_ms: int) -> bool:
        """Whether the duty hours of the member include this instant."""
        return self.party is None or on_duty(self.party, now_ms)


OPERATOR = Contact(member=MemberId(""), reach="the operator of the exchange")
"""The last in line where the policy names nobody."""
Contacts = Mapping[Role, Contact]


class Rung(Struct, frozen=True, kw_only=True):
    """One step of the ladder: how long after the beginning, and who is told."""

    code: Role
    after_ms: int
    contact: Contact
    absent: bool = False
    """Nobody can be reached now: whoever is next in line is told at the same time."""


def ladder(steps: Sequence[EscalationStep], contacts: Contacts, now_ms: int) -> tuple[Rung, ...]:
    """The steps with their times added up and their people named, as they can be reached at that instant."""
    rungs: list[Rung] = []
    after_ms = 0
    for step in steps:
        after_ms += round(max(step.after_minutes, 0) * _MINUTE_MS)
        contact = contacts.get(step.code, OPERATOR)
        absent = not step.to and not contact.is_there(now_ms)
        rungs.append(Rung(code=step.code, after_ms=after_ms, contact=_reached(contact, step, now_ms), absent=absent))
    return tuple(rungs)


def _reached(contact: Contact, step: EscalationStep, now_ms: int) -> Contact:
    """The member's own file knows best, whatever the hour."""
    off_duty = "" if contact.on_duty(now_ms) else contact.off_duty_reach
    reach = step.to or off_duty
    return replace(contact, reach=reach) if reach else contact


def begins_ms(deadline_ms: int | None, received_ms: int) -> int:
    """When waiting is over: at the deadline, but never before this member could know of the referral."""
    return received_ms + _WITHOUT_DEADLINE_MS if deadline_ms is None else max(deadline_ms, received_ms)


def due(rungs: Sequence[Rung], taken: int, began_ms: int, now_ms: int) -> tuple[Rung, ...]:
    """The rungs behind those already taken whose time has come; several at once after a standstill, or where somebody
    who is told cannot be reached.
    """
    found: list[Rung] = []
    for rung in rungs[taken:]:
        if began_ms + rung.after_ms > now_ms and not (found and found[-1].absent):
            break
        found.append(rung)
    return tuple(found)


def next_ms(rungs: Sequence[Rung], taken: int, began_ms: int) -> int | None:
    """When the next rung is due; None where the ladder ends."""
    return began_ms + rungs[taken].after_ms if taken < len(rungs) else None
