"""Orders to erase a report in the delivery store: kept until carried out, so that no crash forgets one."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from consumers.states import State
from consumers.store.deliveries import BUNDLE, OVER, Delivery, delivery_of
from consumers.store.tables import CONTENT_KEYS, DELIVERIES, ERASURES, GONE_MS, HOLDS, NEVER_MS, OUTBOX
from schemas.records.answers import Status
from schemas.records.identifiers import ReportId
from tocsin.runtime.holding import held

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Erasure(Struct, frozen=True, kw_only=True):
    """One order, and on which referral it is answered."""

    report_id: ReportId
    referral_id: str
    ordered_ms: int


def order(connection: Connection, status: Status) -> None:
    """Write it down; the same order again is carried out again."""
    row = {"referral_id": status.referral_id, "ordered_ms": status.at.epoch_ms, "done_ms": None}
    statement = _INSERTS[connection.dialect.name](ERASURES).values(report_id=status.report_id, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["report_id"], set_=row))


def reopen(connection: Connection, report: ReportId) -> bool:
    """Whether the report is to be erased: then what has just come in has to go as well."""
    statement = update(ERASURES).where(ERASURES.c.report_id == report).values(done_ms=None)
    return connection.execute(statement).rowcount > 0


def waiting(connection: Connection, now_ms: int) -> list[Erasure]:
    """Orders that are to be carried out now, the oldest first."""
    return _undone(connection, ERASURES.c.report_id.not_in(held(HOLDS, now_ms)))


def held_up(connection: Connection, now_ms: int) -> list[Erasure]:
    """Orders that wait for a legal hold to end."""
    return _undone(connection, ERASURES.c.report_id.in_(held(HOLDS, now_ms)))


def _undone(connection: Connection, which: ColumnElement[bool]) -> list[Erasure]:
    undone = select(ERASURES).where(ERASURES.c.done_ms.is_(None), which).order_by(ERASURES.c.ordered_ms)
    rows = connection.execute(undone)
    return [
        Erasure(report_id=ReportId(row.report_id), referral_id=row.referral_id, ordered_ms=row.ordered_ms)
        for row in rows
    ]


def of_report(connection: Connection, report: ReportId) -> list[Delivery]:
    """Every delivery about it: referrals, recalls and notices."""
    rows = connection.execute(select(DELIVERIES).where(DELIVERIES.c.report_id == report).order_by(DELIVERIES.c.key))
    return [delivery_of(row) for row in rows]


def is_busy(connection: Connection, found: Sequence[Delivery]) -> bool:
    """Whether one of them is leaving, or a Return about one has not left."""
    unsent = OUTBOX.c.referral_id.in_([one.key for one in found]) & OUTBOX.c.confirmed_ms.is_(None)
    owes = connection.execute(select(OUTBOX.c.sequence).where(unsent).limit(1)).first()
    return owes is not None or any(one.state is State.SENDING for one in found)


def past(connection: Connection, now_ms: int, limit: int) -> list[Delivery]:
    """Closed referrals and notices whose own time is over, and bundles of which nothing else is left; none is held."""
    columns, member = DELIVERIES.c, DELIVERIES.alias()
    is_free = columns.report_id.not_in(held(HOLDS, now_ms))
    is_over = columns.state.in_(OVER) & (columns.retain_ms <= now_ms) & is_free
    is_empty = (
        columns.state.in_(OVER)
        & (columns.kind == BUNDLE)
        & (columns.retain_ms == NEVER_MS)
        & ~exists().where(member.c.bundle_key == columns.key, member.c.retain_ms != GONE_MS)
    )
    statement = select(DELIVERIES).where(or_(is_over, is_empty)).order_by(columns.retain_ms, columns.key).limit(limit)
    return [delivery_of(row) for row in connection.execute(statement)]


def let_go(connection: Connection, key: str) -> None:
    """Take the content of one delivery away, once its sinks have done the same; it is asked for no more."""
    _empty(connection, [key])
    connection.execute(update(DELIVERIES).where(DELIVERIES.c.key == key).values(retain_ms=GONE_MS))


def finish(connection: Connection, done: Erasure, keys: Sequence[str], now_ms: int) -> None:
    """Take the content away; ids, states and times stay."""
    _empty(connection, keys)
    connection.execute(update(ERASURES).where(ERASURES.c.report_id == done.report_id).values(done_ms=now_ms))


def _empty(connection: Connection, keys: Sequence[str]) -> None:
    connection.execute(update(DELIVERIES).where(DELIVERIES.c.key.in_(keys)).values(value=None, case_number=""))
    connection.execute(delete(CONTENT_KEYS).where(CONTENT_KEYS.c.delivery_key.in_(keys)))
    connection.execute(delete(OUTBOX).where(OUTBOX.c.referral_id.in_(keys)))
