"""Plain confluent-kafka: the loop that one writes without a framework; consume, work, produce, wait, settle, commit.

Settings: commits by hand after the work, an idempotent producer, batches from `consume`, as the client's own guide has
it for at-least-once (docs.confluent.io, Kafka Python client, "Consumer" and "Producer").
"""

from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Producer

from benchmarks.peers.job import GATHER_SECONDS, INPUT, SLICE_RECORDS, Job, produced, slices

CONSUMER: Final[dict[str, Any]] = {"enable.auto.commit": False, "auto.offset.reset": "earliest"}
PRODUCER: Final[dict[str, Any]] = {"enable.idempotence": True, "acks": "all", "linger.ms": 2}


def run(job: Job) -> None:
    """Until it is killed."""
    consumer = Consumer(job.kafka.client() | CONSUMER | {"group.id": job.group} | job.static_member())
    producer = Producer(job.kafka.client() | PRODUCER)
    consumer.subscribe([INPUT])
    while True:
        pieces = slices(consumer.consume(SLICE_RECORDS, timeout=GATHER_SECONDS), job.ids)
        for piece in pieces:
            finished = job.do(piece)
            job.stages.settle(finished, produced(producer, finished.records))
        if pieces:
            _commit(consumer)


def _commit(consumer: Any) -> None:
    """A commit that a rebalance refuses is no loss: the records come again."""
    try:
        consumer.commit(asynchronous=True)
    except KafkaException:
        return
