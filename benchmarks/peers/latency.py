"""How long a report takes at a gentle rate: from the submitter's call to a committed reader of `triaged.v1`."""

import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec import Struct

from benchmarks.measuring import await_done, started
from benchmarks.peers.venvs import command
from benchmarks.world import World, reports
from schemas.records.report import ReportSubmitted
from schemas.topics import TRIAGED, submitted_topic
from tocsin.stack.demo.latency import percentile

REPORTS_PER_SECOND: Final = 100
_WARM: Final = 200
"""Sent first, and not measured."""
_PATIENCE_SECONDS: Final = 20.0


class Latency(Struct, frozen=True, kw_only=True):
    """Milliseconds of those that arrived."""

    sent: int
    measured: int
    p50_ms: float
    p99_ms: float


def latency(world: World, peer: str, first: int, count: int) -> Latency:
    """Start the peer, let it read what is there, then send `count` reports one by one."""
    world.forget()
    before = world.waiting()
    with started(
        command(peer, world.home, f"triage.peer-{peer}-{first}"), world.home / "logs" / f"{peer}.log"
    ) as child:
        world.fill(_WARM, first=first)
        await_done(child, before + _WARM, world.settled)
        reader = Arrivals(world)
        sent = send(world, list(reports(count, first + _WARM)), REPORTS_PER_SECOND)
        return figures(sent, reader.until(set(sent)))


def figures(sent: dict[bytes, float], arrived: dict[bytes, float]) -> Latency:
    """Nearest-rank percentiles."""
    took = [1000 * (at - sent[key]) for key, at in arrived.items() if key in sent]
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    if p50 is None or p99 is None:
        raise SystemExit("Nothing arrived; see the peer's log.")
    return Latency(sent=len(sent), measured=len(took), p50_ms=round(p50, 1), p99_ms=round(p99, 1))


def send(world: World, wanted: Sequence[ReportSubmitted], per_second: float) -> dict[bytes, float]:
    """Send these at that pace; tells the monotonic second of each, by its key."""
    producer = Producer(world.stack.client("ops") | {"linger.ms": 0})
    ready = [(report, *world.signed(report)) for report in wanted]
    sent: dict[bytes, float] = {}
    began = time.monotonic()
    for number, (report, value, headers) in enumerate(ready):
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        key = str(report.report_id).encode()
        sent[key] = time.monotonic()
        producer.produce(submitted_topic(report.submitter), key=key, value=value, headers=headers)
        producer.poll(0)
    producer.flush(_PATIENCE_SECONDS)
    return sent


class Arrivals:
    """Reads `triaged.v1` from its end on, on a thread of its own; the first arrival of a key counts."""

    def __init__(self, world: World) -> None:
        self._consumer = Consumer(world.stack.client("ops") | _READER)
        self._consumer.assign([TopicPartition(TRIAGED, part, end) for part, (_, end) in world.ends(TRIAGED).items()])
        self._found: dict[bytes, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def until(self, wanted: set[bytes]) -> dict[bytes, float]:
        """What arrived, once everything has or patience is at its end."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not wanted <= self._found.keys() and time.monotonic() < deadline:
            time.sleep(0.05)
        self._ended.set()
        self._thread.join()
        self._consumer.close()
        return self._found

    def _read(self) -> None:
        while not self._ended.is_set():
            message = self._consumer.poll(0.1)
            if message is not None and message.error() is None:
                self._found.setdefault(message.key() or b"", time.monotonic())


_READER: Final[dict[str, Any]] = {
    "group.id": "ops.bench-arrivals",
    "enable.auto.commit": False,
    "isolation.level": "read_committed",
}
