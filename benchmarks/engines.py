"""The engines that are compared, each a process of its own: `python -m benchmarks.engines NAME HOME`.

`tocsin` is the worker as it runs in production; `loop` the same steps in a plain confluent-kafka loop; `stock` the same
steps in an agent of unchanged Faust, one record at a time. `*-pass` copy values to another topic instead, and
`*-unlogged` write nothing into the audit log.
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import faust
from confluent_kafka import Consumer, Message, Producer
from msgspec import Struct

from benchmarks.world import INPUT, OUTPUT
from processors import triage
from processors.app import personal_schema_id
from processors.index.postgres import PostgresIndex
from processors.keyring import keyring
from processors.referring import Desk
from processors.steps.deduplicate.near import Veil
from processors.triage import Tools, TriageStages
from schemas.records.values import Coordinate
from tocsin.policy.bundle import load
from tocsin.runtime import settings
from tocsin.runtime.database import database_of
from tocsin.runtime.health import Health
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings
from tocsin.runtime.transport.application import WorkerSettings, _credentials
from tocsin.runtime.transport.pauses import Bookkeeping
from tocsin.runtime.transport.runner import Stages
from tocsin.runtime.transport.slices import OutRecord, RawRecord, Slice
from tocsin.runtime.transport.worker import run_worker, topic_ids_of

SLICE_RECORDS: Final = 500
_FLUSH_SECONDS: Final = 60.0


class Passed(Struct, frozen=True):
    """A slice that is only copied."""

    piece: Slice
    records: tuple[OutRecord, ...]


class PassStages(Stages[Slice, Slice, Passed]):
    """Copies values to the output topic."""

    name = "pass"

    def decide(self, piece: Slice) -> Slice:
        """Nothing to decide."""
        return piece

    def claim(self, decided: Slice) -> Slice:
        """Nothing to claim."""
        return decided

    def finish(self, claimed: Slice) -> Passed:
        """The same values for another topic."""
        return Passed(claimed, tuple(OutRecord(topic=OUTPUT, key=b"", value=r.value or b"") for r in claimed.records))

    def settle(self, finished: Passed, coordinates: tuple[Coordinate, ...]) -> None:
        """Nothing to settle."""


def triage_stages(process: Settings) -> TriageStages:
    """The production steps with PostgreSQL."""
    bundle, database = load(process.policy), database_of(process, 8)
    secrets = keyring(process.state)
    desk = Desk(bundle=bundle, keys=secrets.keys, personal_schema_id=personal_schema_id(process))
    tools = Tools(
        desk=desk,
        veil=Veil(secrets.near),
        codec=RecordCodec(SchemaDirectory(process.registry)),
        directory=directory_of(process.trust),
    )
    return TriageStages(tools, PostgresIndex(database), database, {})


def run_tocsin(process: Settings, stages: Stages[Any, Any, Any]) -> None:
    """The worker of production; it starts at the beginning because nothing is settled."""
    with tempfile.TemporaryDirectory() as folder:
        worker = WorkerSettings(group="triage.bench", instance="bench", topics=(INPUT,), data_folder=Path(folder))
        run_worker(process.kafka, worker, stages, Bookkeeping(positions=lambda starts: {}), Health())


def run_loop(process: Settings, stages: Stages[Any, Any, Any]) -> None:
    """What one writes without a framework: consume, work, produce, wait, settle, commit."""
    ids = topic_ids_of(process.kafka, [INPUT])
    consumer = Consumer(
        process.kafka.client()
        | {"group.id": f"triage.bench-loop-{os.getpid()}", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    )
    producer = Producer(process.kafka.client() | {"enable.idempotence": True, "linger.ms": 2})
    consumer.subscribe([INPUT])
    while True:
        for piece in _slices(consumer.consume(SLICE_RECORDS, timeout=0.2), ids):
            finished = stages.finish(stages.claim(stages.decide(piece)))
            stages.settle(finished, _produce(producer, finished.records))
            consumer.commit(asynchronous=True)


def run_stock(process: Settings, stages: Stages[Any, Any, Any]) -> None:
    """Unchanged Faust: one record, its work, its outputs awaited, and Faust's own acknowledgement."""
    ids = topic_ids_of(process.kafka, [INPUT])
    app = faust.App(
        f"triage.bench-stock-{os.getpid()}",
        broker=[f"kafka://{process.kafka.bootstrap}"],
        broker_credentials=_credentials(process.kafka),
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        web_enabled=False,
        datadir=tempfile.mkdtemp(prefix="tocsin-bench-stock-"),
    )
    source = app.topic(INPUT, key_type=bytes, value_type=bytes, value_serializer="raw")

    is_pass = isinstance(stages, PassStages)

    async def work(stream: Any) -> None:
        loop = asyncio.get_running_loop()
        async for event in stream.events():
            piece = _slice_of(event.message, ids[INPUT])
            finished = await loop.run_in_executor(None, _worked, stages, piece)
            coordinates = [await _sent(app, record, waits=not is_pass) for record in finished.records]
            await loop.run_in_executor(None, stages.settle, finished, tuple(coordinates))

    app.agent(source)(work)
    app.finalize()
    worker = faust.Worker(app, loglevel="ERROR")
    worker.execute_from_commandline()


