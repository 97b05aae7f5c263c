"""The Returns that are owed to the exchange: written with the state they tell of, sent and confirmed later."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from consumers.store.tables import OUTBOX
from schemas.records.answers import Return

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def owe(connection: Connection, returns: Iterable[Return], now_ms: int) -> int:
    """Write down Returns to be sent; one that was written before stays as it is. Tells how many are new."""
    rows = [
        {
            "return_id": answer.return_id,
            "referral_id": answer.referral_id,
            "body": msgspec.json.encode(answer),
            "created_ms": now_ms,
        }
        for answer in returns
    ]
    if not rows:
        return 0
    statement = _INSERTS[connection.dialect.name](OUTBOX).on_conflict_do_nothing().returning(OUTBOX.c.sequence)
    return len(connection.scalars(statement, rows).all())


def owed(connection: Connection, limit: int) -> list[Return]:
    """The oldest Returns that the broker has not confirmed."""
    statement = select(OUTBOX.c.body).where(OUTBOX.c.confirmed_ms.is_(None)).order_by(OUTBOX.c.sequence).limit(limit)
    return [msgspec.json.decode(body, type=Return) for body in connection.scalars(statement)]


def confirm(connection: Connection, return_ids: Sequence[str], now_ms: int) -> None:
    """The broker has these."""
    connection.execute(update(OUTBOX).where(OUTBOX.c.return_id.in_(return_ids)).values(confirmed_ms=now_ms))


def owed_count(connection: Connection) -> int:
    """How many Returns wait."""
    return connection.scalar(select(func.count()).select_from(OUTBOX).where(OUTBOX.c.confirmed_ms.is_(None))) or 0


def said_of(connection: Connection, referral_id: str) -> list[Return]:
    """What this member has said of one referral, in order."""
    statement = select(OUTBOX.c.body).where(OUTBOX.c.referral_id == referral_id).order_by(OUTBOX.c.sequence)
    return [msgspec.json.decode(body, type=Return) for body in connection.scalars(statement)]
