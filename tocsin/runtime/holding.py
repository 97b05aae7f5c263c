"""Legal holds as a member's own store knows them: what the exchange told last, and whether it stands (ADR 0048).

Journal and inbox have the same table, and ask it before anything is deleted by age or by an order.
"""

from typing import Any, Final

from msgspec import Struct
from sqlalchemy import BigInteger, Column, Connection, MetaData, Select, String, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.records.answers import Status

_INSERTS: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
ENDED_MS: Final = 0


class Hold(Struct, frozen=True, kw_only=True):
    """What was told of one report; times are UTC milliseconds."""

    told_ms: int
    """By the clock of the exchange's database, which orders what is told of one report."""
    until_ms: int
    """0 where none stands any more."""


def told_in(status: Status) -> Hold:
    """What a status of kind LEGAL_HOLD says."""
    return Hold(told_ms=status.at.epoch_ms, until_ms=status.until.epoch_ms if status.until else ENDED_MS)


def newer(known: Hold | None, told: Hold) -> Hold:
    """What counts of the two: a message that is read again, or late, changes nothing."""
    return told if known is None or told.told_ms >= known.told_ms else known


def stands(hold: Hold | None, now_ms: int) -> bool:
    """Whether nothing of the report may be deleted now."""
    return hold is not None and hold.until_ms > now_ms


def holds_table(metadata: MetaData) -> Table:
    """One row a report of which anything was ever told: ids and times alone."""
    return Table(
        "holds",
        metadata,
        Column("report_id", String, primary_key=True),
        Column("told_ms", BigInteger, nullable=False),
        Column("until_ms", BigInteger, nullable=False),
    )


def known(connection: Connection, table: Table, report: str) -> Hold | None:
    """None where nothing was ever told of it."""
    row = connection.execute(select(table).where(table.c.report_id == report)).one_or_none()
    return None if row is None else Hold(told_ms=row.told_ms, until_ms=row.until_ms)


def note(connection: Connection, table: Table, status: Status) -> Hold:
    """Write down what was told; tells what counts now."""
    hold = newer(known(connection, table, status.report_id), told_in(status))
    row = {"told_ms": hold.told_ms, "until_ms": hold.until_ms}
    statement = _INSERTS[connection.dialect.name](table).values(report_id=status.report_id, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["report_id"], set_=row))
    return hold


def held(table: Table, now_ms: int) -> Select[Any]:
    """The reports of which nothing may be deleted now, as `stands` says it: for the statements that delete."""
    return select(table.c.report_id).where(table.c.until_ms > now_ms)
