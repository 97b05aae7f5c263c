"""Since when records wait on the broker: the LogAppendTime of the first one of each partition that is not settled."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from schemas.failures import Temporary
from tocsin.runtime.settings import KafkaSettings

_LOOK_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.5
_ONE_RECORD_KILOBYTES: Final = 1024
"""Enough for the largest record there may be; a backlog is not read for the age of its first one."""

Place = tuple[str, int]


def appended_at(kafka: KafkaSettings, firsts: Mapping[Place, int]) -> dict[Place, datetime]:
    """When the record at each offset was appended; what does not answer in time is left out."""
    if not firsts:
        return {}
    consumer = Consumer(
        kafka.client()
        | {
            "group.id": "ops.ledger",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "queued.max.messages.kbytes": _ONE_RECORD_KILOBYTES,
        }
    )
    try:
        consumer.assign([TopicPartition(*place, offset) for place, offset in firsts.items()])
        return dict(_first_of_each(consumer, set(firsts)))
    except KafkaException as error:
        raise Temporary("The broker does not answer. Check: tocsin status", code="kafka.away") from error
    finally:
        consumer.close()


def _first_of_each(consumer: Consumer, left: set[Place]) -> Iterator[tuple[Place, datetime]]:
    deadline_seconds = time.monotonic() + _LOOK_SECONDS
    while left and time.monotonic() < deadline_seconds:
        message = consumer.poll(_POLL_SECONDS)
        if message is None or message.error() is not None:
            continue
        place = _place(message)
        if place in left:
            left.discard(place)
            consumer.incremental_unassign([TopicPartition(*place)])
            yield place, datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)


def _place(message: Message) -> Place:
    return message.topic() or "", message.partition() or 0
