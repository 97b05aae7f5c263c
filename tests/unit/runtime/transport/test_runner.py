"""The slice protocol: one order of effects, patience with what passes, an end where it cannot go on."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import pytest
from msgspec import Struct

from schemas.failures import Broken, Temporary
from schemas.records.values import Coordinate
from tocsin.runtime.producer import OutputProducer
from tocsin.runtime.transport.runner import IN_FLIGHT, SliceRunner, Stages
from tocsin.runtime.transport.slices import OutRecord, RawRecord, Slice


class Done(Struct, frozen=True):
    piece: Slice
    records: tuple[OutRecord, ...]


def a_slice(first: int = 0, partition: int = 0, count: int = 2) -> Slice:
    records = (RawRecord(offset=first + n, timestamp_ms=0, key=b"", value=b"v", headers=()) for n in range(count))
    return Slice(topic_id="id", topic="t", partition=partition, records=tuple(records))


class Recording(Stages[Slice, Slice, Done]):
    """Stages that write down what happens; each name in `failures` fails that many times."""

    name = "recording"

    def __init__(self, journal: list[str], failures: dict[str, list[Exception]] | None = None) -> None:
        self.journal = journal
        self._failures = failures or {}

    def _note(self, step: str, piece: Slice) -> None:
        if self._failures.get(step):
            raise self._failures[step].pop()
        self.journal.append(f"{step} {piece.partition}@{piece.first}")

    def decide(self, piece: Slice) -> Slice:
        self._note("decide", piece)
        return piece

    def claim(self, decided: Slice) -> Slice:
        self._note("claim", decided)
        return decided

    def finish(self, claimed: Slice) -> Done:
        self._note("finish", claimed)
        return Done(claimed, tuple(OutRecord(topic="out", key=b"", value=b"v") for _ in claimed.records))

    def settle(self, finished: Done, coordinates: tuple[Coordinate, ...]) -> None:
        assert len(coordinates) == len(finished.records)
        self._note("settle", finished.piece)


class Sending:
    """The producer's port: records land in order, or the broker refuses."""

    def __init__(self, journal: list[str], failure: Exception | None = None) -> None:
        self.journal = journal
        self.failure = failure
        self.active = 0
        self.most_active = 0

    async def send_all(self, records: Sequence[OutRecord]) -> tuple[Coordinate, ...]:
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        await asyncio.sleep(0.01)
        self.active -= 1
        if self.failure:
            raise self.failure
        self.journal.append("produce")
        return tuple(Coordinate(topic="out", offset=n) for n, _ in enumerate(records))


def run(
    pieces: Sequence[Slice], failures: dict[str, list[Exception]] | None = None, refused: Exception | None = None
) -> tuple[list[str], list[BaseException], Sending]:
    journal: list[str] = []
    halted: list[BaseException] = []

    async def main() -> Sending:
        sending = Sending(journal, refused)
        runner: SliceRunner[Any, Any, Any] = SliceRunner(Recording(journal, failures), cast(OutputProducer, sending))
        for piece in pieces:
            await runner.take(piece, partial(journal.append, f"ack {piece.partition}@{piece.first}"), halted.append)
        await runner.drain()
        await asyncio.sleep(0)
        runner.close()
        return sending

    return journal, halted, asyncio.run(main())


def test_the_effects_come_in_one_order_and_the_acknowledgement_comes_last() -> None:
    journal, halted, _ = run([a_slice()])
    assert journal == ["decide 0@0", "claim 0@0", "finish 0@0", "produce", "settle 0@0", "ack 0@0"]
    assert halted == []


@pytest.mark.parametrize("step", ["decide", "claim", "settle"])
def test_what_passes_is_waited_for_and_nothing_is_acknowledged_meanwhile(step: str) -> None:
    journal, halted, _ = run([a_slice()], {step: [Temporary("away", code="x"), Temporary("away", code="x")]})
    assert journal[-1] == "ack 0@0"
    assert (journal.count(f"{step} 0@0"), halted) == (1, [])


@pytest.mark.parametrize("step", ["decide", "claim", "finish", "settle"])
def test_what_does_not_pass_halts_and_acknowledges_nothing(step: str) -> None:
    failure = Broken("no way", code="x")
    journal, halted, _ = run([a_slice()], {step: [failure]})
    assert halted == [failure]
    assert not [entry for entry in journal if entry.startswith("ack")]


def test_a_refusal_of_the_broker_halts_before_anything_is_settled() -> None:
    failure = Broken("not delivered", code="producer.failed")
    journal, halted, _ = run([a_slice()], refused=failure)
    assert halted == [failure]
    assert not [entry for entry in journal if entry.startswith(("settle", "ack"))]


def test_slices_of_one_partition_keep_their_order_and_those_of_several_run_side_by_side() -> None:
    pieces = [a_slice(first, partition) for first in (0, 2, 4) for partition in (0, 1)]
    journal, _, sending = run(pieces)
    for partition in (0, 1):
        ends = [entry for entry in journal if entry.startswith(f"ack {partition}")]
        assert ends == [f"ack {partition}@{first}" for first in (0, 2, 4)]
    assert 1 < sending.most_active <= IN_FLIGHT


def test_a_slice_that_waits_grows_old_and_an_idle_runner_has_none() -> None:
    async def main() -> tuple[float, float]:
        sending = Sending([])
        runner: SliceRunner[Any, Any, Any] = SliceRunner(Recording([]), cast(OutputProducer, sending))
        await runner.take(a_slice(), lambda: None, lambda failure: None)
        waiting = runner.oldest_seconds(time.monotonic() + 100)
        await runner.drain()
        await asyncio.sleep(0)
        runner.close()
        return waiting, runner.oldest_seconds(time.monotonic())

    waiting, idle = asyncio.run(main())
    assert waiting > 99
    assert idle == 0
