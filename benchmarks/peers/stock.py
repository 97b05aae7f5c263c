"""Stock Faust: one record, its work, its outputs awaited, and Faust's own acknowledgement.

Settings: Faust's defaults but for what the others have too (a static member, the session), and no web server, tables
or leader, which the job does not use (faust-streaming.github.io, User Guide, "Settings" and "Agents").
"""

import asyncio
import sys
import tempfile
from typing import Any

import faust

from benchmarks.peers.job import INPUT, SESSION_SECONDS, Job
from schemas.records.values import Coordinate
from tocsin.runtime.transport.application import _credentials
from tocsin.runtime.transport.slices import OutRecord, RawRecord, Slice


def run(job: Job) -> None:
    """Until it is killed."""
    run_app(job, waits=True)


def run_app(job: Job, *, waits: bool) -> None:
    """Copying need not know where a record lands, and is the quicker for it; the ledger must."""
    app = _app(job)
    source = app.topic(INPUT, key_type=bytes, value_type=bytes, value_serializer="raw")

    async def work(stream: Any) -> None:
        loop = asyncio.get_running_loop()
        async for event in stream.events():
            finished = await loop.run_in_executor(None, job.do, _slice_of(event.message, job.ids[INPUT]))
            coordinates = [await _sent(app, record, waits=waits) for record in finished.records]
            await loop.run_in_executor(None, job.stages.settle, finished, tuple(coordinates))

    app.agent(source)(work)
    app.finalize()
    sys.argv = [sys.argv[0], "worker"]
    faust.Worker(app, loglevel="ERROR").execute_from_commandline()


def _app(job: Job) -> Any:
    return faust.App(
        job.group,
        broker=[f"kafka://{job.kafka.bootstrap}"],
        broker_credentials=_credentials(job.kafka),
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=1.0,
        consumer_group_instance_id=job.group,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        web_enabled=False,
        datadir=tempfile.mkdtemp(prefix="tocsin-bench-stock-"),
    )


async def _sent(app: Any, record: OutRecord, *, waits: bool) -> Coordinate:
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
