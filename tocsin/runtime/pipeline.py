"""Several statements in one network round trip: sent one after the other, answered together (libpq's pipeline mode)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple

from sqlalchemy import Connection, Dialect, TextClause

from tocsin.runtime.arrays import as_array

if TYPE_CHECKING:  # a submitter and a recipient with SQLite import this, and have no PostgreSQL driver
    import psycopg

Rows = Sequence[Any]
"""Of one statement, columns by name; empty for one that returns none."""


class Query(NamedTuple):
    """One statement with its values; `connection.execute(*query)` runs it alone."""

    statement: TextClause
    values: Mapping[str, object] = {}


BEGIN: Final = "begin"
"""In our own words: the driver would wait after one of its own."""
COMMIT: Final = "commit"


def in_one_trip(connection: Connection, queries: Sequence[Query], then: Sequence[Query] = ()) -> list[Rows]:
    """One whole transaction on a connection that is in none; what the driver raises is not translated.

    Each statement sees what was committed before it began, as if it had been sent alone (READ COMMITTED). `then` is
    asked once the transaction is committed, on the same trip: what others see of it, these statements see too.
    """
    return _trip(connection, (BEGIN, *queries, COMMIT, *then))


def begun(connection: Connection, queries: Sequence[Query]) -> list[Rows]:
    """The first half of a transaction, on a connection that is in none."""
    return _trip(connection, (BEGIN, *queries))


def ended(connection: Connection, queries: Sequence[Query], then: Sequence[Query] = ()) -> list[Rows]:
    """The second half, and what is asked once it is committed."""
    return _trip(connection, (*queries, COMMIT, *then))


def undone(connection: Connection) -> None:
    """Nothing of the first half counts."""
    _driver(connection).execute("rollback")


def _trip(connection: Connection, sent: Sequence["LiteralString | Query"]) -> list[Rows]:
    """All of it in one round trip; the rows of each query."""
    driver = _driver(connection)
    with driver.pipeline():
        cursors = [driver.execute(one) if isinstance(one, str) else _sent(driver, connection, one) for one in sent]
    answers = [cursor for cursor, one in zip(cursors, sent, strict=True) if isinstance(one, Query)]
    return [cursor.fetchall() if cursor.description else () for cursor in answers]


def send(connection: Connection, queries: Iterable[Query]) -> None:
    """Statements whose answers nobody needs, within the transaction of the connection."""
    driver = _driver(connection)
    with driver.pipeline():
        for query in queries:
            _sent(driver, connection, query)


def _driver(connection: Connection) -> "psycopg.Connection[Any]":
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]  # psycopg's
    return driver


def _sent(driver: "psycopg.Connection[Any]", connection: Connection, query: Query) -> "psycopg.Cursor[Any]":
    from psycopg.rows import namedtuple_row  # noqa: PLC0415 -- as above

    cursor = driver.cursor(row_factory=namedtuple_row)
    values = {name: as_array(value) if type(value) is list else value for name, value in query.values.items()}
    return cursor.execute(_written(query.statement, connection.dialect), values)


@lru_cache(maxsize=500)
def _written(statement: TextClause, dialect: Dialect) -> str:
    """As the driver takes it: our statements are few, and each is sent for every slice."""
    return str(statement.compile(dialect=dialect))
