"""Opening a delivery store: the engine, the exclusive lease of SQLite, and whose store it is."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from consumers.settings import StoreSettings
from consumers.store.tables import METADATA, STORE, VERSION
from schemas.failures import Broken, Temporary
from schemas.records.identifiers import MemberId
from tocsin.runtime.privacy import require_private
from tocsin.runtime.tls import verified

_BUSY_SECONDS = 10
_SQLITE = "sqlite"


class DeliveryStore:
    """One member's deliveries; `begin` is one transaction, and the modules beside this one are what is done in it."""

    def __init__(self, engine: Engine, lease: "Lease | None" = None) -> None:
        self._engine = engine
        self._lease = lease
        self.shared = lease is None
        """Whether other processes may work in the same store."""

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise Temporary(
                f"The delivery store did not answer ({type(error.orig).__name__}). "
                "Check that its disk has room and its server runs; deliveries wait meanwhile.",
                code="store.away",
            ) from error

    def forget(self) -> None:
        """Empty SQLite's own log, where what was deleted may still stand; a server's does so by itself, later."""
        if self._engine.dialect.name == _SQLITE:
            connection = self._engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()

    def close(self) -> None:
        """Close connections and give the lease back."""
        self._engine.dispose()
        if self._lease:
            self._lease.release()


class Lease:
    """An exclusive lock on a file beside the store; the system frees it when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._handle)
            raise Broken(
                "Another process works with this delivery store, and SQLite serves one only. "
                "Stop the other `tocsin deliver`, or use a PostgreSQL store to run several.",
                code="store.in_use",
            ) from error

    def release(self) -> None:
        """Let another process in."""
        os.close(self._handle)


def open_store(settings: StoreSettings, member: MemberId) -> DeliveryStore:
    """Open, and create where absent, the store of one member; refuses a second process on SQLite."""
    if settings.url:
        return _opened(_server_engine(settings, member), None, member)
    settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for private in (settings.folder, settings.folder / "inbox.sqlite", settings.folder / "inbox.sqlite-wal"):
        require_private(private)
    lease = Lease(settings.folder / "inbox.lock")
    try:
        return _opened(_file_engine(settings.folder / "inbox.sqlite"), lease, member)
    except BaseException:
        lease.release()
        raise


def open_to_read(settings: StoreSettings, member: MemberId) -> DeliveryStore | None:
    """The same store for looking only, also while another process delivers; None where there is none yet."""
    if settings.url:
        return DeliveryStore(_server_engine(settings, member))
    path = settings.folder / "inbox.sqlite"
    return DeliveryStore(_file_engine(path, read_only=True)) if path.exists() else None


def _opened(engine: Engine, lease: Lease | None, member: MemberId) -> DeliveryStore:
    try:
        with engine.begin() as connection:
            METADATA.create_all(connection)
            _claim(connection, member)
    except Broken:
        engine.dispose()
        raise
    except SQLAlchemyError as error:
        engine.dispose()
        raise Broken(
            f"The delivery store cannot be opened ({type(error).__name__}). Check its address, its password file, "
            "the rights of its folder and the room on its disk.",
            code="store.not_opened",
        ) from error
    return DeliveryStore(engine, lease)


def _claim(connection: Connection, member: MemberId) -> None:
    row = connection.execute(select(STORE)).one_or_none()
    if row is None:
        connection.execute(insert(STORE).values(member=member, version=VERSION))
    elif row.member != member:
        raise Broken(
            f"This delivery store belongs to '{row.member}', not to '{member}'. Give each member a store of its own.",
            code="store.of_another_member",
        )
    elif row.version != VERSION:
        raise Broken(
            f"This delivery store has version {row.version}, and this release reads version {VERSION}. "
            "Use the release that wrote it, or migrate it.",
            code="store.version",
        )


def _file_engine(path: Path, *, read_only: bool = False) -> Engine:
    mode = "ro" if read_only else "rwc"
    engine = create_engine(f"{_SQLITE}:///file:{path}?mode={mode}&uri=true", connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _look_only if read_only else _prepare_file)
    event.listen(engine, "begin", _begin_read if read_only else _begin_write)
    if not read_only:
        path.touch(mode=0o600, exist_ok=True)
    return engine


def _prepare_file(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")


def _look_only(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")


def _begin_write(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_read(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _server_engine(settings: StoreSettings, member: MemberId) -> Engine:
    url = make_url(settings.url)
    arguments = verified(url, settings.ca)
    if settings.password_file:
        require_private(settings.password_file)
        url = url.set(password=settings.password_file.read_text().strip())
    schema = settings.schema or "inbox_" + member.replace("-", "_")
    engine = create_engine(url, pool_pre_ping=True, connect_args=arguments)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:schema))"), {"schema": schema})
            connection.execute(CreateSchema(schema, if_not_exists=True))
    except SQLAlchemyError as error:
        engine.dispose()
        raise Broken(
            f"The delivery store's server does not let us in ({type(error).__name__}). "
            "Check [store] in the member's delivery file: url and password_file.",
            code="store.not_opened",
        ) from error
    return engine.execution_options(schema_translate_map={None: schema})
