"""Kafka as the inbox reads it: group protocol KIP-848 for sharing partitions, positions from the delivery store."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec import Struct

from consumers.inbox import Arrival
from consumers.store.arrivals import Gap, Position
from schemas.failures import Broken, Failure, Temporary
from schemas.records.values import Coordinate
from tocsin.runtime.client_statistics import statistics
from tocsin.runtime.logs import client_log
from tocsin.runtime.tracing.context import context_in

_ASK_SECONDS = 10.0
_GATHER_SECONDS = 0.1
_PING_SECONDS = 2.0
_LOG = logging.getLogger(__name__)

Positions = Callable[[], Mapping[tuple[str, int], Position]]
AcceptGap = Callable[[Gap], None]

_PASSING = frozenset({KafkaError._PARTITION_EOF, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN})


class Topics(Struct, frozen=True, kw_only=True):
    """What a member reads: of its status topic, if it was never read, only what is still there."""

    referrals: tuple[str, ...]
    status: str
    carries: bool = False
    """Whether trace contexts are read from headers."""


class KafkaSource:
    """Reads a member's topics; the broker's committed offsets are for dashboards only and never used."""

    def __init__(
        self,
        client: Mapping[str, Any],
        group: str,
        topics: Topics,
        positions: Positions,
        accept_gap: AcceptGap | None = None,
    ) -> None:
        self._positions = positions
        self._accept_gap = accept_gap
        self._topics = [*topics.referrals, topics.status]
        self._status = topics.status
        self._carries = topics.carries
        self._topic_ids: dict[str, str] = {}
        self._failure: Failure | None = None
        self._admin = AdminClient(dict(client) | {"log_level": 0})  # the consumer says the same of the broker
        self._consumer = Consumer(
            dict(client)
            | client_log()
            | statistics("inbox")
            | {
                "group.id": group,
                "group.protocol": "consumer",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "max.poll.interval.ms": 600_000,
                "queued.max.messages.kbytes": 16_384,
            }
        )
        self._subscribe()

    def fetch(self, limit: int, wait_seconds: float) -> list[Arrival]:
        """Wait for the first record, then a moment for its company: a turn costs the same for one as for many."""
        first = self._consumer.poll(wait_seconds)
        found = [] if first is None else [first, *self._consumer.consume(limit - 1, _GATHER_SECONDS)]
        if self._failure:
            raise self._taken_up(self._failure)
        if any(_is_astray(message) for message in found):
            raise self._taken_up(_astray())
        return [self._arrival(message) for message in found if _is_record(message)]

    def rewind(self, unread: Sequence[Arrival]) -> None:
        """Seek each partition back to the first record that is not in the store."""
        first: dict[tuple[str, int], int] = {}
        for arrival in unread:
            key = (arrival.place.topic, arrival.place.partition)
            first[key] = min(first.get(key, arrival.place.offset), arrival.place.offset)
        for (topic, partition), offset in first.items():
            try:
                self._consumer.seek(TopicPartition(topic, partition, offset))
            except KafkaException as error:
                _LOG.warning("A partition is no longer ours.", extra={"facts": {"code": error.args[0].name()}})

    def show_progress(self) -> None:
        """Commit the store's positions, so that lag dashboards see them; a failure of this is nobody's loss."""
        owned = {(place.topic, place.partition) for place in self._consumer.assignment()}
        places = [
            TopicPartition(topic, partition, position.next_offset)
            for (topic, partition), position in self._positions().items()
            if (topic, partition) in owned
        ]
        if places:
            self._consumer.commit(offsets=places, asynchronous=True)

    def has_read_everything(self) -> bool:
        """Whether nothing is left on the topics beyond the store's positions; for `--once`."""
        return self._has_read(self._topics)

    def has_heard_everything(self) -> bool:
        """The same of the status topic alone: no hold and no recall is left unread."""
        return self._has_read([self._status])

    def _has_read(self, topics: Sequence[str]) -> bool:
        stored = self._positions()
        for topic in topics:
            for partition in self._partitions(topic):
                start, end = self._watermarks(TopicPartition(topic, partition))
                position = stored.get((topic, partition))
                if end > (position.next_offset if position else start):
                    return False
        return True

    def reach(self) -> int:
        """Ask the broker something small, because a consumer alone does not say that it is cut off; tells topics."""
        try:
            return len(self._consumer.list_topics(self._topics[0], timeout=_PING_SECONDS).topics)
        except KafkaException as error:
            raise _away(error) from error

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _partitions(self, topic: str) -> list[int]:
        try:
            found = self._consumer.list_topics(topic, timeout=_ASK_SECONDS).topics[topic]
        except KafkaException as error:
            raise _away(error) from error
        return sorted(found.partitions)

    def _subscribe(self) -> None:
        self._consumer.subscribe(self._topics, on_assign=self._assigned, on_revoke=self._revoked)

    def _taken_up(self, failure: Failure) -> Failure:
        """What kept partitions from being placed; where it passes, they are asked for anew, from the stored positions.

        What was fetched meanwhile lies where the client thought, not where the store says: it is left alone.
        """
        if isinstance(failure, Temporary):
            self._failure = None
            self._consumer.unsubscribe()
            self._subscribe()
        return failure

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Start each partition where the store says; a failure here is raised by the next fetch."""
        try:
            self._learn_topic_ids()
            stored = self._positions()
            gaps = []
            for place in partitions:
                wanted, start = self._wanted(place, stored.get((place.topic, place.partition)))
                place.offset = max(wanted, start)
                if start > wanted:
                    gaps.append(
                        Gap(topic=place.topic, partition=place.partition, first_offset=wanted, next_offset=start)
                    )
            self._pass(gaps)
        except Failure as failure:
            self._failure = failure
            return
        consumer.incremental_assign(partitions)

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_unassign(partitions)

    def _wanted(self, place: TopicPartition, stored: Position | None) -> tuple[int, int]:
        """The stored position or the very first record, and the first record that is still there."""
        start, end = self._watermarks(place)
        if stored and stored.topic_id != self._topic_ids[place.topic]:
            raise Broken(
                f"Topic {place.topic} is not the one that was read before: it was deleted and made anew. "
                "Restore it, or begin with a new delivery store.",
                code="inbox.other_topic",
            )
        wanted = stored.next_offset if stored else start if place.topic == self._status else 0
        if wanted > end:
            raise Broken(
                f"{place.topic}[{place.partition}] ends at {end}, and {wanted} records were read from it before. "
                "The broker lost records: restore it before going on.",
                code="inbox.behind",
            )
        return wanted, start

    def _pass(self, gaps: Sequence[Gap]) -> None:
        """Records that retention deleted unread: a person must say how to go on, and is told how many there are."""
        if gaps and self._accept_gap is None:
            places = ", ".join(
                f"{gap.topic}[{gap.partition}] begins at {gap.next_offset}, and the inbox has read up to "
                f"{gap.first_offset}"
                for gap in gaps
            )
            count = sum(gap.next_offset - gap.first_offset for gap in gaps)
            raise Broken(
                f"{count} records were deleted unread. {places}. Ask the operator for them (tocsin ledger), "
                "then go on with --accept-gap and a reason.",
                code="inbox.gap",
            )
        for gap in gaps:
            if self._accept_gap:
                self._accept_gap(gap)

    def _watermarks(self, place: TopicPartition) -> tuple[int, int]:
        try:
            marks = self._consumer.get_watermark_offsets(place, timeout=_ASK_SECONDS, cached=False)
        except KafkaException as error:
            raise _away(error) from error
        if marks is None:
            raise Temporary("The broker did not say where a partition begins and ends.", code="broker.away")
        start, end = marks
        return start, end

    def _learn_topic_ids(self) -> None:
        try:
            asked = self._admin.describe_topics(TopicCollection(self._topics), request_timeout=_ASK_SECONDS)
            self._topic_ids = {name: str(future.result().topic_id) for name, future in asked.items()}
        except KafkaException as error:
            raise _away(error) from error

    def _arrival(self, message: Message) -> Arrival:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is None or partition is None or offset is None:
            raise Broken("The Kafka client gave a record without coordinate. Report this.", code="inbox.no_coordinate")
        place = Coordinate(topic_id=self._topic_ids[topic], topic=topic, partition=partition, offset=offset)
        context = context_in(_headers(message)) if self._carries else ""
        return Arrival(place=place, value=message.value() or b"", context=context)


def _headers(message: Message) -> Any:
    """As bytes; the client's annotation allows more than it gives."""
    return message.headers()


def _is_astray(message: Message) -> bool:
    """Whether the broker does not have the place that is read next: where it is must be asked for anew."""
    error = message.error()
    return error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET


def _astray() -> Temporary:
    return Temporary(
        "The broker does not have the record that is read next: brokers are lost, or retention deleted it. "
        "Where the partition begins and ends is asked for anew; if this goes on, check that all brokers run: "
        "tocsin doctor",
        code="inbox.astray",
    )


def _is_record(message: Message) -> bool:
    """Whether this is a record; errors that pass are not, and every other error ends the process."""
    error = message.error()
    if error is None:
        return True
    if error.code() in _PASSING:
        return False
    raise Broken(
        f"The broker refuses to let this member read ({error.name()}). Check topics, access rules and certificate: "
        "tocsin doctor",
        code="inbox.refused_by_broker",
    )


def _away(error: KafkaException) -> Temporary:
    return Temporary(
        f"The broker did not answer ({error.args[0].name()}). Check that it runs: tocsin doctor", code="broker.away"
    )
