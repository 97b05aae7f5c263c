"""Re-read topics with a client of its own: its own assignment and its own Avro reading.

What it has in common with triage is how a batch is unpacked (ADR 0040), because members pack what is read here. The
broker's own ends of partitions, which another client asks for, say how many records there must be.
"""

import io
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import fastavro
from confluent_kafka import Consumer, KafkaException, TopicPartition
from msgspec import Struct

from schemas.failures import Broken, Temporary, Unreadable
from tocsin.runtime.proof.evidence import Place
from tocsin.runtime.settings import Settings
from tocsin.runtime.transport.bounded import BoundedReader, Where
from tocsin.runtime.transport.slices import RawRecord

_FRAME_BYTES = 5
_READ_TIMEOUT_SECONDS = 30.0
_BATCH = 1000

Spans = Mapping[Where, tuple[int, int]]
"""Log start and end offset per partition."""


class Raw(Struct, frozen=True):
    """One record as it lies on the broker."""

    place: Place
    timestamp_ms: int
    """LogAppendTime."""
    headers: dict[str, bytes]
    value: bytes
    fault: str = ""
    """Code of why its value could not be had, and is empty."""


class TopicReader:
    """Reads topics from their log start to the end they had when asked; commits nothing."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = Consumer(settings.kafka.client() | {"group.id": "ops.proof", "enable.auto.commit": False})
        self._reader = BoundedReader(settings.kafka)

    def topics(self) -> tuple[str, ...]:
        """Every topic of the cluster, sorted."""
        try:
            return tuple(sorted(self._consumer.list_topics(timeout=_READ_TIMEOUT_SECONDS).topics))
        except KafkaException as error:
            raise Temporary("The broker did not answer. Check: tocsin status", code="kafka.away") from error

    def spans(self, topics: Iterable[str]) -> Spans:
        """Log start and end offset per partition."""
        known = self._consumer.list_topics(timeout=_READ_TIMEOUT_SECONDS).topics
        return {
            (topic, partition): self._watermarks(topic, partition)
            for topic in topics
            for partition in known[topic].partitions
        }

    def read(self, topics: Iterable[str]) -> Iterator[Raw]:
        """Every record between the log start and the end at the time of the call."""
        yield from self.between(self.spans(topics))

    def since(self, topics: Iterable[str], from_ms: int) -> Iterator[Raw]:
        """Every record from the first that the broker took at an instant or later."""
        spans = self.spans(topics)
        asked = [TopicPartition(topic, partition, from_ms) for topic, partition in spans]
        try:
            found = self._consumer.offsets_for_times(asked, timeout=_READ_TIMEOUT_SECONDS) if asked else []
        except KafkaException as error:
            raise Temporary("The broker did not answer. Check: tocsin status", code="kafka.away") from error
        starts = {(place.topic, place.partition): place.offset for place in found}
        yield from self.between(
            {key: (starts[key] if starts[key] >= 0 else end, end) for key, (_, end) in spans.items()}
        )

    def between(self, spans: Spans) -> Iterator[Raw]:
        """Every record there; raises Broken where retention takes some of them meanwhile."""
        left = {where: end for where, (start, end) in spans.items() if start < end}
        self._reader.begin({where: spans[where][0] for where in left})
        silent_since = time.monotonic()
        while left:
            found = self._reader.more(_BATCH)
            for where, records in found.items():
                yield from (_raw(where, record) for record in records if record.offset < left[where])
            reached = self._reader.reached(left)
            left = {where: end for where, end in left.items() if where not in reached}
            if found or reached:
                silent_since = time.monotonic()
            self._require_more(silent_since)

    def _require_more(self, silent_since: float) -> None:
        if self._reader.gone:
            first = min(self._reader.gone)
            raise Broken(f"Retention took records of {first[0]} meanwhile. Run it again.", code="kafka.read_failed")
        if time.monotonic() > silent_since + _READ_TIMEOUT_SECONDS:
            raise Temporary(f"The broker gave nothing for {_READ_TIMEOUT_SECONDS:.0f} s.", code="kafka.away")

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()
        self._reader.close()

    def _watermarks(self, topic: str, partition: int) -> tuple[int, int]:
        start, end = self._consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=_READ_TIMEOUT_SECONDS
        )
        return int(start), int(end)


def _raw(where: Where, record: RawRecord) -> Raw:
    headers = {name: value or b"" for name, value in record.headers}
    return Raw(Place(*where, record.offset), record.timestamp_ms, headers, record.value or b"", record.fault)


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
