"""Reading a member's topics without taking delivery: no position is kept or committed, nothing is answered."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from msgspec import Struct

from consumers.codec import Codec
from schemas.failures import Broken, Temporary, Unreadable
from schemas.records.identifiers import MemberId
from tocsin.runtime.metrics import failure_met

_ASK_SECONDS = 10.0
_IDLE_SECONDS = 0.5

Place = tuple[str, int]


Record = TypeVar("Record", bound=Struct)


class Reader(Generic[Record]):
    """Every record of one type on the topics between two instants, in the order of each partition."""

    def __init__(
        self,
        client: Mapping[str, Any],
        member: MemberId,
        topics: Sequence[str],
        codec: Codec,
        record_type: type[Record],
    ) -> None:
        self._codec = codec
        self._topics = tuple(topics)
        self._record_type = record_type
        self._consumer = Consumer(
            dict(client)
            | {
                "group.id": f"{member}.subscribe",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "allow.auto.create.topics": False,
            }
        )

    def read(self, since_ms: int | None = None, until_ms: int | None = None) -> Iterator[Record]:
        """Records appended from `since_ms` on; with `until_ms`, those before it that are there now, else for ever."""
        starts = self._offsets_at(since_ms) if since_ms is not None else self._first_offsets()
        ends = self._offsets_at(until_ms) if until_ms is not None else None
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in starts.items()])
        left = {place for place in starts if ends is None or starts[place] < ends[place]}
        while left:
            message = self._consumer.poll(_IDLE_SECONDS)
            if message is None:
                continue
            record = self._record(message)
            place, offset = _place(message)
            if ends is not None and offset + 1 >= ends[place]:
                left.discard(place)
            if record and (ends is None or offset < ends[place]):
                yield record

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def _places(self) -> list[Place]:
        try:
            found = {topic: self._consumer.list_topics(topic, timeout=_ASK_SECONDS).topics for topic in self._topics}
        except KafkaException as error:
            raise _away(error) from error
        return [(topic, partition) for topic, topics in found.items() for partition in sorted(topics[topic].partitions)]

    def _first_offsets(self) -> dict[Place, int]:
        return {place: self._watermarks(place)[0] for place in self._places()}

    def _offsets_at(self, instant_ms: int) -> dict[Place, int]:
        """The first offset appended at or after an instant; the end of the partition where there is none."""
        asked = [TopicPartition(*place, instant_ms) for place in self._places()]
        try:
            answered = self._consumer.offsets_for_times(asked, timeout=_ASK_SECONDS)
        except KafkaException as error:
            raise _away(error) from error
        return {
            (found.topic, found.partition): (
                found.offset if found.offset >= 0 else self._watermarks((found.topic, found.partition))[1]
            )
            for found in answered
        }

    def _watermarks(self, place: Place) -> tuple[int, int]:
        try:
            marks = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=_ASK_SECONDS, cached=False)
        except KafkaException as error:
            raise _away(error) from error
        if marks is None:
            raise Temporary("The broker did not say where a partition begins and ends.", code="broker.away")
        first, end = marks
        return first, end

    def _record(self, message: Message) -> Record | None:
        """The record; one that cannot be read is counted here, and kept by the inbox of the member."""
        error = message.error()
        if error is not None:
            raise Broken(
                f"The broker refuses to let this member read ({error.name()}).", code="inbox.refused_by_broker"
            )
        try:
            return self._codec.loads(message.value(), self._record_type)
        except Unreadable as failure:
            failure_met("subscribe", failure)
            return None


def _place(message: Message) -> tuple[Place, int]:
    """Where a record stands."""
    return (message.topic() or "", message.partition() or 0), message.offset() or 0


def _away(error: KafkaException) -> Temporary:
    return Temporary(
        f"The broker did not answer ({error.args[0].name()}). Check that it runs: tocsin doctor", code="broker.away"
    )
