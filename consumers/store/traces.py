"""The trace of each referral that carried one, from its arrival until it is delivered; nothing where traces are off."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from consumers.states import WAITING
from consumers.store.tables import DELIVERIES, TRACES


def keep(connection: Connection, key: str, context: str) -> None:
    """Of a referral that is new to the store."""
    connection.execute(insert(TRACES).values(delivery_key=key, traceparent=context))


def contexts_of(connection: Connection, keys: Sequence[str]) -> tuple[str, ...]:
    """Those that are known, in the order of the keys."""
    rows = connection.execute(select(TRACES).where(TRACES.c.delivery_key.in_(keys)))
    found = {row.delivery_key: row.traceparent for row in rows}
    return tuple(found[key] for key in keys if key in found)


def prune(connection: Connection) -> None:
    """Forget those of deliveries that wait no longer."""
    waiting = select(DELIVERIES.c.key).where(DELIVERIES.c.state.in_(WAITING))
    connection.execute(delete(TRACES).where(TRACES.c.delivery_key.not_in(waiting)))
