"""Takes out of PostgreSQL's own files what erasure left there: dead rows, index entries, statistics, its log.

A row that is deleted stays readable in the file of its table until the table is written anew (ADR 0036).
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError

from schemas.catalogue import message
from schemas.failures import Temporary
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.erasing import PLACES

_STATISTICS: Final = ("pg_catalog.pg_statistic",)
"""Keeps the commonest values of each column and its bounds: a reference may be one of them."""
_TABLES: Final = (*PLACES, "link_notices", *_STATISTICS)
_SETTINGS: Final = ("set statement_timeout = 0", "set lock_timeout = '20s'")
_LOG_OF_WRITES: Final = ("checkpoint", "select pg_switch_wal()", "checkpoint")
"""The second one removes what was written before the switch; with `wal_recycle = off` no file is used again."""


def scrub(database: Database) -> Iterator[str]:
    """Write every table anew that had content, one after the other, and tell each; nobody uses a table meanwhile.

    Raises Temporary where a table is in use for longer than 20 seconds: what was done before stays done.
    """
    with database.engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in _SETTINGS:
            alone.execute(text(statement))
        for table in _TABLES:
            yield _rewritten(alone, table)
        yield _log_emptied(alone)


def _rewritten(connection: Connection, table: str) -> str:
    """Its statistics first: they are of what is left, before they are written anew themselves."""
    analyze = "" if table in _STATISTICS else ", analyze"
    try:
        connection.execute(text(f"vacuum (full{analyze}) {table}"))
    except OperationalError as error:
        raise Temporary(message("erase.table_busy", table=table), code="erase.table_busy") from error
    return f"PostgreSQL {table}: written anew"


def _log_emptied(connection: Connection) -> str:
    try:
        for statement in _LOG_OF_WRITES:
            connection.execute(text(statement))
    except DBAPIError:
        return "PostgreSQL's log of writes: this role may not empty it; it goes as the log is written on (max_wal_size)"
    return "PostgreSQL's log of writes: what was written before is removed"
