"""Single records looked up where they lie, by a plain reader that commits nothing."""

from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.failures import Temporary
from schemas.records.values import Coordinate
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.transport.slices import RawRecord

_WAIT_SECONDS: Final = 10.0


class Records:
    """One connection, one record at a time."""

    def __init__(self, kafka: KafkaSettings, group: str) -> None:
        self._consumer = Consumer(kafka.client() | {"group.id": group, "enable.auto.commit": False})

    def __call__(self, place: Coordinate) -> RawRecord | None:
        """The record; None where retention took it. Raises Temporary where the broker does not answer."""
        where = TopicPartition(place.topic, place.partition, place.offset)
        try:
            start, end = self._consumer.get_watermark_offsets(where, timeout=_WAIT_SECONDS)
            if not start <= place.offset < end:
                return None
            self._consumer.assign([where])
            message = self._consumer.poll(_WAIT_SECONDS)
        except KafkaException as error:
            raise _away() from error
        if message is None or message.error():
            raise _away()
        if message.offset() != place.offset:
            return None
        return RawRecord(
            offset=place.offset,
            timestamp_ms=message.timestamp()[1],
            key=message.key(),
            value=message.value(),
            headers=(),
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()


def _away() -> Temporary:
    return Temporary("The broker does not answer. Check: tocsin doctor", code="kafka.away")
