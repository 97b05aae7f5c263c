"""Dead letters on the broker: reads one, and publishes its record again where it came from."""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from schemas.catalogue import message
from schemas.failures import Refused, Temporary
from tocsin.runtime.ledger.deadletters import DeadLetter
from tocsin.runtime.settings import KafkaSettings

ERRORS: Final = "__tocsin.errors."
_MASKED: Final = f"{ERRORS}value.masked"
_ASK_SECONDS: Final = 10.0


class Letterbox:
    """Works as `ops`, who may read dead letters and write to every topic."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._consumer = Consumer(kafka.client() | {"group.id": "ops.dlq", "enable.auto.commit": False})
        self._producer = Producer(kafka.client() | {"enable.idempotence": True})

    def facts(self, letter: DeadLetter) -> Mapping[str, str]:
        """What its headers say: code, field, size, digest; never the value."""
        return {
            name.removeprefix(ERRORS): content.decode("utf-8", "replace") for name, content in self._headers(letter)
        }

    def publish_again(self, letter: DeadLetter) -> None:
        """Send the record as it came to the topic it came from; raises Refused for one that was masked."""
        record = self._record(letter)
        headers = _headers_of(record)
        if any(name == _MASKED and content == b"true" for name, content in headers):
            raise Refused(message("dlq.masked"), code="dlq.masked")
        failed: list[Any] = []
        kept: Any = [(name, content) for name, content in headers if not name.startswith(ERRORS)]
        self._producer.produce(
            letter.topic, record.value(), record.key(), headers=kept, on_delivery=lambda error, _: failed.append(error)
        )
        self._producer.flush(_ASK_SECONDS)
        if failed != [None]:
            raise Temporary("The broker did not take the record. Try again: tocsin doctor", code="kafka.away")

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def _headers(self, letter: DeadLetter) -> list[tuple[str, bytes]]:
        return [(name, content) for name, content in _headers_of(self._record(letter)) if name.startswith(ERRORS)]

    def _record(self, letter: DeadLetter) -> Message:
        try:
            self._consumer.assign([TopicPartition(letter.out_topic, letter.out_partition, letter.out_offset)])
            record = self._consumer.poll(_ASK_SECONDS)
        except KafkaException as error:
            raise Temporary("The broker does not answer. Check: tocsin doctor", code="kafka.away") from error
        if record is None or record.error() or record.offset() != letter.out_offset:
            raise Refused(message("dlq.gone"), code="dlq.gone")
        return record


def _headers_of(record: Message) -> list[tuple[str, bytes]]:
    headers: Any = record.headers() or []
    return [(name, content if isinstance(content, bytes) else (content or "").encode()) for name, content in headers]
