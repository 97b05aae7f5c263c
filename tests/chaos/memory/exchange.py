"""What a memory run looks at in a running exchange: ledger, inboxes, resident sizes, and the broker's folders."""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from sqlalchemy import TextClause, text

from schemas.topics import OPS
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.settings import load
from tocsin.stack.local import LocalStack

_SEGMENT_BYTES = 8 * 1024 * 1024
_PARTITION_BYTES = 32 * 1024 * 1024
_SHORT = {"retention.bytes": _PARTITION_BYTES, "segment.bytes": _SEGMENT_BYTES}
"""What a topic keeps of the run: a few ten thousand records a partition, whatever the million."""
LARGEST_PARTITION_BYTES = _PARTITION_BYTES + 4 * _SEGMENT_BYTES
"""Whole segments are deleted, every few seconds, and the one that is written to never."""
_ASK_SECONDS = 60.0
_INPUTS = {
    "triage-normal": "reports.%.submitted.v1",
    "triage-escalated": "reports.%.escalated.v1",
    "returns": "returns.%",
}
"""Which settled records are whose work."""
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Exchange:
    """Reads as `ops`; changes nothing but how long topics keep what is on them."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._database: Database = database_of(load(stack.config(OPS)))

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def shorten_topics(self) -> None:
        """Every topic of ours keeps a bounded number of bytes."""
        admin = AdminClient(self._stack.client(OPS))
        entries = [ConfigEntry(k, str(v), incremental_operation=AlterConfigOpType.SET) for k, v in _SHORT.items()]
        names = [name for name in admin.list_topics(timeout=_ASK_SECONDS).topics if not name.startswith("__")]
        topics = [ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries) for name in names]
        for future in admin.incremental_alter_configs(topics, request_timeout=_ASK_SECONDS).values():
            future.result()

    def settled(self) -> int:
        """Reports that the ledger has an outcome of."""
        return self._number(_SETTLED, "reports.%")

    def database_bytes(self) -> int:
        """On disk, indexes and all."""
        return self._number(_DATABASE_BYTES)

    def delivered(self, members: Iterable[str]) -> int:
        """Referrals that the members' own stores say are delivered."""
        return sum(map(self._delivered_to, members))

    def handled(self, process: str) -> int:
        """Records that a process of this name is done with."""
        if process.startswith("deliver-"):
            return self._delivered_to(process.removeprefix("deliver-"))
        return self._number(_SETTLED, _INPUTS[process])

    def largest_partition_bytes(self) -> int:
        """Of all partitions of our topics on the broker's disk."""
        folders = (self._stack.home / "kafka").glob("*-[0-9]*")
        return max((_folder_bytes(folder) for folder in folders if not folder.name.startswith("__")), default=0)

    def _delivered_to(self, member: str) -> int:
        file = self._stack.home / "state" / member / "inbox.sqlite"
        if not file.exists():
            return 0
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=_ASK_SECONDS)) as connection:
            if not connection.execute(_IS_MADE).fetchall():
                return 0
            (count,) = connection.execute(_DELIVERED).fetchone()
        return int(count)

    def _number(self, statement: TextClause, topics: str = "") -> int:
        with self._database.transaction() as connection:
            return int(connection.execute(statement, {"topics": topics} if topics else {}).scalar_one())


def rss_bytes(pid: int) -> int:
    """The resident size of a process now."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE_BYTES


def _folder_bytes(folder: Path) -> int:
    """What was deleted meanwhile counts nothing; indexes are preallocated and sparse, so that blocks are counted."""
    total = 0
    for file in folder.glob("*"):
        try:
            total += file.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


_SETTLED = text("""
    with placed as (
        select stream, blocks.first_offset, blocks.first_offset + length(outcomes) as next_offset,
               max(blocks.first_offset + length(outcomes)) over before as reached
        from ledger_blocks as blocks join streams using (stream)
        where topic like :topics
        window before as (
            partition by stream order by blocks.first_offset rows between unbounded preceding and 1 preceding
        )
    )
    select coalesce(sum(greatest(0, next_offset - greatest(first_offset, coalesce(reached, 0)))), 0) from placed
""")
"""After a restart blocks may overlap: each offset counts once."""
_IS_MADE = "select 1 from sqlite_master where name = 'deliveries'"
"""A store is a file before it has its tables."""
_DELIVERED = "select count(*) from deliveries where state = 'delivered'"
_DATABASE_BYTES = text("select pg_database_size(current_database())")
