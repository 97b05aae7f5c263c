"""Quix Streams: a batching sink, which is written to before positions are committed.

Settings: at-least-once and a `BatchingSink`, Quix's own way to write to a database in batches; a checkpoint after a
slice's worth of records, or as soon as the others stop waiting for company, because a record waits for its checkpoint
(quix.io/docs/quix-streams, "Creating a Custom Sink" and "Configuration": commit_every, commit_interval).
"""

from typing import Any

from confluent_kafka import Producer
from quixstreams import Application
from quixstreams.kafka.configuration import ConnectionConfig
from quixstreams.sinks import BatchingSink, SinkBatch

from benchmarks.peers.job import GATHER_SECONDS, INPUT, SLICE_RECORDS, Job, produced
from benchmarks.peers.plain import PRODUCER
from tocsin.runtime.transport.slices import RawRecord, Slice


def run(job: Job) -> None:
    """Until it is killed."""
    connection = {name: value for name, value in job.kafka.client().items() if name != "log_level"}
    app = Application(
        ConnectionConfig.from_librdkafka_dict(connection),
        consumer_group=job.group,
        processing_guarantee="at-least-once",
        auto_offset_reset="earliest",
        commit_every=SLICE_RECORDS,
        commit_interval=GATHER_SECONDS,
        consumer_poll_timeout=GATHER_SECONDS,
        consumer_extra_config=job.static_member(),
        auto_create_topics=False,
        use_changelog_topics=False,
        loglevel="WARNING",
    )
    source = app.topic(INPUT, value_deserializer="bytes", key_deserializer="bytes")
    app.dataframe(source).sink(TriageSink(job))
    app.run()


class TriageSink(BatchingSink):  # type: ignore[misc]  # not installed where types are checked
    """What gathered between two checkpoints is one slice of each partition."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job
        self._producer = Producer(job.kafka.client() | PRODUCER)

    def write(self, batch: SinkBatch) -> None:
        """The whole job; positions are committed after it."""
        records = tuple(_raw(item) for item in batch)
        piece = Slice(
            topic_id=self._job.ids[batch.topic], topic=batch.topic, partition=batch.partition, records=records
        )
        finished = self._job.do(piece)
        self._job.stages.settle(finished, produced(self._producer, finished.records))


def _raw(item: Any) -> RawRecord:
    return RawRecord(
        offset=item.offset,
        timestamp_ms=item.timestamp,
        key=item.key,
        value=item.value,
        headers=tuple(item.headers or ()),
    )
