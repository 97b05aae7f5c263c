"""The slice protocol: one order of effects, patience with what passes, an end where it cannot go on."""

import asyncio
import math
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import pytest
from msgspec import Struct

from schemas.failures import Broken, Temporary
from schemas.records.values import Coordinate
from tests.builders.samples import risen
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


@pytest.mark.parametrize("step", ["decide", "claim", "finish", "settle"])
def test_what_passes_is_waited_for_and_nothing_is_acknowledged_meanwhile(step: str) -> None:
    with risen("tocsin_errors_total") as counted:
        journal, halted, _ = run([a_slice()], {step: [Temporary("away", code="x"), Temporary("away", code="x")]})
    assert [(dict(labels)["failure"], count) for labels, count in counted.items()] == [("temporary", 2)]
    assert journal[-1] == "ack 0@0"
    assert (journal.count(f"{step} 0@0"), halted) == (1, [])


@pytest.mark.parametrize("step", ["decide", "claim", "finish", "settle"])
def test_what_does_not_pass_halts_and_acknowledges_nothing(step: str) -> None:
    failure = Broken("no way", code="x")
    with risen("tocsin_errors_total") as counted:
        journal, halted, _ = run([a_slice()], {step: [failure]})
    assert [(dict(labels)["failure"], count) for labels, count in counted.items()] == [("broken", 1)]
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


class Forgetful(Recording):
    """Its store is away until `is_back`; what may not wait is the first record of each slice."""

    def __init__(self, journal: list[str], away_in: str) -> None:
        super().__init__(journal)
        self._away_in = away_in
        self.is_back = False

    def early(self, decided: Slice) -> tuple[Slice, tuple[OutRecord, ...]]:
        self._note("early", decided)
        return decided, (OutRecord(topic="out", key=b"", value=b"early"),)

    def _note(self, step: str, piece: Slice) -> None:
        if step == self._away_in and not self.is_back:
            raise Temporary("away", code="x")
        super()._note(step, piece)


async def quiet(journal: list[str]) -> None:
    """Until the second slice was decided, however busy the machine is, and then nothing more was done for a while."""
    deadline = time.monotonic() + 30
    while "decide 0@2" not in journal:
        assert time.monotonic() < deadline, journal
        await asyncio.sleep(0.01)
    while True:
        before = len(journal)
        await asyncio.sleep(0.5)
        if len(journal) == before:
            return


def run_through_an_outage(away_in: str, patience_seconds: float) -> tuple[list[str], list[str]]:
    """Two slices of one partition: what was written down before the store was back, and everything."""
    journal: list[str] = []

    async def main() -> list[str]:
        stages = Forgetful(journal, away_in)
        sending = cast(OutputProducer, Sending(journal))
        runner: SliceRunner[Any, Any, Any] = SliceRunner(stages, sending, patience_seconds)
        for first in (0, 2):
            await runner.take(a_slice(first), partial(journal.append, f"ack 0@{first}"), lambda failure: None)
        await quiet(journal)
        during = list(journal)
        stages.is_back = True
        await runner.drain()
        runner.close()
        return during

    return asyncio.run(main()), journal


def test_without_a_claim_what_may_not_wait_is_sent_and_everything_is_done_in_order_when_the_store_is_back() -> None:
    during, whole = run_through_an_outage("claim", patience_seconds=0.1)
    assert during == ["decide 0@0", "decide 0@2", "early 0@0", "produce", "early 0@2", "produce"]
    later = [[f"claim 0@{n}", f"finish 0@{n}", "produce", f"settle 0@{n}", f"ack 0@{n}"] for n in (0, 2)]
    assert whole[len(during) :] == later[0] + later[1]


def test_a_settlement_that_waits_lets_the_next_slice_go_ahead_and_keeps_the_order_of_the_log() -> None:
    during, whole = run_through_an_outage("settle", patience_seconds=0.1)
    effects = [entry for entry in during if not entry.startswith("decide")]
    assert effects == ["claim 0@0", "finish 0@0", "produce", "early 0@2", "produce"]
    settled = [entry for entry in whole if entry.startswith(("claim", "settle", "ack"))]
    assert settled == ["claim 0@0", "settle 0@0", "ack 0@0", "claim 0@2", "settle 0@2", "ack 0@2"]


@pytest.mark.parametrize("away_in", ["claim", "settle"])
def test_with_unbounded_patience_nothing_overtakes(away_in: str) -> None:
    during, whole = run_through_an_outage(away_in, patience_seconds=math.inf)
    assert [entry for entry in during if entry.endswith("0@2")] == ["decide 0@2"], "which asks nobody and tells nobody"
    assert not [entry for entry in whole if entry.startswith("early")]


def test_an_end_does_not_wait_for_a_store_that_is_away() -> None:
    async def main() -> float:
        runner: SliceRunner[Any, Any, Any] = SliceRunner(Forgetful([], "claim"), cast(OutputProducer, Sending([])))
        await runner.take(a_slice(), lambda: None, lambda failure: None)
        start = time.monotonic()
        await runner.drain(timeout_seconds=0.2)
        runner.close()
        return time.monotonic() - start

    assert asyncio.run(main()) < 5
