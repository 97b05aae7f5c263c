"""The batch transport on real Kafka: kills, rebalances, a full buffer, a dead broker, and records that are gone."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic, OffsetSpec

from tests.builders.waiting import until
from tocsin.runtime.settings import load
from tocsin.runtime.transport.cluster import ClusterReader

pytestmark = pytest.mark.stack
PARTITIONS = 4


class Passage:
    """Two topics of their own, and workers that copy from one to the other."""

    def __init__(self, stack: Any, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        name = f"passage-{uuid.uuid4().hex[:8]}"
        self.source, self.target, self.group = f"{name}.in", f"{name}.out", f"{name}.group"
        self.admin = AdminClient(stack.client("ops"))
        self.groups = ClusterReader(load(stack.config("ops")).kafka)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.create(self.source)
        self.create(self.target)

    def create(self, topic: str, partitions: int = PARTITIONS, config: Mapping[str, str] = {}) -> None:
        spec = NewTopic(topic, partitions, config={"message.timestamp.type": "LogAppendTime"} | dict(config))
        until(lambda: self.admin.create_topics([spec])[topic].exception(30) is None)

    def widen(self, partitions: int) -> None:
        self.admin.create_partitions([NewPartitions(self.source, partitions)])[self.source].result(30)

    def send(self, values: list[str], partition: int | None = None) -> None:
        producer = Producer(self.stack.client("ops") | {"enable.idempotence": True, "linger.ms": 5})
        for number, value in enumerate(values):
            producer.produce(
                self.source, value.encode(), partition=number % PARTITIONS if partition is None else partition
            )
        assert producer.flush(30) == 0

    def start(self, instance: str = "a", **options: Any) -> subprocess.Popen[bytes]:
        arguments = {
            "settings": str(self.stack.config("ops")),
            "state": str(self.folder / "state"),
            "output": self.target,
            "group": self.group,
            "instance": instance,
            "topics": [self.source],
        }
        command = [sys.executable, "-m", "tests.integration.passing_worker", json.dumps(arguments | options)]
        with (self.folder / f"{instance}-{len(self.workers)}.log").open("wb") as log:
            worker = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)  # noqa: S603  # our own words
        self.workers.append(worker)
        return worker

    def copied(self) -> list[str]:
        """Every value on the target topic."""
        consumer = Consumer(self.stack.client("ops") | {"group.id": "ops.passage", "enable.auto.commit": False})
        found = []
        for partition in range(PARTITIONS):
            place = TopicPartition(self.target, partition, 0)
            _, end = consumer.get_watermark_offsets(place, timeout=10)
            consumer.assign([place])
            while end and (message := consumer.poll(10)) is not None:
                found.append((message.value() or b"").decode())
                if (message.offset() or 0) + 1 >= end:
                    break
        consumer.close()
        return found

    def committed(self) -> int:
        return sum(self.groups.committed([self.group]).get(self.group, {}).values())

    def shares(self) -> int:
        """How many workers have partitions."""
        found = self.groups.described([self.group])
        return sum(map(bool, found[self.group].members)) if found else 0

    def log(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.groups.close()


@pytest.fixture
def passage(stack: Any, tmp_path: Path) -> Iterator[Passage]:
    made = Passage(stack, tmp_path)
    yield made
    made.end()


def values(count: int, prefix: str = "v") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def test_workers_that_join_leave_and_are_killed_lose_nothing(passage: Passage) -> None:
    """The second joins before the first has committed anything; fetches span every one of these rebalances."""
    sent = values(3_000, "first-")
    passage.send(sent)
    first = passage.start("a", slice_records=20)
    second = passage.start("b", slice_records=20)
    until(lambda: len(set(passage.copied())) > 200)
    first.kill()
    first.wait()
    sent += (more := values(2_000, "second-"))
    passage.send(more)
    third = passage.start("a", slice_records=20)
    until(lambda: len(set(passage.copied())) > 3_200)
    second.terminate()
    assert second.wait(30) == 0
    sent += (more := values(500, "third-"))
    passage.send(more)
    until(lambda: set(passage.copied()) == set(sent))
    third.terminate()
    assert third.wait(30) == 0


def test_a_worker_that_joins_idle_ones_stops_nobody(passage: Passage) -> None:
    """Nothing was ever committed: the fetch that waits while partitions move meets some that have no position yet."""
    for topic in (idle := [f"{passage.source}.{number}" for number in range(6)]):
        passage.create(topic)
    topics = [passage.source, *idle]
    first = passage.start("a", topics=topics)
    until(lambda: passage.shares() == 1)
    second = passage.start("b", topics=topics)
    until(lambda: passage.shares() == 2)
    passage.send(values(50))
    until(lambda: len(passage.copied()) == 50)
    assert (first.poll(), second.poll()) == (None, None)


def test_a_full_buffer_pauses_and_goes_on_and_everything_is_committed(passage: Passage) -> None:
    sent = values(20_000)
    passage.send(sent)
    worker = passage.start(slice_records=10)
    until(lambda: len(passage.copied()) >= 20_000)
    until(lambda: passage.committed() == 20_000)
    worker.terminate()
    assert worker.wait(30) == 0
    assert sorted(passage.copied()) == sorted(sent)


def test_slices_without_output_are_committed_as_well(passage: Passage) -> None:
    passage.send(["skip"] * 400)
    passage.start()
    until(lambda: passage.committed() == 400)
    assert passage.copied() == []


def test_a_clean_end_and_a_new_start_neither_lose_nor_repeat(passage: Passage) -> None:
    for batch in ("a", "b"):
        passage.send(values(300, batch))
        worker = passage.start()
        until(lambda: len(passage.copied()) == 300 * len(passage.workers))
        worker.terminate()
        assert worker.wait(30) == 0
    assert len(passage.copied()) == 600


def test_an_output_above_the_limit_halts_by_name_and_nothing_behind_it_is_skipped(passage: Passage) -> None:
    passage.admin.delete_topics([passage.target])[passage.target].result(30)
    passage.create(passage.target, config={"max.message.bytes": "2000"})
    passage.send(["small"], partition=0)
    worker = passage.start()
    until(lambda: passage.copied() == ["small"])
    passage.send(["x" * 5_000, "after"], partition=0)
    assert worker.wait(60) == 4
    assert "producer." in passage.log()
    assert passage.copied() == ["small"]


def test_records_that_retention_took_are_not_passed_over_in_silence(passage: Passage) -> None:
    passage.send(values(100), partition=0)
    worker = passage.start()
    until(lambda: len(passage.copied()) == 100)
    worker.terminate()
    worker.wait(30)
    passage.send(values(50, "gone"), partition=0)
    place = TopicPartition(passage.source, 0, 130)
    passage.admin.delete_records([place])[place].result(30)
    again = passage.start()
    assert again.wait(60) == 4
    assert "transport.records_gone" in passage.log()
    assert len(passage.copied()) == 100


def test_a_topic_made_anew_halts_a_running_worker(passage: Passage) -> None:
    passage.send(values(40), partition=0)
    worker = passage.start()
    until(lambda: len(passage.copied()) == 40)
    passage.admin.delete_topics([passage.source])[passage.source].result(30)
    passage.create(passage.source)
    passage.send(values(5, "new"), partition=0)
    assert worker.wait(90) == 4
    assert "transport.topic_recreated" in passage.log() or "transport.position_beyond_end" in passage.log()


def test_partitions_that_are_added_are_read_whether_a_worker_ran_meanwhile_or_was_away(passage: Passage) -> None:
    """Back within its session it gets the share that it had, and the broker tells it nothing else."""
    passage.send(sent := values(40))
    worker = passage.start(session_seconds=60.0)
    until(lambda: len(passage.copied()) == len(sent))
    passage.widen(PARTITIONS + 1)
    passage.send(more := values(5, "ran-"), partition=PARTITIONS)
    sent += more
    until(lambda: set(passage.copied()) == set(sent))
    worker.terminate()
    assert worker.wait(30) == 0
    passage.widen(PARTITIONS + 2)
    passage.send(more := values(5, "away-"), partition=PARTITIONS + 1)
    passage.start(session_seconds=60.0)
    until(lambda: sorted(passage.copied()) == sorted([*sent, *more]))


def test_partitions_that_are_gone_keep_no_worker_from_those_that_are_left(passage: Passage) -> None:
    """A topic made anew with fewer, while a worker was away that still has a share of those before."""
    worker = passage.start(session_seconds=60.0)
    until(lambda: passage.shares() == 1)
    worker.terminate()
    assert worker.wait(30) == 0
    passage.admin.delete_topics([passage.source])[passage.source].result(30)
    passage.create(passage.source, partitions=1)
    passage.send(sent := values(20), partition=0)
    passage.start(session_seconds=60.0)
    until(lambda: sorted(passage.copied()) == sorted(sent))


def test_a_broker_that_dies_and_comes_back_loses_nothing(passage: Passage) -> None:
    sent = values(4_000)
    passage.send(sent)
    worker = passage.start(slice_records=50)
    until(lambda: len(passage.copied()) > 300)
    passage.stack.kafka.daemon.kill()
    time.sleep(2)
    _restart(passage.stack)
    until(lambda: _answers(passage))
    passage.send(more := values(200, "after-"))
    if worker.poll() is not None:
        worker = passage.start(slice_records=50)
    until(lambda: set(passage.copied()) >= {*sent, *more}, 120)


def _restart(stack: Any) -> None:
    from tocsin.stack.charter import sample_charter  # noqa: PLC0415  # only this test needs it

    stack.up(sample_charter())


def _answers(passage: Passage) -> bool:
    place = TopicPartition(passage.source, 0)
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the client has no annotation here
    return passage.admin.list_offsets({place: latest})[place].exception(10) is None
