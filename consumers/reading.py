"""Reading a member's referrals without taking delivery: no position is kept or committed, nothing is answered."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from consumers.codec import Codec
from schemas.failures import Broken, Temporary, Unreadable
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from tocsin.runtime.metrics import failure_met

_ASK_SECONDS = 10.0
_IDLE_SECONDS = 0.5


class Reader:
    """Every referral on the topics between two instants, in the order of each partition."""

    def __init__(self, client: Mapping[str, Any], member: MemberId, topics: Sequence[str], codec: Codec) -> None:
        self._codec = codec
        self._topics = tuple(topics)
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

    def read(self, since_ms: int | None = None, until_ms: int | None = None) -> Iterator[Referral]:
        """Referrals appended from `since_ms` on; ends at `until_ms`, without it never."""
        places = self._places()
        starts = self._offsets_at(places, since_ms) if since_ms is not None else places
        self._consumer.assign(starts)
        open_places = {(place.topic, place.partition) for place in places}
        while open_places:
            message = self._consumer.poll(_IDLE_SECONDS)
            if message is None:
                if until_ms is not None and (until_ms <= time.time() * 1000) and self._at_end(open_places):
                    return
                continue
            if until_ms is not None and _appended_ms(message) >= until_ms:
                open_places.discard((message.topic() or "", message.partition() or 0))
                continue
            referral = self._referral(message)
            if referral is not None:
                yield referral

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def _places(self) -> list[TopicPartition]:
        try:
            found = {topic: self._consumer.list_topics(topic, timeout=_ASK_SECONDS).topics for topic in self._topics}
        except KafkaException as error:
            raise _away(error) from error
        return [
            TopicPartition(topic, partition, 0)
            for topic, topics in found.items()
            for partition in sorted(topics[topic].partitions)
        ]

    def _offsets_at(self, places: list[TopicPartition], since_ms: int) -> list[TopicPartition]:
        asked = [TopicPartition(place.topic, place.partition, since_ms) for place in places]
        try:
            return self._consumer.offsets_for_times(asked, timeout=_ASK_SECONDS)
        except KafkaException as error:
            raise _away(error) from error

    def _at_end(self, places: set[tuple[str, int]]) -> bool:
        for place in self._consumer.position([TopicPartition(*place) for place in sorted(places)]):
            _, end = self._consumer.get_watermark_offsets(place, timeout=_ASK_SECONDS, cached=False)
            if 0 <= place.offset < end or (place.offset < 0 < end):
                return False
        return True

    def _referral(self, message: Message) -> Referral | None:
        """The referral; a record that cannot be read is counted here, and kept by the inbox of the member."""
        error = message.error()
        if error is not None:
            raise Broken(
                f"The broker refuses to let this member read ({error.name()}).", code="inbox.refused_by_broker"
            )
        try:
            return self._codec.loads(message.value(), Referral)
        except Unreadable as failure:
            failure_met("subscribe", failure)
            return None


def _appended_ms(message: Message) -> int:
    return message.timestamp()[1]


def _away(error: KafkaException) -> Temporary:
    return Temporary(
        f"The broker did not answer ({error.args[0].name()}). Check that it runs: tocsin doctor", code="broker.away"
    )
