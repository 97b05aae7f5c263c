"""What a person does and nothing takes back is in the audit log, or it is not done."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection

from tocsin.runtime.audit.recording import record_act
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.database import database_of
from tocsin.runtime.settings import Settings, load


def note_act(connection: Connection, act: Act) -> None:
    """Write it now, in the transaction that does it."""
    record_act(connection, act, time.time_ns() // 1_000_000)


@contextmanager
def in_the_log(settings: Settings, act: Act) -> Iterator[None]:
    """Do it inside: the entry stands with it, and where the log cannot be written, nothing is done."""
    database = database_of(settings)
    try:
        with database.transaction() as connection:
            note_act(connection, act)
            yield
    finally:
        database.close()


def in_the_log_of(ops: Path, act: Act) -> AbstractContextManager[None]:
    """The same by the settings of ops, where they are here and name a database: a folder of keys alone has no log."""
    settings = load(ops) if ops.exists() else None
    return in_the_log(settings, act) if settings and settings.database else nullcontext()
