"""What time does to deliveries, and a person: they expire, are escalated, are erased, and are let go again."""

import logging
from collections.abc import Sequence

from consumers.courier import Desk
from consumers.messages import escalation_return, state_return
from consumers.settings import EscalationStep
from consumers.states import Event, State, after
from consumers.store import deliveries
from consumers.store.deliveries import BUNDLE
from consumers.store.engine import DeliveryStore
from consumers.store.outbox import owe
from tocsin.runtime.metrics import OLDEST_UNDELIVERED, record_left

_BATCH = 200
_DAY_MS = 86_400_000
OPERATOR = "the operator of the exchange"
"""The last in line, and whoever stands in where the policy names nobody."""
_LOG = logging.getLogger(__name__)


def expire(store: DeliveryStore, desk: Desk) -> int:
    """What may no longer be delivered is shown as expired and told; a person can let it go again."""
    now_ms = desk.now_ms()
    with store.begin() as connection:
        due = deliveries.expired(connection, now_ms, _BATCH)
        for delivery in due:
            state = after(delivery.state, Event.EXPIRE)
            deliveries.settle(connection, delivery, state, now_ms, reason_code="courier.expired")
            if delivery.kind != BUNDLE:
                owe(connection, [state_return(desk.member, delivery, state, now_ms, "courier.expired")], now_ms)
            record_left("courier", State.EXPIRED)
    if due:
        _LOG.error("Deliveries expired: a person must look.", extra={"facts": {"count": len(due)}})
    return len(due)


def escalate(store: DeliveryStore, desk: Desk, steps: tuple[EscalationStep, ...]) -> int:
    """Urgent, past its deadline and not taken up: each step of the chain is a Return of its own."""
    now_ms = desk.now_ms()
    with store.begin() as connection:
        due = deliveries.to_escalate(connection, now_ms, _BATCH)
        for delivery in due:
            following = delivery.escalation_step + 1
            at_ms = now_ms + steps[following].after_minutes * 60_000 if following < len(steps) else None
            deliveries.change(connection, delivery.key, escalation_step=following, escalate_ms=at_ms)
            if delivery.escalation_step < len(steps):
                code = steps[delivery.escalation_step].code
                owe(connection, [escalation_return(desk.member, delivery, code, now_ms)], now_ms)
                whom = desk.contacts.get(code) or OPERATOR
                facts = {"code": code, "whom": whom, "referral": delivery.key}
                _LOG.error(
                    "Nobody has taken up an urgent referral: it is for %s to look.", whom, extra={"facts": facts}
                )
                record_left("courier", "escalated")
    return len(due)


def erase(store: DeliveryStore, desk: Desk) -> int:
    """Delete the contents of what was closed long ago or is past its retention; ids, times and counts stay."""
    now_ms = desk.now_ms()
    with store.begin() as connection:
        erased = deliveries.erase(connection, now_ms - desk.limits.erase_after_days * _DAY_MS, now_ms)
    record_left("inbox", "erased", erased)
    return erased


def show_age(store: DeliveryStore, desk: Desk) -> dict[State, int]:
    """Publish how old the oldest undelivered referral is; tells how many stand where."""
    with store.begin() as connection:
        oldest_ms = deliveries.oldest_waiting_ms(connection)
        counts = deliveries.counts(connection)
    OLDEST_UNDELIVERED.labels(desk.member).set((oldest_ms or 0) / 1000)
    return counts


def resume(store: DeliveryStore, desk: Desk, states: Sequence[State]) -> int:
    """A person lets deliveries go again: at once, with all their attempts, and with a new time to give up."""
    now_ms = desk.now_ms()
    with store.begin() as connection:
        waiting = deliveries.resumable(connection, states)
        for delivery in waiting:
            expires_ms = min(desk.limits.give_up_ms(now_ms), delivery.retain_ms)
            state = after(delivery.state, Event.RESUME)
            deliveries.settle(connection, delivery, state, now_ms, due_ms=now_ms, attempts=0, expires_ms=expires_ms)
    return len(waiting)
