"""What a person does and nothing takes back is in the audit log, or it is not done."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import click
from sqlalchemy import Connection, text

from schemas.catalogue import message
from schemas.failures import Temporary
from tocsin.runtime.audit.recording import record_act
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.database import database_of, one_transaction
from tocsin.runtime.settings import Settings, load

_TABLES = text("select to_regclass('audit_entries') is not null")


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


@contextmanager
def in_the_log_if_there_is_one(settings: Settings, act: Act) -> Iterator[None]:
    """The same before there is a log to write into, for what has to be done then, too: that there is none is said."""
    if why_not := _why_no_log(settings):
        yield
        click.echo(message(why_not))
        return
    with in_the_log(settings, act):
        yield


def _why_no_log(settings: Settings) -> str:
    if settings.database is None:
        return "act.no_database"
    try:
        with one_transaction(settings) as connection:
            return "" if connection.execute(_TABLES).scalar_one() else "act.no_tables"
    except Temporary:
        return "act.no_answer"
