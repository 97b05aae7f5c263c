"""Orders to erase that the journal was given: kept until carried out, because a hold makes them wait (ADR 0048)."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from producers.journal.tables import ERASURES, HOLDS
from schemas.records.answers import Status
from tocsin.runtime.holding import held


def order(connection: Connection, statuses: Iterable[Status]) -> None:
    """Write them down; the same order again changes nothing."""
    rows = [{"report_id": status.report_id, "ordered_ms": status.at.epoch_ms} for status in statuses]
    if rows:
        connection.execute(insert(ERASURES).on_conflict_do_nothing(), rows)


def due(connection: Connection, now_ms: int, limit: int) -> list[str]:
    """Reports whose order no hold makes wait, the oldest order first."""
    free = select(ERASURES.c.report_id).where(ERASURES.c.report_id.not_in(held(HOLDS, now_ms)))
    return list(connection.scalars(free.order_by(ERASURES.c.ordered_ms, ERASURES.c.report_id).limit(limit)))


def finish(connection: Connection, reports: Sequence[str]) -> None:
    """They are carried out."""
    connection.execute(delete(ERASURES).where(ERASURES.c.report_id.in_(reports)))
