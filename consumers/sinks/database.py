"""A table in the recipient's own database: one row a referral, written again under the same key."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Boolean, Column, Engine, Integer, LargeBinary, MetaData, String, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from consumers.letters import Parcel
from consumers.sinks.port import Away, Presence
from schemas.failures import Broken, Refused

_INSERTS: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class DatabaseSink:
    """Creates its table where that is missing; the recipient reads it, and may add columns of its own."""

    honours_key = True

    def __init__(self, engine: Engine, table_name: str) -> None:
        if engine.dialect.name not in _INSERTS:
            raise Broken(
                f"A database sink is SQLite or PostgreSQL, found {engine.dialect.name}. Correct its url.",
                code="delivery.settings",
            )
        self._engine = engine
        self._insert = _INSERTS[engine.dialect.name]
        self._table = _table(table_name)
        self._is_ready = False

    def send(self, parcel: Parcel) -> None:
        """Insert or replace the row of this key."""
        values = _row(parcel)
        statement = self._insert(self._table).values(**values)
        changes = {name: statement.excluded[name] for name in values if name != "referral_id"}
        with self._begin() as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=[self._table.c.referral_id], set_=changes)
            )

    def check(self, key: str) -> Presence:
        """Look for the row."""
        with self._begin() as connection:
            found = connection.execute(
                select(self._table.c.referral_id).where(self._table.c.referral_id == key)
            ).one_or_none()
        return Presence.PRESENT if found else Presence.ABSENT

    def erase(self, key: str) -> bool:
        """Delete the row, whether or not it is there; copies that the recipient made are its own."""
        with self._begin() as connection:
            connection.execute(delete(self._table).where(self._table.c.referral_id == key))
        return True

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @contextmanager
    def _begin(self) -> Iterator[Any]:
        try:
            with self._engine.begin() as connection:
                if not self._is_ready:
                    self._table.create(connection, checkfirst=True)
                yield connection
            self._is_ready = True
        except (DataError, IntegrityError) as error:
            raise Refused(
                f"The recipient's table does not take this referral ({type(error.orig).__name__}). "
                "Compare its columns with docs/guides/recipient.md.",
                code="sink.row_refused",
            ) from error
        except SQLAlchemyError as error:
            raise Away(
                f"The recipient's database did not answer ({type(error).__name__}). Check its url, server and rights.",
                code="sink.database_away",
            ) from error


def _table(name: str) -> Table:
    return Table(
        name,
        MetaData(),
        Column("referral_id", String, primary_key=True),
        Column("report_id", String, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("mark", String, nullable=False),
        Column("tier", String, nullable=False),
        Column("withdrawn", Boolean, nullable=False),
        Column("media_type", String, nullable=False),
        Column("sha256", String, nullable=False),
        Column("document", LargeBinary, nullable=False),
    )


def _row(parcel: Parcel) -> dict[str, Any]:
    return {
        "referral_id": parcel.key,
        "report_id": parcel.report_id,
        "revision": parcel.revision,
        "mark": parcel.mark.value,
        "tier": parcel.tier.value,
        "withdrawn": parcel.withdrawn,
        "media_type": parcel.document.media_type,
        "sha256": hashlib.sha256(parcel.document.body).hexdigest(),
        "document": parcel.document.body,
    }
