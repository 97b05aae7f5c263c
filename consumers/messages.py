"""The Returns that the machine writes about its deliveries; the same fact gives the same `return_id` for ever."""

from uuid import UUID, uuid5

from msgspec.structs import replace

from consumers.escalation import Rung
from consumers.states import TOLD, State
from consumers.store.deliveries import Delivery
from consumers.store.erasures import Erasure
from schemas.records.answers import Return, ReturnKind, Status
from schemas.records.identifiers import MemberId, ReferralId
from schemas.records.values import Instant

_NAMESPACE = UUID("0b7c2f5e-6f0e-5a53-9a3e-2f4f2a7c9d10")


def return_id_of(referral_id: str, kind: ReturnKind, discriminator: str = "") -> str:
    """The id of one statement about one referral: said again, it is recognised."""
    return str(uuid5(_NAMESPACE, "\x1f".join((referral_id, kind, discriminator))))


def state_return(member: MemberId, delivery: Delivery, state: State, now_ms: int, code: str = "") -> Return:
    """What the machine says of a delivery that entered a state; parked twice is said twice."""
    kind = TOLD[state]
    discriminator = f"{code}:{delivery.attempts}" if kind in _REPEATABLE else ""
    return replace(
        _said_by(member, delivery, kind, now_ms),
        reason_code=code,
        return_id=return_id_of(delivery.key, kind, discriminator),
    )


def escalation_return(member: MemberId, delivery: Delivery, rung: Rung, now_ms: int) -> Return:
    """Nobody has taken it up: the next one in line must look; how to reach them stays with the member."""
    kind = ReturnKind.ESCALATED
    return replace(
        _said_by(member, delivery, kind, now_ms),
        reason_code=rung.code.value,
        addressee=rung.contact.member,
        return_id=return_id_of(delivery.key, kind, f"{rung.code}:{rung.after_ms}"),
    )


def recalled_return(member: MemberId, notice: Status, now_ms: int) -> Return:
    """The inbox knows of a recall, and nothing leaves any more of what that takes back."""
    delivery = Delivery(key=notice.referral_id, report_id=notice.report_id, revision=notice.revision, mark=notice.mark)
    return replace(_said_by(member, delivery, ReturnKind.RECALLED, now_ms), reason_code=notice.code)


def erased_return(member: MemberId, erasure: Erasure, code: str, now_ms: int) -> Return:
    """The content of a report is gone here; the code says whether it is from every sink."""
    kind = ReturnKind.ERASED
    delivery = Delivery(key=erasure.referral_id, report_id=erasure.report_id)
    return replace(
        _said_by(member, delivery, kind, now_ms),
        reason_code=code,
        return_id=return_id_of(erasure.referral_id, kind, f"{erasure.ordered_ms}:{code}"),
    )


def held_return(member: MemberId, erasure: Erasure, now_ms: int) -> Return:
    """An order to erase waits here for a legal hold to end; said once of each order."""
    kind = ReturnKind.ERASURE_HELD
    delivery = Delivery(key=erasure.referral_id, report_id=erasure.report_id)
    return replace(
        _said_by(member, delivery, kind, now_ms),
        reason_code="erasure.held",
        return_id=return_id_of(erasure.referral_id, kind, f"{erasure.ordered_ms}"),
    )


_REPEATABLE = (ReturnKind.PARKED, ReturnKind.EXPIRED, ReturnKind.UNCERTAIN)


def _said_by(member: MemberId, delivery: Delivery, kind: ReturnKind, now_ms: int) -> Return:
    return Return(
        return_id=return_id_of(delivery.key, kind),
        referral_id=ReferralId(delivery.key),
        report_id=delivery.report_id,
        member=member,
        revision=delivery.revision,
        mark=delivery.mark,
        kind=kind,
        at=Instant(epoch_ms=now_ms, utc_offset_minutes=0),
        attempts=delivery.attempts,
    )
