"""Plain confluent-kafka with transactions: outputs and positions of a batch become visible together, or not at all.

Settings: one transactional id for the one process, positions sent with `send_offsets_to_transaction`, readers at
`read_committed`, as the client's own example has it (confluent-kafka-python, examples/eos_transactions.py).
"""

from confluent_kafka import Consumer, Producer

from benchmarks.peers.job import GATHER_SECONDS, INPUT, SLICE_RECORDS, Job, produced, slices
from benchmarks.peers.plain import CONSUMER, PRODUCER


def run(job: Job) -> None:
    """Until it is killed."""
    consumer = Consumer(job.kafka.client() | CONSUMER | {"group.id": job.group} | job.static_member())
    producer = Producer(job.kafka.client() | PRODUCER | {"transactional.id": job.group})
    producer.init_transactions()
    consumer.subscribe([INPUT])
    while True:
        pieces = slices(consumer.consume(SLICE_RECORDS, timeout=GATHER_SECONDS), job.ids)
        if pieces:
            producer.begin_transaction()
            for piece in pieces:
                finished = job.do(piece)
                # before the commit: what is settled twice does no harm, what is never settled is missing in the ledger
                job.stages.settle(finished, produced(producer, finished.records))
            positions = consumer.position(consumer.assignment())
            producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata())
            producer.commit_transaction()
