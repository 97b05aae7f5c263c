"""What time does to deliveries, and a person: they expire, are escalated, are erased, and are let go again."""

import logging
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from consumers.courier import Desk
from consumers.escalation import EscalationStep, Rung, begins_ms, due, ladder, next_ms
from consumers.messages import escalation_return, state_return
from consumers.sinks.port import LONGEST_WAIT_SECONDS
from consumers.states import Event, State, after
from consumers.store import arrivals, deliveries, traces
from consumers.store.deliveries import REFERRAL, Delivery
from consumers.store.engine import DeliveryStore
from consumers.store.outbox import owe
from consumers.store.tables import NEVER_MS
from tocsin.runtime.logs import Facts, tell_outcomes
from tocsin.runtime.metrics import OLDEST_UNDELIVERED, record_left

_STAGE: Final = "courier"
EXPIRED: Final = "courier.expired"
_BATCH = 200
_DAY_MS = 86_400_000
_ASTRAY_SECONDS = 60.0
_LOG = logging.getLogger(__name__)


def expire(store: DeliveryStore, desk: Desk) -> int:
    """What may no longer be delivered is shown as expired and told; a person can let it go again."""
    now_ms = desk.now_ms()
    with store.begin() as connection:
        due = deliveries.expired(connection, now_ms, _BATCH)
        for delivery in due:
            state = after(delivery.state, Event.EXPIRE)
            deliveries.settle(connection, delivery, state, now_ms, reason_code=EXPIRED)
            if delivery.kind == REFERRAL:
                owe(connection, [state_return(desk.member, delivery, state, now_ms, EXPIRED)], now_ms)
    if due:
        record_left(_STAGE, State.EXPIRED, len(due))
        tell_outcomes(_LOG, _STAGE, (_expired(delivery) for delivery in due))
        _LOG.error("Deliveries expired: a person must look.", extra={"facts": {"count": len(due)}})
    return len(due)


def _expired(delivery: Delivery) -> Facts:
    """Its line of the log, as the courier writes those of what it delivered."""
    told = {"outcome": str(State.EXPIRED), "delivery": delivery.key, "report_id": delivery.report_id}
    return told | {"revision": delivery.revision, "tries": delivery.attempts, "code": EXPIRED}


def hasten(store: DeliveryStore, desk: Desk) -> int:
    """What came in while the clock was ahead is due when the clock says so again: too late for somebody in danger."""
    now_ms = desk.now_ms()
    longest_seconds = max(desk.limits.longest_retry_seconds, LONGEST_WAIT_SECONDS) + _ASTRAY_SECONDS
    first_ms = now_ms + int((desk.limits.longest_pause_seconds + _ASTRAY_SECONDS) * 1000)
    with store.begin() as connection:
        count = deliveries.hasten(connection, now_ms, first_ms, now_ms + int(longest_seconds * 1000))
    if count:
        _LOG.warning("Deliveries were due too far ahead: the clock was wrong.", extra={"facts": {"count": count}})
    return count


def escalate(store: DeliveryStore, desk: Desk, steps: Sequence[EscalationStep]) -> int:
    """Urgent, past its deadline, not taken up: each step is a Return and a line in the log that says who must look."""
    rungs = ladder(steps, desk.contacts, desk.now_ms())
    with store.begin() as connection:
        waiting = deliveries.to_escalate(connection, desk.now_ms(), _BATCH)
        told = [(delivery, rung) for delivery in waiting for rung in _climb(connection, desk, delivery, rungs)]
    for delivery, rung in told:
        facts = {"referral_id": delivery.key, "code": rung.code, "member": rung.contact.member}
        _LOG.error(
            "Nobody has taken up an urgent referral: it is for %s to look.", rung.contact.reach, extra={"facts": facts}
        )
    record_left(_STAGE, "escalated", len(told))
    return len(told)


def _climb(connection: Connection, desk: Desk, delivery: Delivery, rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """Take the rungs that are due, and write down when the next one is."""
    now_ms = desk.now_ms()
    deadline_ms = delivery.deadline_ms if delivery.deadline_ms < NEVER_MS else None
    began_ms = begins_ms(deadline_ms, delivery.received_ms)
    found = due(rungs, delivery.escalation_step, began_ms, now_ms)
    taken = delivery.escalation_step + len(found)
    at_ms = next_ms(rungs, taken, began_ms)
    deliveries.change(connection, delivery.key, escalation_step=taken, escalate_ms=at_ms)
    owe(connection, [escalation_return(desk.member, delivery, rung, now_ms) for rung in found], now_ms)
    return found


def erase(store: DeliveryStore, desk: Desk) -> int:
    """Delete the contents of what was closed long ago or is past its retention; ids, times and counts stay."""
    now_ms = desk.now_ms()
    with store.begin() as connection:
        before_ms = now_ms - desk.limits.erase_after_days * _DAY_MS
        erased = deliveries.erase(connection, before_ms, now_ms)
        unread = arrivals.forget_unreadable(connection, before_ms)
        traces.prune(connection)
    record_left("inbox", "erased", erased)
    if unread:
        _LOG.error("Records that nobody could read were erased unread.", extra={"facts": {"count": unread}})
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
