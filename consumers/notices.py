"""What a member is told of a referral after it came: which messages of its status topic its sinks get; pure."""

from typing import Any, Final

from consumers.states import State
from consumers.store.deliveries import NOTICE, RECALL
from consumers.store.tables import NEVER_MS
from schemas.records.answers import Status, StatusKind
from schemas.records.values import Tier

HANDED_ON: Final = frozenset({StatusKind.LINK_CHANGED})
"""Other messages concern the member's own reports and answers: `tocsin sent`, `tocsin answer --list-refused`."""
_RANK: Final = 2


def is_handed_on(status: Status) -> bool:
    """Whether it says something of a referral that a clerk may be working on."""
    return status.kind in HANDED_ON and bool(status.referral_id)


def notice_row(status: Status, now_ms: int, expires_ms: int) -> dict[str, Any]:
    """One notice as a row of the deliveries, without where it came from; it never escalates and is never answered."""
    return {
        "key": status.status_id,
        "kind": NOTICE,
        "report_id": status.report_id,
        "revision": status.revision,
        "mark": status.mark,
        "tier": Tier.NORMAL,
        "rank": _RANK,
        "deadline_ms": NEVER_MS,
        "received_ms": now_ms,
        "state": State.RECEIVED,
        "state_since_ms": now_ms,
        "due_ms": now_ms,
        "expires_ms": expires_ms,
        "retain_ms": NEVER_MS,
        "escalate_ms": None,
    }


def recall_row(status: Status, now_ms: int) -> dict[str, Any]:
    """A recall as it is remembered: no sink gets it, and what it takes back is stopped also where it comes later."""
    return notice_row(status, now_ms, NEVER_MS) | {"kind": RECALL, "state": State.WITHDRAWN}
