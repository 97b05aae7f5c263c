"""Sending statuses as `ops`, outside triage: orders and questions that carry ids alone."""

from collections.abc import Iterable
from typing import Any, Final

from confluent_kafka import Producer

from processors.letters import Writer
from schemas.failures import Temporary
from schemas.records.answers import Status
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings

_FLUSH_SECONDS: Final = 30.0


def tell(settings: Settings, statuses: Iterable[Status]) -> None:
    """Each is on its member's status topic when this returns, or it raises Temporary; twice is harmless."""
    writer = Writer(codec=RecordCodec(SchemaDirectory(settings.registry)))
    producer = Producer(settings.kafka.client() | {"enable.idempotence": True})
    for status in statuses:
        record = writer.status(status)
        headers: Any = list(record.headers)
        producer.produce(record.topic, value=record.value, key=record.key, headers=headers)
    if producer.flush(_FLUSH_SECONDS):
        raise Temporary("The broker does not answer. Run the same command again.", code="kafka.away")
