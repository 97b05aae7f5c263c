"""What a person does and nothing takes back is in the audit log, or it is not done."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tocsin.runtime.audit.recording import record_act
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.database import database_of
from tocsin.runtime.settings import Settings


@contextmanager
def in_the_log(settings: Settings, act: Act) -> Iterator[None]:
    """Do it inside: the entry stands with it, and where the log cannot be written, nothing is done."""
    database = database_of(settings)
    try:
        with database.transaction() as connection:
            record_act(connection, act, time.time_ns() // 1_000_000)
            yield
    finally:
        database.close()
