"""Writing the ledger: one short, idempotent transaction per slice, in one round trip where the slice is the next."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, text

from schemas.failures import Broken
from tocsin.runtime.database import CONSTRAINT, Database
from tocsin.runtime.ledger.settlement import Settlement
from tocsin.runtime.ledger.statements import queries
from tocsin.runtime.pipeline import Query, send

Beside = Callable[[int], Sequence[Query]]
"""What else is written with a slice, by the number of its stream."""


def nothing_beside(_: int) -> Sequence[Query]:
    """For a stage of which the ledger has everything."""
    return ()


class Ledger:
    """The ledger of one worker process: it knows the numbers of the streams that it has settled."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._streams: dict[tuple[str, str, int], int] = {}

    def settle(self, made: Settlement, beside: Beside = nothing_beside) -> None:
        """Record a slice; a replay of one that was recorded changes nothing, a hole is Broken.

        `beside` is written in the same transaction, and twice changes nothing either.
        """
        place = (made.topic_id, made.topic, made.partition)
        known = self._streams.get(place)
        if known is not None and self._settled_in_turn(known, made, beside):
            return
        with self._database.transaction() as connection:
            stream = settle(connection, made)
            send(connection, beside(stream))
        self._streams[place] = stream  # kept only once it is committed

    def _settled_in_turn(self, stream: int, made: Settlement, beside: Beside) -> bool:
        """Nothing is recorded where the slice is not the next of its stream: a replay, or a hole."""
        place = {"topic_id": made.topic_id, "topic": made.topic, "partition": made.partition}
        turn = Query(_IN_TURN, {"stream": stream, "first": made.first_offset, "next": _end(made), **place})
        try:
            self._database.together([turn, *queries(stream, made, made.first_offset), *beside(stream)])
        except Broken as failure:
            if failure.code != CONSTRAINT:
                raise
            return False
        return True


def settle(connection: Connection, made: Settlement) -> int:
    """Record a slice and tell its stream; a replay of one that was recorded changes nothing, a hole is Broken."""
    stream = stream_of(connection, made.topic_id, made.topic, made.partition, made.first_offset)
    settled = _advance(connection, stream, made.first_offset, _end(made))
    send(connection, queries(stream, made, settled))
    return stream


def _end(made: Settlement) -> int:
    return made.first_offset + len(made.outcomes)


def stream_of(connection: Connection, topic_id: str, topic: str, partition: int, first_offset: int) -> int:
    """The stream's number; made on first sight where the slice is its first.

    Raises Broken where a later slice comes first: the ledger was set back to before it knew the stream.
    """
    key = {"topic_id": topic_id, "topic": topic, "partition": partition, "first": 0}
    if first_offset == 0:
        connection.execute(_NEW_STREAM, key)
    stream = connection.execute(_STREAM, key).scalar_one_or_none()
    if stream is None:
        raise _hole(first_offset)
    return int(stream)


def positions(
    database: Database, topic_ids: Mapping[str, str], log_starts: Mapping[tuple[str, int], int]
) -> dict[tuple[str, int], int]:
    """The first unsettled offset of each partition; the log starts are kept, so that a loss has a date.

    A partition that is new here begins at 0, whatever its log start is: what was deleted before is missing.
    """
    keys = [
        {"topic_id": topic_ids[topic], "topic": topic, "partition": partition, "first": 0, "start": start}
        for (topic, partition), start in sorted(log_starts.items())
    ]
    if not keys:
        return {}
    with database.transaction() as connection:
        connection.execute(_NEW_STREAM, keys)
        connection.execute(_LOG_START, keys)
        found = settled_until(connection, {topic_ids[topic] for topic, _ in log_starts})
    return {place: offset for place, offset in found.items() if place in log_starts}


def settled_until(connection: Connection, topic_ids: Collection[str]) -> dict[tuple[str, int], int]:
    """The first unsettled offset of every partition of these topics that the ledger knows."""
    rows = connection.execute(_POSITIONS, {"topic_ids": sorted(topic_ids)})
    return {(row.topic, row.partition): int(row.next_offset) for row in rows}


def _advance(connection: Connection, stream: int, first: int, end: int) -> int:
    """Up to where the stream was settled before; a replay's facts are in the log already."""
    before = connection.execute(_ADVANCE, {"stream": stream, "first": first, "next": end}).scalar_one_or_none()
    if before is None:
        raise _hole(first)
    return int(before)


def _hole(first_offset: int) -> Broken:
    return Broken(
        f"A slice that starts at {first_offset} would leave a hole in the ledger. Nothing was recorded; "
        "the worker starts again from the ledger.",
        code="ledger.hole",
    )


_NEW_STREAM: Final = text(
    "insert into streams (topic_id, topic, partition, first_offset, next_offset) "
    "values (:topic_id, :topic, :partition, :first, :first) on conflict do nothing"
)
_STREAM: Final = text(
    "select stream from streams where topic_id = :topic_id and topic = :topic and partition = :partition"
)
_ADVANCE: Final = text(
    "with before as (select next_offset from streams where stream = :stream for update) "
    "update streams s set next_offset = greatest(s.next_offset, :next) from before "
    "where s.stream = :stream and before.next_offset >= :first returning before.next_offset"
)
_IN_TURN: Final = text(
    "update streams set next_offset = case when next_offset = :first and topic_id = :topic_id and topic = :topic "
    "and partition = :partition then cast(:next as bigint) end where stream = :stream"
)
"""Where the slice is not the next one of that stream it breaks the column's `not null`, and with it everything else.

A ledger that was set back may know the stream under another number; one that has none there breaks a foreign key.
"""
_LOG_START: Final = text(
    "insert into log_starts (stream, log_start) select stream, :start from streams "
    "where topic_id = :topic_id and topic = :topic and partition = :partition on conflict do nothing"
)
_POSITIONS: Final = text("select topic, partition, next_offset from streams where topic_id = any(:topic_ids)")
