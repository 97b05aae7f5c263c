"""Members get a checkpoint of the audit log every hour, so that what it said stays in many hands."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, text

from processors.letters import Writer, status_id
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.values import Instant
from tocsin.runtime.audit.exporting import tree_of
from tocsin.runtime.audit.handed import Handed
from tocsin.runtime.audit.tree import consistency
from tocsin.runtime.database import Database
from tocsin.runtime.transport.errands import Errand

EVERY_SECONDS: Final = 3_600


class Circulation:
    """One per exchange: the returns worker has it. Each is written down before it goes, so that they form one chain."""

    def __init__(
        self, members: Iterable[MemberId], writer: Writer, database: Database, every_seconds: int = EVERY_SECONDS
    ) -> None:
        self._members = sorted(set(members))
        self._writer = writer
        self._database = database
        self._every_seconds = every_seconds
        self._sent = 0

    def __call__(self, now_ms: int) -> Errand:
        """The newest one, for everybody, until the broker has it; after a start once more. May raise Temporary."""
        with self._database.transaction() as connection:
            connection.execute(_NEXT, {"every": self._every_seconds})
            row = connection.execute(_NEWEST).first()
            if row is None or row.size == self._sent:
                return Errand()
            handed = _handed(connection, row.old, row.size, row.note)
        told = checkpoint_statuses(self._members, handed, row.size, now_ms)
        return Errand(records=tuple(map(self._writer.status, told)), done=lambda: self._went(row.size))

    def _went(self, size: int) -> None:
        self._sent = size


def checkpoint_statuses(members: Sequence[MemberId], handed: Handed, size: int, now_ms: int) -> list[Status]:
    """The same for each; the same again after a crash."""
    return [
        Status(
            status_id=status_id(member, size, StatusKind.CHECKPOINT),
            member=member,
            report_id=ReportId(""),
            kind=StatusKind.CHECKPOINT,
            at=Instant(epoch_ms=now_ms),
            checkpoint=handed.text(),
        )
        for member in members
    ]


def _handed(connection: Connection, old: int, size: int, note: str) -> Handed:
    proof = consistency(tree_of(connection), old, size) if old else ()
    return Handed(old=old, proof=proof, note=note)


_NEXT: Final = text("""
    insert into audit_handed (size, old)
    select c.size, coalesce(l.size, 0)
    from (select size from audit_checkpoints order by size desc limit 1) c
    left join (select size, at from audit_handed order by size desc limit 1) l on true
    where l.size is null or (c.size > l.size and l.at <= now() - make_interval(secs => :every))
    on conflict do nothing
""")
"""Two workers at once continue the same one, and the second of them is ignored: the chain never forks."""
_NEWEST: Final = text("""
    select h.size, h.old, c.note from audit_handed h join audit_checkpoints c using (size) order by h.size desc limit 1
""")
