"""Re-read topics with a plain client: its own assignment, its own Avro reading, no code in common with triage."""

import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import fastavro
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from msgspec import Struct

from schemas.failures import Broken, Temporary, Unreadable
from tocsin.runtime.proof.evidence import Place
from tocsin.runtime.settings import Settings

_FRAME_BYTES = 5
_READ_TIMEOUT_SECONDS = 30.0
_BATCH = 1000
_POLL_SECONDS = 0.1
"""The client waits this long for a full batch."""


class Raw(Struct, frozen=True):
    """One record as it lies on the broker."""

    place: Place
    timestamp_ms: int
    """LogAppendTime."""
    headers: dict[str, bytes]
    value: bytes


class TopicReader:
    """Reads topics from their log start to the end they had when asked; commits nothing."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = Consumer(
            settings.kafka.client()
            | {
                "group.id": "ops.proof",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": False,
            }
        )

    def topics(self) -> tuple[str, ...]:
        """Every topic of the cluster, sorted."""
        try:
            return tuple(sorted(self._consumer.list_topics(timeout=_READ_TIMEOUT_SECONDS).topics))
        except KafkaException as error:
            raise Temporary("The broker did not answer. Check: tocsin status", code="kafka.away") from error

    def spans(self, topics: Iterable[str]) -> dict[tuple[str, int], tuple[int, int]]:
        """Log start and end offset per partition."""
        known = self._consumer.list_topics(timeout=_READ_TIMEOUT_SECONDS).topics
        return {
            (topic, partition): self._watermarks(topic, partition)
            for topic in topics
            for partition in known[topic].partitions
        }

    def read(self, topics: Iterable[str]) -> Iterator[Raw]:
        """Every record between the log start and the end at the time of the call."""
        yield from self._between(self.spans(topics))

    def since(self, topics: Iterable[str], from_ms: int) -> Iterator[Raw]:
        """Every record from the first that the broker took at an instant or later."""
        spans = self.spans(topics)
        asked = [TopicPartition(topic, partition, from_ms) for topic, partition in spans]
        try:
            found = self._consumer.offsets_for_times(asked, timeout=_READ_TIMEOUT_SECONDS) if asked else []
        except KafkaException as error:
            raise Temporary("The broker did not answer. Check: tocsin status", code="kafka.away") from error
        starts = {(place.topic, place.partition): place.offset for place in found}
        yield from self._between(
            {key: (starts[key] if starts[key] >= 0 else end, end) for key, (_, end) in spans.items()}
        )

    def _between(self, spans: dict[tuple[str, int], tuple[int, int]]) -> Iterator[Raw]:
        left = {key: span for key, span in spans.items() if span[0] < span[1]}
        self._consumer.assign([TopicPartition(topic, part, start) for (topic, part), (start, _) in left.items()])
        silent_since = time.monotonic()
        while left:
            messages = self._consumer.consume(_BATCH, timeout=_POLL_SECONDS)
            if messages:
                silent_since = time.monotonic()
            elif time.monotonic() > silent_since + _READ_TIMEOUT_SECONDS:
                raise Temporary(f"The broker gave nothing for {_READ_TIMEOUT_SECONDS:.0f} s.", code="kafka.away")
            for message in messages:
                yield from self._one(message, left)
        self._consumer.unassign()

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _watermarks(self, topic: str, partition: int) -> tuple[int, int]:
        start, end = self._consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=_READ_TIMEOUT_SECONDS
        )
        return int(start), int(end)

    def _one(self, message: Message, left: dict[tuple[str, int], tuple[int, int]]) -> Iterator[Raw]:
        raw = _raw(message)
        key = (raw.place.topic, raw.place.partition)
        if key not in left:
            return
        if raw.place.offset < left[key][1]:
            yield raw
        if raw.place.offset + 1 >= left[key][1]:
            del left[key]


def _raw(message: Message) -> Raw:
    topic, partition, offset, error = message.topic(), message.partition(), message.offset(), message.error()
    if error is not None or topic is None or partition is None or offset is None:
        raise Broken(f"Reading {topic} failed: {error.str() if error else 'no coordinate'}", code="kafka.read_failed")
    headers = {name: value if isinstance(value, bytes) else (value or "").encode() for name, value in _headers(message)}
    return Raw(Place(topic, partition, offset), message.timestamp()[1], headers, message.value() or b"")


def _headers(message: Message) -> Iterable[tuple[str, str | bytes | None]]:
    headers = message.headers() or []
    return headers.items() if isinstance(headers, dict) else headers


class PlainAvro:
    """Reads framed values with the registry's own schemas, whatever the working copy of schemas/ says."""

    def __init__(self, schema_text: Callable[[int], str]) -> None:
        self._schema_text = schema_text
        self._schemas: dict[int, Any] = {}

    def read(self, raw: Raw) -> dict[str, Any]:
        """The record as a dict; raises Unreadable."""
        if len(raw.value) <= _FRAME_BYTES or raw.value[0] != 0:
            raise Unreadable(f"{raw.place} carries no framed record.", code="record.unframed")
        schema = self._schema(int.from_bytes(raw.value[1:_FRAME_BYTES], "big"))
        try:
            record = fastavro.schemaless_reader(io.BytesIO(raw.value[_FRAME_BYTES:]), schema, None)
        except (ValueError, EOFError, IndexError, KeyError, TypeError) as error:
            raise Unreadable(f"{raw.place} does not decode with its schema.", code="record.malformed") from error
        assert isinstance(record, dict)  # noqa: S101 -- every schema of ours is a record
        return record

    def _schema(self, schema_id: int) -> Any:
        if schema_id not in self._schemas:
            self._schemas[schema_id] = fastavro.parse_schema(json.loads(self._schema_text(schema_id)))
        return self._schemas[schema_id]
