"""Kafka's Metadata request in version 12, the first whose names and ids are both there; aiokafka 0.14 knows up to 5."""

from base64 import b64encode
from io import BytesIO
from typing import Any

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

_ID_BYTES = 16


class _TopicId(AbstractType[bytes]):  # type: ignore[misc]  # aiokafka has no types
    """Sixteen bytes; all zero where a name asks."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(_ID_BYTES)


_BROKER = (("node_id", Int32), ("host", CompactString("utf-8")), ("port", Int32), ("rack", CompactString("utf-8")))
_PARTITION = (
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", CompactArray(Int32)),
    ("isr", CompactArray(Int32)),
    ("offline_replicas", CompactArray(Int32)),
)
_TOPIC = (
    ("error_code", Int16),
    ("topic", CompactString("utf-8")),
    ("topic_id", _TopicId),
    ("is_internal", Boolean),
    ("partitions", CompactArray(*_PARTITION, ("tags", TaggedFields))),
    ("operations", Int32),
)


class _Answer(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(*_BROKER, ("tags", TaggedFields))),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC, ("tags", TaggedFields))),
        ("tags", TaggedFields),
    )


class _Question(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _TopicId), ("topic", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicsByName(Request[_Question]):  # type: ignore[misc]  # aiokafka has no types
    """Asks for these topics, and creates none."""

    API_KEY = 3

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def build(self, request_struct_class: type[_Question]) -> _Question:
        """As aiokafka asks for it when it knows which versions the broker speaks."""
        return request_struct_class([(bytes(_ID_BYTES), name, {}) for name in self._names], False, False, {})


def topics_of(answer: Any) -> list[tuple[int, str, str, int]]:
    """Error code, name, id as librdkafka writes it (base64 without padding) and number of partitions of each."""
    return [
        (error_code, name, b64encode(topic_id).decode().rstrip("="), len(partitions))
        for error_code, name, topic_id, _, partitions, _, _ in answer.topics
    ]
