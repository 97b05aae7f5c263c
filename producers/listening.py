"""Reads a member's status topic into its journal, from where it stopped to where the topic ends now.

What is told there is written down alone: orders to erase are carried out by whoever lets go (journal/keeping.py).
"""

from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from producers.journal import erasures, statuses
from producers.journal.store import Journal
from producers.journal.tables import HOLDS
from schemas.catalogue import message as sentence
from schemas.failures import Temporary, Unreadable
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId
from schemas.topics import status_topic
from tocsin.runtime.holding import note
from tocsin.runtime.metrics import failure_met
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.settings import KafkaSettings

_ASK_SECONDS: Final = 10.0
_BATCH: Final = 500
_STAGE: Final = "statuses"


class Listener:
    """Positions live in the journal, in the transaction of what was read; the broker keeps none."""

    def __init__(self, kafka: KafkaSettings, journal: Journal, member: MemberId, codec: RecordCodec) -> None:
        self._journal = journal
        self._codec = codec
        self._topic = status_topic(member)
        self._consumer = Consumer(
            kafka.client()
            | {
                "group.id": f"{member}.sent",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )

    def catch_up(self) -> int:
        """Read what is new; tells how many messages. Raises Temporary where the broker is away."""
        try:
            ends = self._ends()
            left = self._assign(ends)
            return self._read(left, ends)
        except KafkaException as error:
            raise _away() from error

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def _ends(self) -> dict[int, tuple[int, int]]:
        partitions = self._consumer.list_topics(self._topic, timeout=_ASK_SECONDS).topics[self._topic].partitions
        return {number: self._watermarks(number) for number in partitions}

    def _watermarks(self, partition: int) -> tuple[int, int]:
        place = TopicPartition(self._topic, partition)
        marks = self._consumer.get_watermark_offsets(place, timeout=_ASK_SECONDS, cached=False)
        if marks is None:
            raise _away()
        first, end = marks
        return first, end

    def _assign(self, ends: dict[int, tuple[int, int]]) -> set[int]:
        """Start each partition where the journal stopped, or at its first record; tells which have something new."""
        with self._journal.begin() as connection:
            known = statuses.positions(connection)
        starts = {number: max(first, known.get(number, 0)) for number, (first, _) in ends.items()}
        new = {number for number, start in starts.items() if start < ends[number][1]}
        self._consumer.assign([TopicPartition(self._topic, number, starts[number]) for number in new])
        return new

    def _read(self, left: set[int], ends: dict[int, tuple[int, int]]) -> int:
        count = 0
        while left:
            records = self._consumer.consume(_BATCH, timeout=_ASK_SECONDS)
            if not records:
                raise _away()
            count += self._keep(records)
            left -= {_partition(one) for one in records if (one.offset() or 0) + 1 >= ends[_partition(one)][1]}
        return count

    def _keep(self, records: list[Message]) -> int:
        for record in records:
            if error := record.error():
                raise KafkaException(error)
        told = [status for record in records if (status := self._status(record))]
        with self._journal.begin() as connection:
            statuses.keep(connection, told)
            erasures.order(connection, (status for status in told if status.kind is StatusKind.ERASE))
            for status in told:
                if status.kind is StatusKind.LEGAL_HOLD:
                    note(connection, HOLDS, status)
            for record in records:
                statuses.move(connection, _partition(record), (record.offset() or 0) + 1)
        return len(told)

    def _status(self, record: Message) -> Status | None:
        """One that cannot be read is counted and passed over: it only informs, and the report is not lost with it."""
        try:
            return self._codec.loads(record.value(), Status)
        except Unreadable as failure:
            failure_met(_STAGE, failure)
            return None


def _partition(record: Message) -> int:
    return record.partition() or 0


def _away() -> Temporary:
    return Temporary(sentence("status.away"), code="status.away")
