"""Setting records aside by name and reason: the only way past one that halts a worker, or that the broker lost."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, Self

from msgspec import Struct
from sqlalchemy import Connection, Row, text

from schemas.catalogue import message
from schemas.failures import Refused
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import Settlement
from tocsin.runtime.ledger.settling import settle

Skips = Mapping[tuple[str, int], frozenset[int]]
"""Offsets by topic id and partition that a worker sets aside instead of looking at them."""

MOST_SKIPPED: Final = 1_000_000
"""At once: a ledger block is one row."""
_NAMED: Final = re.compile(r"(?P<topic>[a-z0-9.-]+)/(?P<partition>\d+)/(?P<first>\d+)(?:-(?P<last>\d+))?")


class Place(Struct, frozen=True, kw_only=True):
    """Consecutive records of one partition, as people write them: topic/partition/offset or .../first-last."""

    topic: str
    partition: int
    first: int
    last: int

    @classmethod
    def named(cls, name: str) -> Self:
        """Read a name; raises Refused where it is none, or where it names too many."""
        found = _NAMED.fullmatch(name)
        if found is None:
            raise Refused(message("ledger.coordinate"), code="ledger.coordinate")
        first, last = int(found["first"]), int(found["last"] or found["first"])
        if not first <= last < first + MOST_SKIPPED:
            raise Refused(message("ledger.coordinate"), code="ledger.coordinate")
        return cls(topic=found["topic"], partition=int(found["partition"]), first=first, last=last)


class Excuse(Struct, frozen=True, kw_only=True):
    """Who set records aside, and why; both are kept."""

    by: str
    reason: str


def skips_of(database: Database) -> Skips:
    """What the workers have to set aside: everything skipped that is not settled yet."""
    found: dict[tuple[str, int], set[int]] = defaultdict(set)
    with database.transaction() as connection:
        for row in connection.execute(_OPEN):
            found[row.topic_id, row.partition].update(range(row.first_offset, row.last_offset + 1))
    return {key: frozenset(offsets) for key, offsets in found.items()}


def skip(connection: Connection, place: Place, log_start: int, excuse: Excuse) -> Outcome:
    """Set records aside: SKIPPED by the worker when it is started again, or LOST at once where the broker has none.

    Raises Refused where they are settled already, or where their partition is not in the ledger.
    """
    stream = _stream(connection, place)
    if place.first < stream.next_offset:
        raise Refused(message("ledger.settled", next=stream.next_offset), code="ledger.settled")
    is_lost = place.last < log_start
    if is_lost:
        _settle_lost(connection, place, stream)
    elif place.first != place.last or place.first < log_start:
        raise Refused(message("ledger.one_at_a_time", start=log_start), code="ledger.one_at_a_time")
    connection.execute(_SKIP, {"stream": stream.stream, "first": place.first, "last": place.last, **_kept(excuse)})
    return Outcome.LOST if is_lost else Outcome.SKIPPED


def _stream(connection: Connection, place: Place) -> Row[Any]:
    row = connection.execute(_STREAM, {"topic": place.topic, "partition": place.partition}).first()
    if row is None:
        raise Refused(message("ledger.unknown_partition"), code="ledger.unknown_partition")
    return row


def _settle_lost(connection: Connection, place: Place, stream: Row[Any]) -> None:
    if place.first != stream.next_offset:
        raise Refused(message("ledger.lost_in_order", next=stream.next_offset), code="ledger.lost_in_order")
    lost = Settlement(
        topic_id=stream.topic_id,
        topic=place.topic,
        partition=place.partition,
        first_offset=place.first,
        outcomes=(Outcome.LOST,) * (place.last - place.first + 1),
    )
    settle(connection, lost)


def _kept(excuse: Excuse) -> dict[str, str]:
    return {"by": excuse.by, "reason": excuse.reason}


_OPEN: Final = text("""
    select topic_id, partition, greatest(skips.first_offset, next_offset) as first_offset, last_offset
    from skips join streams using (stream) where last_offset >= next_offset
""")
_STREAM: Final = text(
    "select stream, topic_id, next_offset from streams where topic = :topic and partition = :partition "
    "order by stream desc limit 1"
)
_SKIP: Final = text(
    "insert into skips (stream, first_offset, last_offset, decided_by, reason) "
    "values (:stream, :first, :last, :by, :reason) on conflict do nothing"
)
