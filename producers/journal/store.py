"""Opening a journal: the file's rights, its lease, whose it is, and one transaction at a time."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, insert, select, text
from sqlalchemy.exc import DBAPIError

from producers.journal.tables import JOURNAL, METADATA, VERSION
from schemas.catalogue import message
from schemas.failures import Broken
from schemas.records.identifiers import MemberId
from tocsin.runtime.privacy import require_private

FILE: Final = "journal.sqlite"
_LOCK: Final = "journal.lock"
_BUSY_SECONDS: Final = 10
_FULL: Final = ("full", "disk I/O error")
"""What SQLite says when a disk has no room, or stops taking bytes."""


class Journal:
    """One member's journal; the modules beside this one are what is done inside `begin`."""

    def __init__(self, engine: Engine, lease: int | None = None) -> None:
        self._engine = engine
        self._lease = lease

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: on disk when the block ends, undone when it raises; raises Broken where it cannot be."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise _unusable(error) from error

    def forget(self) -> None:
        """Empty SQLite's own log as well, where what was deleted may still stand; a reader beside delays that."""
        try:
            connection = self._engine.raw_connection()
            try:
                connection.cursor().execute("pragma wal_checkpoint(truncate)")
            finally:
                connection.close()
        except DBAPIError as error:
            raise _unusable(error) from error

    def close(self) -> None:
        """Let the next process in."""
        self._engine.dispose()
        if self._lease is not None:
            os.close(self._lease)


def open_journal(folder: Path, member: MemberId) -> Journal:
    """The journal of one member, made where there is none; one process at a time, which keeps revisions in order."""
    with _translated():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for private in (folder, folder / FILE, folder / f"{FILE}-wal"):
            require_private(private)
        lease = _lease(folder / _LOCK, member)
        journal = Journal(_engine(folder / FILE), lease)
    try:
        with journal.begin() as connection:
            METADATA.create_all(connection)
            _claim(connection, member)
    except BaseException:
        journal.close()
        raise
    return journal


def open_to_read(folder: Path) -> Journal | None:
    """The same journal for looking only, also while another process publishes; None where there is none."""
    path = folder / FILE
    with _translated():
        return Journal(_engine(path)) if path.exists() else None


@contextmanager
def _translated() -> Iterator[None]:
    """What the file system refuses, in words."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Broken(message("journal.full"), code="journal.full") from error
        raise Broken(message("journal.broken", reason=error.strerror), code="journal.broken") from error


def _lease(path: Path, member: MemberId) -> int:
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise Broken(message("journal.in_use", member=member), code="journal.in_use") from error
    return handle


def _claim(connection: Connection, member: MemberId) -> None:
    row = connection.execute(select(JOURNAL)).one_or_none()
    if row is None:
        connection.execute(insert(JOURNAL).values(member=member, version=VERSION))
    elif row.member != member:
        found = message("journal.of_another_member", found=row.member, member=member)
        raise Broken(found, code="journal.of_another_member")
    elif row.version != VERSION:
        raise Broken(message("journal.broken", reason=f"its version is {row.version}"), code="journal.broken")


def _engine(path: Path) -> Engine:
    path.touch(mode=0o600, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _: Any) -> None:
    """Readers beside one writer; what was committed survives a power cut, and what was deleted is overwritten."""
    connection.isolation_level = None
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma secure_delete = on")


def _begin(connection: Connection) -> None:
    connection.execute(text("begin immediate"))


def _unusable(error: DBAPIError) -> Broken:
    reason = str(error.orig)
    if any(words in reason for words in _FULL):
        return Broken(message("journal.full"), code="journal.full")
    return Broken(message("journal.broken", reason=type(error.orig).__name__), code="journal.broken")
