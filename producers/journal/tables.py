"""The journal's tables; times are UTC milliseconds."""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table, UniqueConstraint

from tocsin.runtime.holding import holds_table

VERSION: Final = 1
METADATA: Final = MetaData()

JOURNAL: Final = Table(
    "journal",
    METADATA,
    Column("member", String, primary_key=True),
    Column("version", Integer, nullable=False),
)

ENTRIES: Final = Table(
    "entries",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("reference", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("report_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("mark", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("value", LargeBinary),
    Column("headers", LargeBinary, nullable=False),
    Column("intended_ms", Integer, nullable=False),
    Column("confirmed_ms", Integer),
    Column("partition", Integer),
    Column("offset", Integer),
    UniqueConstraint("reference", "revision"),
)
"""One record a revision: the exact bytes and headers, *intended* before they are sent, *confirmed* after."""

Index("entries_waiting", ENTRIES.c.number, sqlite_where=ENTRIES.c.confirmed_ms.is_(None))
Index("entries_by_report", ENTRIES.c.report_id)

RETENTIONS: Final = Table(
    "retentions",
    METADATA,
    Column("report_id", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("retain_ms", Integer, nullable=False),
)
"""Until when the member itself said that each revision is kept; gone with what it is about."""

STATUSES: Final = Table(
    "statuses",
    METADATA,
    Column("status_id", String, primary_key=True),
    Column("report_id", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("value", LargeBinary, nullable=False),
)
"""What the exchange told the member, as JSON of the Status record."""

ERASURES: Final = Table(
    "erasures",
    METADATA,
    Column("report_id", String, primary_key=True),
    Column("ordered_ms", Integer, nullable=False),
)
"""Orders to erase that are not carried out yet."""

HOLDS: Final = holds_table(METADATA)
"""Which reports are held until when: no age and no order takes them meanwhile."""

Index("statuses_by_report", STATUSES.c.report_id)

POSITIONS: Final = Table(
    "positions",
    METADATA,
    Column("partition", Integer, primary_key=True),
    Column("next_offset", Integer, nullable=False),
)
"""How far the status topic was read."""
