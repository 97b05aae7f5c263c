"""What the courier does in the store: take what is due, keep each attempt, settle each state."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Row, Select, bindparam, func, insert, or_, select, update

from consumers.states import EXPIRABLE, RESUMABLE, WAITING, Event, State, after
from consumers.store.tables import ATTEMPTS, DELIVERIES, HOLDS
from schemas.records.identifiers import ReportId
from schemas.records.values import Mark, Tier
from tocsin.runtime.holding import held

REFERRAL, BUNDLE, NOTICE, RECALL = "referral", "bundle", "notice", "recall"
DELIVERED = "delivered"
"""The result of an attempt that a sink confirmed."""
_MAY_HAVE_ARRIVED = ("", DELIVERED, "doubt")
"""Results of attempts that leave it possible; an empty one was never ended."""
_SENT_AGAIN = "courier.sent_again"

_CLOSED = (State.DELIVERED, State.TAKEN_UP, State.REFUSED, State.WITHDRAWN, State.COUNTED)
OVER: Final = (*_CLOSED, State.EXPIRED)
"""Nothing moves these by itself any more: once their retention is past, their content goes."""


class Delivery(Struct, frozen=True, kw_only=True):
    """One row of the deliveries as the courier sees it."""

    key: str
    kind: str = REFERRAL
    report_id: ReportId = ReportId("")
    revision: int = 1
    mark: Mark = Mark.LIVE
    tier: Tier = Tier.NORMAL
    state: State = State.RECEIVED
    reason_code: str = ""
    received_ms: int = 0
    deadline_ms: int = 0
    due_ms: int = 0
    attempts: int = 0
    bundle_key: str | None = None
    escalation_step: int = 0
    case_number: str = ""
    retain_ms: int = 0
    topic: str = ""
    value: bytes | None = None


class Settled(Struct, frozen=True, kw_only=True):
    """What one try changes of a delivery."""

    key: str
    state: State
    reason_code: str
    attempts: int
    due_ms: int


def delivery_of(row: Row[Any]) -> Delivery:
    """A row as a record."""
    fields = {name: row._mapping[name] for name in Delivery.__struct_fields__}
    return Delivery(
        **(fields | {"state": State(row.state), "mark": Mark(row.mark), "tier": Tier(row.tier)}),
    )


def take(connection: Connection, now_ms: int, limit: int, claim_ms: int) -> list[Delivery]:
    """Claim what is due, urgent first, then by deadline; two couriers never claim the same."""
    columns = DELIVERIES.c
    due = (
        select(DELIVERIES)
        .where(columns.state == State.RECEIVED, columns.due_ms <= now_ms)
        .order_by(columns.rank, columns.deadline_ms, columns.received_ms, columns.revision, columns.key)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = _read(connection, due)
    connection.execute(
        update(DELIVERIES)
        .where(columns.key.in_([delivery.key for delivery in taken]))
        .values(
            state=after(State.RECEIVED, Event.TAKE),
            state_since_ms=now_ms,
            attempts=columns.attempts + 1,
            claimed_until_ms=now_ms + claim_ms,
        )
    )
    return [_sending(delivery) for delivery in taken]


def left_behind(connection: Connection, now_ms: int, *, all_claims: bool) -> list[Delivery]:
    """Deliveries that a process had claimed and did not settle: what became of them must be asked."""
    statement = select(DELIVERIES).where(DELIVERIES.c.state == State.SENDING)
    if not all_claims:
        statement = statement.where(DELIVERIES.c.claimed_until_ms <= now_ms)
    return _read(connection, statement.with_for_update(skip_locked=True))


def open_attempts(connection: Connection, asked: Iterable[tuple[str, str]], now_ms: int) -> None:
    """Write down which delivery keys and sinks are about to be tried, before they are."""
    rows = [{"delivery_key": key, "sink": sink, "started_ms": now_ms} for key, sink in asked]
    if rows:
        connection.execute(insert(ATTEMPTS), rows)


def close_attempts(connection: Connection, endings: Mapping[tuple[str, str], tuple[str, str]], now_ms: int) -> None:
    """Write down what became of open attempts: by delivery key and sink, as result and code."""
    rows = [
        {"at_key": key, "at_sink": sink, "finished_ms": now_ms, "result": result, "code": code}
        for (key, sink), (result, code) in endings.items()
    ]
    if rows:
        connection.execute(_CLOSE, rows)


def sinks_done(connection: Connection, keys: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """Which sinks have each delivery already."""
    return _sinks_by_key(connection, keys, DELIVERED)


def sinks_open(connection: Connection, keys: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """Which sinks were asked without an ending on record: the process died in between."""
    return _sinks_by_key(connection, keys, "")


def settle(connection: Connection, delivery: Delivery, state: State, now_ms: int, **changes: Any) -> None:
    """Put a delivery into its next state."""
    connection.execute(
        update(DELIVERIES)
        .where(DELIVERIES.c.key == delivery.key)
        .values(state=state, state_since_ms=now_ms, claimed_until_ms=0, **changes)
    )


def settle_all(connection: Connection, settled: Iterable[Settled], now_ms: int) -> None:
    """Put deliveries of one burst into their next states, with one statement."""
    rows = [
        {
            "at_key": one.key,
            "state": one.state,
            "state_since_ms": now_ms,
            "claimed_until_ms": 0,
            "reason_code": one.reason_code,
            "attempts": one.attempts,
            "due_ms": one.due_ms,
        }
        for one in settled
    ]
    if rows:
        connection.execute(_SETTLE, rows)


def change(connection: Connection, key: str, **changes: Any) -> None:
    """Change what is not the state."""
    connection.execute(update(DELIVERIES).where(DELIVERIES.c.key == key).values(**changes))


def find(connection: Connection, key: str) -> Delivery | None:
    """One delivery by its key."""
    found = _read(connection, select(DELIVERIES).where(DELIVERIES.c.key == key))
    return found[0] if found else None


def find_referral(connection: Connection, key: str) -> Delivery | None:
    """One referral by its id: what can be answered."""
    found = find(connection, key)
    return found if found and found.kind == REFERRAL else None


def members_of(connection: Connection, bundle_key: str) -> list[Delivery]:
    """The referrals of one bundle that still wait in it, in the order of arrival."""
    columns = DELIVERIES.c
    return _read(
        connection,
        select(DELIVERIES)
        .where(columns.bundle_key == bundle_key, columns.state == State.BUNDLED)
        .order_by(columns.received_ms, columns.key),
    )


def expired(connection: Connection, now_ms: int, limit: int) -> list[Delivery]:
    """What may no longer be delivered: its retention or the time to give up has passed."""
    statement = select(DELIVERIES).where(DELIVERIES.c.state.in_(EXPIRABLE), DELIVERIES.c.expires_ms <= now_ms)
    return _read(connection, statement.limit(limit))


def hasten(connection: Connection, now_ms: int, first_ms: int, latest_ms: int) -> int:
    """Make due now what no rule makes due so late, bundles excepted; tells how many there were.

    What was never tried is due before `first_ms`, everything before `latest_ms`.
    """
    is_late = (DELIVERIES.c.due_ms > latest_ms) | ((DELIVERIES.c.attempts == 0) & (DELIVERIES.c.due_ms > first_ms))
    is_astray = (DELIVERIES.c.state == State.RECEIVED) & (DELIVERIES.c.kind != BUNDLE) & is_late
    return connection.execute(update(DELIVERIES).where(is_astray).values(due_ms=now_ms)).rowcount


def to_escalate(connection: Connection, now_ms: int, limit: int) -> list[Delivery]:
    """Urgent referrals that nobody has taken up in time."""
    states = WAITING | {State.DELIVERED, State.COUNTED}
    statement = select(DELIVERIES).where(DELIVERIES.c.escalate_ms <= now_ms, DELIVERIES.c.state.in_(states))
    return _read(connection, statement.limit(limit))


def resumable(connection: Connection, states: Iterable[State], keys: Sequence[str] = ()) -> list[Delivery]:
    """What a person may let go again: all in these states, or the named ones of them; never what was recalled."""
    statement = select(DELIVERIES).where(
        DELIVERIES.c.state.in_(RESUMABLE.intersection(states)), DELIVERIES.c.recalled.is_(False)
    )
    if keys:
        statement = statement.where(DELIVERIES.c.key.in_(keys))
    return _read(connection, statement)


def stand_down(connection: Connection, report_id: ReportId, revision: int) -> None:
    """A person has looked at this revision: neither it nor an earlier one is escalated any more."""
    connection.execute(
        update(DELIVERIES)
        .where(DELIVERIES.c.report_id == report_id, DELIVERIES.c.revision <= revision)
        .values(escalate_ms=None)
    )


def is_recalled(connection: Connection, key: str) -> bool:
    """Whether a delivery was recalled, also by another process since it was taken."""
    return bool(connection.scalar(select(DELIVERIES.c.recalled).where(DELIVERIES.c.key == key)))


def may_have_arrived(connection: Connection, keys: Sequence[str]) -> bool:
    """Whether any sink may have got any of these, whatever became of the delivery as a whole."""
    columns = ATTEMPTS.c
    possible = or_(columns.result.in_(_MAY_HAVE_ARRIVED), columns.code == _SENT_AGAIN)
    found = select(columns.attempt_id).where(columns.delivery_key.in_(keys), possible).limit(1)
    return connection.scalar(found) is not None


def counts(connection: Connection) -> dict[State, int]:
    """How many referrals stand where; bundles are not counted, their members are."""
    statement = select(DELIVERIES.c.state, func.count()).where(DELIVERIES.c.kind == REFERRAL)
    return {State(state): number for state, number in connection.execute(statement.group_by(DELIVERIES.c.state))}


def oldest_waiting_ms(connection: Connection) -> int | None:
    """When the oldest undelivered referral arrived."""
    waiting = (DELIVERIES.c.kind == REFERRAL) & DELIVERIES.c.state.in_(WAITING)
    oldest: int | None = connection.scalar(select(func.min(DELIVERIES.c.received_ms)).where(waiting))
    return oldest


def next_due_ms(connection: Connection) -> int | None:
    """When the next delivery is due; None where nothing waits for the courier."""
    waiting = DELIVERIES.c.state == State.RECEIVED
    due: int | None = connection.scalar(select(func.min(DELIVERIES.c.due_ms)).where(waiting))
    return due


def erase(connection: Connection, closed_before_ms: int, now_ms: int) -> int:
    """Delete the contents of what is closed long enough, or is past its retention, and is not held; the rest stays."""
    columns = DELIVERIES.c
    overdue = or_(
        columns.state.in_(_CLOSED) & (columns.state_since_ms <= closed_before_ms),
        columns.state.in_(OVER) & (columns.retain_ms <= now_ms),
    )
    free = columns.report_id.not_in(held(HOLDS, now_ms))
    result = connection.execute(update(DELIVERIES).where(columns.value.is_not(None), overdue, free).values(value=None))
    return result.rowcount


def _sending(delivery: Delivery) -> Delivery:
    return replace(delivery, state=State.SENDING, attempts=delivery.attempts + 1)


def _sinks_by_key(connection: Connection, keys: Sequence[str], result: str) -> Mapping[str, frozenset[str]]:
    statement = select(ATTEMPTS.c.delivery_key, ATTEMPTS.c.sink).where(
        ATTEMPTS.c.delivery_key.in_(keys), ATTEMPTS.c.result == result
    )
    found: dict[str, set[str]] = {key: set() for key in keys}
    for key, sink in connection.execute(statement):
        found[key].add(sink)
    return {key: frozenset(sinks) for key, sinks in found.items()}


def _read(connection: Connection, statement: Select[Any]) -> list[Delivery]:
    return [delivery_of(row) for row in connection.execute(statement)]


_CLOSE: Final = update(ATTEMPTS).where(
    ATTEMPTS.c.delivery_key == bindparam("at_key"), ATTEMPTS.c.sink == bindparam("at_sink"), ATTEMPTS.c.result == ""
)
_SETTLE: Final = update(DELIVERIES).where(DELIVERIES.c.key == bindparam("at_key"))
"""Both set the columns that their rows name."""
