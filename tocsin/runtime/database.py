"""PostgreSQL for the processes of the exchange: engines, bounded waits, and failures in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from schemas.failures import Broken, Temporary
from tocsin.runtime.privacy import require_private
from tocsin.runtime.settings import DatabaseSettings, Settings
from tocsin.runtime.tls import verified

_STATEMENT_MS: Final = 30_000
_CONNECT_SECONDS: Final = 5


class Database:
    """A small pool; every transaction either commits as a whole or raises one of our failures."""

    def __init__(self, settings: DatabaseSettings, pool_size: int = 5) -> None:
        self.engine = _engine(settings, pool_size)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction; what says that the server is away becomes Temporary."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except (OperationalError, InterfaceError) as error:
            raise _away(error) from error
        except DBAPIError as error:
            raise _away(error) if error.connection_invalidated else _broken(error) from error

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


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


def _engine(settings: DatabaseSettings, pool_size: int) -> Engine:
    url = make_url(settings.url)
    arguments = verified(url, settings.ca)
    if settings.password_file is not None:
        require_private(settings.password_file)
        url = url.set(password=settings.password_file.read_text().strip())
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args=arguments
        | {
            "connect_timeout": _CONNECT_SECONDS,
            "options": f"-c statement_timeout={_STATEMENT_MS} -c idle_in_transaction_session_timeout={_STATEMENT_MS}",
        },
    )


def _away(error: DBAPIError) -> Temporary:
    return Temporary(
        f"PostgreSQL does not answer or gave up ({type(error.orig).__name__}). Check: tocsin status",
        code="database.away",
    )


def _broken(error: DBAPIError) -> Broken:
    return Broken(
        f"PostgreSQL refused a statement ({type(error.orig).__name__}). "
        "Compare the tables with this version: tocsin doctor",
        code="database.refused",
    )
