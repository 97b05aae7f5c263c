"""What the inbox makes of a referral: the rows of its delivery and of a bundle, before anything is decided; pure."""

from typing import Any, Final

from consumers.escalation import begins_ms
from consumers.settings import Limits
from consumers.states import State
from consumers.store.deliveries import BUNDLE, REFERRAL
from consumers.store.tables import NEVER_MS
from schemas.records.referral import Referral
from schemas.records.values import Tier

_RANKS: Final = {Tier.URGENT: 0, Tier.HIGH: 1, Tier.UNKNOWN: 1, Tier.NORMAL: 2, Tier.LOW: 3}


def referral_row(referral: Referral, now_ms: int, limits: Limits) -> dict[str, Any]:
    """One referral as a row of the deliveries, without where it came from; its state is still to be decided."""
    deadline = referral.priority.deadline
    is_urgent = referral.priority.tier is Tier.URGENT
    retain_ms = referral.retain_until.epoch_ms if referral.retain_until else NEVER_MS
    return {
        "key": referral.referral_id,
        "kind": REFERRAL,
        "report_id": referral.report_id,
        "revision": referral.revision,
        "mark": referral.mark,
        "tier": referral.priority.tier,
        "rank": _RANKS[referral.priority.tier],
        "deadline_ms": deadline.epoch_ms if deadline else NEVER_MS,
        "received_ms": now_ms,
        "state": State.RECEIVED,
        "state_since_ms": now_ms,
        "reason_code": "",
        "due_ms": now_ms,
        "expires_ms": min(limits.give_up_ms(now_ms), retain_ms),
        "retain_ms": retain_ms,
        "bundle_key": None,
        "escalate_ms": begins_ms(deadline.epoch_ms if deadline else None, now_ms) if is_urgent else None,
    }


def bundle_row(referral: Referral, due_ms: int, now_ms: int, limits: Limits) -> dict[str, Any]:
    """The bundle that a referral is to wait in; which of its period it is, and so its key, says the store."""
    return {
        "kind": BUNDLE,
        "report_id": "",
        "revision": 1,
        "mark": referral.mark,
        "tier": Tier.LOW,
        "rank": _RANKS[Tier.LOW],
        "deadline_ms": NEVER_MS,
        "received_ms": now_ms,
        "state": State.RECEIVED,
        "state_since_ms": now_ms,
        "due_ms": due_ms,
        "expires_ms": limits.give_up_ms(due_ms),
        "retain_ms": NEVER_MS,
    }
