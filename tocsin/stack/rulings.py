"""Sending rulings to triage as `ops`, and waiting until they are settled."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from sqlalchemy import text

from schemas.failures import Temporary
from schemas.headers import cloud_event_headers
from schemas.records.ruling import Ruling
from schemas.topics import OPS, RULINGS
from tocsin.runtime.database import Database
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings

_FLUSH_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.5
_AHEAD: Final = 1000
_WAIT_SECONDS: Final = 15.0
"""Longer than triage takes; a person waits no longer for it."""


def carried_out(settings: Settings, database: Database, rulings: Iterable[Ruling]) -> bool:
    """Whether triage has settled all of them already; on the topic they are in any case. May raise Temporary."""
    sending = Rulings(settings, RecordCodec(SchemaDirectory(settings.registry)))
    sending.send(rulings, time.time_ns() // 1_000_000)
    return sending.settled(database, _WAIT_SECONDS)


def send(settings: Settings, rulings: Iterable[Ruling]) -> int:
    """How many are on the topic; nobody waits for triage. May raise Temporary."""
    return Rulings(settings, RecordCodec(SchemaDirectory(settings.registry))).send(rulings, time.time_ns() // 1_000_000)


class Rulings:
    """One producer; what it sent and where that landed."""

    def __init__(self, settings: Settings, codec: RecordCodec) -> None:
        self._producer = Producer(settings.kafka.client() | {"enable.idempotence": True, "linger.ms": 5})
        self._codec = codec
        self._failed: list[KafkaError] = []
        self._ends: dict[int, int] = {}

    def send(self, rulings: Iterable[Ruling], at_ms: int, sent: Callable[[int], None] = lambda count: None) -> int:
        """Every one is on the topic when this returns, or it raises Temporary; sending one again changes nothing."""
        count = 0
        for count, ruling in enumerate(rulings, 1):
            self._produce(ruling, at_ms)
            sent(count)
        if self._producer.flush(_FLUSH_SECONDS) or self._failed:
            raise Temporary("The broker did not take every ruling. Run the same command again.", code="kafka.away")
        return count

    def settled(self, database: Database, wait_seconds: float) -> bool:
        """Whether triage has settled everything that was sent, at the latest after the wait."""
        deadline = time.monotonic() + wait_seconds
        while not _covers(database, self._ends):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _produce(self, ruling: Ruling, at_ms: int) -> None:
        headers: Any = list(cloud_event_headers(Ruling, ruling.ruling_id, source=OPS, at_ms=at_ms))
        value = self._codec.dumps(ruling)
        try:
            while len(self._producer) >= _AHEAD:
                self._producer.poll(_POLL_SECONDS)
            self._producer.produce(
                RULINGS, value, ruling.report_id.encode(), headers=headers, on_delivery=self._delivered
            )
        except (KafkaException, BufferError) as error:
            raise Temporary("The broker does not answer. Run the same command again.", code="kafka.away") from error

    def _delivered(self, error: KafkaError | None, sent: Message) -> None:
        partition, offset = sent.partition(), sent.offset()
        if error is not None or partition is None or offset is None:
            self._failed.append(error or KafkaError(KafkaError.UNKNOWN))
            return
        self._ends[partition] = max(self._ends.get(partition, 0), offset + 1)


def _covers(database: Database, ends: Mapping[int, int]) -> bool:
    with database.transaction() as connection:
        rows = connection.execute(_SETTLED, {"topic": RULINGS}).all()
    settled = {row.partition: row.next_offset for row in rows}
    return all(settled.get(partition, 0) >= end for partition, end in ends.items())


_SETTLED: Final = text(
    "select distinct on (partition) partition, next_offset from streams where topic = :topic "
    "order by partition, stream desc"
)
