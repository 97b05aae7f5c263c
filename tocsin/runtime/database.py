"""PostgreSQL for the processes of the exchange: engines, bounded waits, and failures in our words."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from select import select
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError

from schemas.failures import Broken, Temporary
from tocsin.runtime.pipeline import Query, Rows, begun, ended, in_one_trip, undone
from tocsin.runtime.privacy import require_private
from tocsin.runtime.settings import DatabaseSettings, Settings
from tocsin.runtime.tls import verified

CONSTRAINT: Final = "database.constraint"
"""The code of Broken where what was asked for breaks a rule of the tables."""
_STATEMENT_MS: Final = 30_000
_CONNECT_SECONDS: Final = 5


class Database:
    """A small pool; every transaction either commits as a whole or raises one of our failures."""

    def __init__(self, settings: DatabaseSettings, pool_size: int = 5) -> None:
        self.engine = _engine(settings, pool_size)
        self._uncommitted = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        """The same pool; whoever asks it begins and commits in its own words."""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction; what says that the server is away becomes Temporary."""
        with _in_our_words(), self.engine.begin() as connection:
            yield connection

    def together(self, queries: Sequence[Query], then: Sequence[Query] = ()) -> list[Rows]:
        """One transaction of statements that need nothing of each other's answers, in one round trip; as `transaction`.

        One that breaks a constraint is Broken with the code CONSTRAINT, and nothing was done. `then` only reads, once
        the transaction is committed.
        """
        with _in_our_words(), self._uncommitted.connect() as connection:
            return in_one_trip(connection, queries, then)

    @contextmanager
    def exchange(self, queries: Sequence[Query]) -> Iterator["Exchange"]:
        """One transaction in two round trips: what the first answers decides what the second writes.

        It counts once it is ended; whoever leaves it before has done nothing.
        """
        with _in_our_words(), self._uncommitted.connect() as connection:
            made = Exchange(connection, begun(connection, queries))
            try:
                yield made
            finally:
                if made.is_open:
                    undone(connection)

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


class Exchange:
    """A transaction that has been begun, with what it was answered first."""

    def __init__(self, connection: Connection, answers: list[Rows]) -> None:
        self._connection = connection
        self.answers = answers
        self.is_open = True

    def end(self, queries: Sequence[Query], then: Sequence[Query] = ()) -> list[Rows]:
        """Write, commit, and read what others see of it, as `Database.together`."""
        found = ended(self._connection, queries, then)
        self.is_open = False
        return found


def database_of(settings: Settings, pool_size: int = 5) -> Database:
    """The database of this process; raises Broken where its settings name none."""
    if settings.database is None:
        raise Broken(
            f"The settings of {settings.principal} name no database, and this command needs one. "
            "Run it as triage, returns or ops.",
            code="database.none",
        )
    return Database(settings.database, pool_size)


@contextmanager
def one_transaction(settings: Settings) -> Iterator[Connection]:
    """A transaction and nothing else: for a command that ends after it."""
    database = database_of(settings)
    try:
        with database.transaction() as connection:
            yield connection
    finally:
        database.close()


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise _away(error.orig) from error
    except DBAPIError as error:
        raise _away(error.orig) if error.connection_invalidated else _broken(error.orig) from error
    except _errors_of_the_driver() as error:
        raise _of_the_driver(error) from error


def _errors_of_the_driver() -> tuple[type[Exception], ...]:
    """What statements that travel together raise untranslated; without the driver nobody sends any."""
    driver = sys.modules.get("psycopg")
    return (driver.Error,) if driver else ()


def _of_the_driver(error: BaseException) -> Temporary | Broken:
    driver = sys.modules["psycopg"]
    if isinstance(error, driver.OperationalError | driver.InterfaceError):
        return _away(error)
    return _broken(error, CONSTRAINT) if isinstance(error, driver.IntegrityError) else _broken(error)


def _engine(settings: DatabaseSettings, pool_size: int) -> Engine:
    url = make_url(settings.url)
    arguments = verified(url, settings.ca)
    if settings.password_file is not None:
        require_private(settings.password_file)
        url = url.set(password=settings.password_file.read_text().strip())
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        connect_args=arguments
        | {
            "connect_timeout": _CONNECT_SECONDS,
            "options": f"-c statement_timeout={_STATEMENT_MS} -c idle_in_transaction_session_timeout={_STATEMENT_MS}",
        },
    )
    event.listen(engine, "checkout", _require_open)
    return engine


def _require_open(connection: Any, _record: object, _proxy: object) -> None:
    """An idle connection has nothing to say but goodbye: whoever hears something takes a new one, without asking."""
    if connection.closed or select([connection.fileno()], [], [], 0)[0]:
        raise InvalidatePoolError


def _away(error: BaseException | None) -> Temporary:
    return Temporary(
        f"PostgreSQL does not answer or gave up ({type(error).__name__}). Check: tocsin status",
        code="database.away",
    )


def _broken(error: BaseException | None, code: str = "database.refused") -> Broken:
    return Broken(
        f"PostgreSQL refused a statement ({type(error).__name__}). Compare the tables with this version: tocsin doctor",
        code=code,
    )