def _worked(stages: Stages[Any, Any, Any], piece: Slice) -> Any:
    return stages.finish(stages.claim(stages.decide(piece)))


async def _sent(app: Any, record: OutRecord, *, waits: bool) -> Coordinate:
    """Copying need not know where a record lands, and is the quicker for it; the ledger must."""
    topic = app.topic(record.topic, value_serializer="raw")
    pending = await topic.send(key=record.key, value=record.value, headers=dict(record.headers))
    if not waits:
        return Coordinate()
    sent = await pending
    return Coordinate(topic=sent.topic, partition=sent.partition, offset=sent.offset)


def _slice_of(message: Any, topic_id: str) -> Slice:
    raw = RawRecord(
        offset=message.offset,
        timestamp_ms=int(message.timestamp * 1000),
        key=message.key,
        value=message.value,
        headers=tuple(message.headers or ()),
    )
    return Slice(topic_id=topic_id, topic=message.topic, partition=message.partition, records=(raw,))


def _slices(messages: Sequence[Message], ids: Mapping[str, str]) -> list[Slice]:
    by_place: dict[tuple[str, int], list[RawRecord]] = {}
    for message in messages:
        if message.error() is None:
            place = (message.topic() or "", message.partition() or 0)
            by_place.setdefault(place, []).append(_raw(message))
    return [
        Slice(topic_id=ids[topic], topic=topic, partition=partition, records=tuple(records))
        for (topic, partition), records in by_place.items()
    ]


def _raw(message: Message) -> RawRecord:
    key, value = message.key(), message.value()
    headers: Any = message.headers() or ()
    return RawRecord(
        offset=message.offset() or 0,
        timestamp_ms=message.timestamp()[1],
        key=key if isinstance(key, bytes) else None,
        value=value if isinstance(value, bytes) else None,
        headers=tuple(headers),
    )


def _produce(producer: Producer, records: Sequence[OutRecord]) -> tuple[Coordinate, ...]:
    landed: list[Coordinate] = [Coordinate()] * len(records)

    def reported(index: int) -> Callable[[Any, Message], None]:
        def report(error: Any, message: Message) -> None:
            if error is not None:
                raise SystemExit(f"Not delivered: {error}")
            landed[index] = Coordinate(
                topic=message.topic() or "", partition=message.partition() or 0, offset=message.offset() or 0
            )

        return report

    for index, record in enumerate(records):
        headers: Any = list(record.headers)
        producer.produce(record.topic, record.value, record.key, headers=headers, on_delivery=reported(index))
    producer.flush(_FLUSH_SECONDS)
    return tuple(landed)


ENGINES: Final[Mapping[str, Callable[[Settings, Stages[Any, Any, Any]], None]]] = {
    "tocsin": run_tocsin,
    "loop": run_loop,
    "stock": run_stock,
}


def main() -> None:
    """Run one engine until it is killed."""
    name, home = sys.argv[1], Path(sys.argv[2])
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    engine, _, how = name.partition("-")
    process = settings.load(home / "config" / "ops.toml")
    stages: Stages[Any, Any, Any] = PassStages() if how == "pass" else triage_stages(process)
    if how == "unlogged":
        triage.audited = lambda *_: iter(())  # type: ignore[attr-defined]  # a switch that production does not have
    sys.argv = [sys.argv[0], "worker"]
    ENGINES[engine](process, stages)


if __name__ == "__main__":
    main()
