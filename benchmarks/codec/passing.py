"""Pass-through with the codec beside Kafka Streams: values that are read, written again and sent on with their keys."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from benchmarks.codec.job import chosen
from benchmarks.codec.results import Passed
from benchmarks.measuring import await_done, between, peak_bytes, started
from benchmarks.peers import streams
from benchmarks.peers.job import INPUT
from benchmarks.world import OUTPUT, World, a_world, reports

ENGINES: Final = ("tocsin", "streams")
_DIFFERENT: Final = 2_000
"""Values that go round; each is made and framed once."""
_LOOKED_AT: Final = 2_000
"""Outputs of each run that are compared with them."""
_WAIT_SECONDS: Final = 60.0
Pairs = Sequence[tuple[bytes, bytes]]


def passing(records: int, rounds: int) -> Mapping[str, tuple[Passed, ...]]:
    """Both in turn on one Kafka, so that a slow minute of the machine meets both."""
    found: dict[str, tuple[Passed, ...]] = dict.fromkeys(ENGINES, ())
    with a_world() as world, TemporaryDirectory() as folder:
        pairs = [(report.report_id.encode(), world.codec.dumps(report)) for report in reports(_DIFFERENT)]
        _fill(world, pairs, records)
        java = streams.Program(Path(folder), pairs[0][1])
        for number in range(rounds):
            for name in ENGINES:
                words = java.words(world.config.kafka, f"ops.streams-{number}") if name == "streams" else _ours(world)
                found[name] += (_passed(world, words, records),)
                _require_same(world, pairs)
                sys.stderr.write(f"{name}: {found[name][-1].warm.cpu_per_thousand:.4f} CPU-seconds per 1,000, warm\n")
    return found


def _ours(world: World) -> list[str]:
    return [sys.executable, "-m", "benchmarks.engines", "tocsin-codec", str(world.home)]


def _passed(world: World, words: Sequence[str], records: int) -> Passed:
    world.forget()
    with chosen("compiled"), started(words, world.home / "logs" / "bench-passing.log") as child:
        first, quarter, last = (await_done(child, done, world.passed) for done in (1, records // 4, records))
        peak = peak_bytes(child.pid)
    return Passed(start_cpu_seconds=first[2], whole=between(first, last, peak), warm=between(quarter, last, peak))


def _fill(world: World, pairs: Pairs, records: int) -> None:
    """Without headers, so that neither has any to carry."""
    producer = Producer(world.stack.client("ops") | {"linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
    for number in range(records):
        key, value = pairs[number % len(pairs)]
        producer.produce(INPUT, key=key, value=value)
        producer.poll(0)
    if producer.flush(_WAIT_SECONDS):
        raise SystemExit("The broker did not take all records.")


def _require_same(world: World, pairs: Pairs) -> None:
    """What came out last is what went in, key and value."""
    expected, seen = set(pairs), [_of(message) for message in _last(world)]
    if not seen or any(pair not in expected for pair in seen):
        raise SystemExit("An engine wrote other records than it read: its figure would not be that of the same work.")


def _last(world: World) -> list[Message]:
    consumer = Consumer(world.stack.client("ops") | {"group.id": "ops.passing", "enable.auto.commit": False})
    try:
        number, (_, end) = max(world.ends(OUTPUT).items(), key=lambda item: item[1][1])
        consumer.assign([TopicPartition(OUTPUT, number, max(end - _LOOKED_AT, 0))])
        return consumer.consume(_LOOKED_AT, _WAIT_SECONDS)
    finally:
        consumer.close()


def _of(message: Message) -> tuple[object, object]:
    return message.key(), message.value()
