"""The slice protocol: decide, claim, finish, produce, settle, acknowledge; in this order and never another."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Generic, Protocol, TypeVar

from schemas.failures import Temporary
from schemas.records.values import Coordinate
from tocsin.runtime import metrics
from tocsin.runtime.producer import OutputProducer
from tocsin.runtime.transport.slices import OutRecord, Slice

log = logging.getLogger(__name__)

IN_FLIGHT: Final = 4
_FIRST_RETRY_SECONDS: Final = 0.1
_LONGEST_RETRY_SECONDS: Final = 5.0

Decided = TypeVar("Decided")
Claimed = TypeVar("Claimed")
Finished = TypeVar("Finished", bound="Outputs")
Result = TypeVar("Result")


class Outputs(Protocol):
    """What a slice makes; the rest of it is the stage's own business."""

    @property
    def records(self) -> tuple[OutRecord, ...]:
        """What to produce, in order."""


class Stages(Protocol, Generic[Decided, Claimed, Finished]):
    """What one stage does with a slice; `claim` and `settle` are idempotent, because a crash replays them."""

    name: str

    def decide(self, piece: Slice) -> Decided:
        """Everything that needs no other report; refusals happen here and nowhere later. May raise Temporary."""

    def claim(self, decided: Decided) -> Claimed:
        """One short transaction; may raise Temporary."""

    def finish(self, claimed: Claimed) -> Finished:
        """What follows from the claim, and the encoded outputs. Pure; nothing may refuse here."""

    def settle(self, finished: Finished, coordinates: tuple[Coordinate, ...]) -> None:
        """One short transaction that records what landed where; may raise Temporary."""


class SliceRunner(Generic[Decided, Claimed, Finished]):
    """Runs slices of several partitions side by side, and those of one partition one after another."""

    def __init__(self, stages: Stages[Decided, Claimed, Finished], producer: OutputProducer) -> None:
        self._stages = stages
        self._producer = producer
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._thinking = ThreadPoolExecutor(1, thread_name_prefix="stage")
        """One thread for what only computes: two would fight for the interpreter, and both be slower."""
        self._asking = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="store")
        self._order: dict[tuple[str, int], asyncio.Lock] = {}
        self._tasks: dict[asyncio.Task[None], float] = {}
        """Slices in flight, with the monotonic second of their start."""

    async def take(
        self, piece: Slice, acknowledge: Callable[[], object], halt: Callable[[BaseException], None]
    ) -> None:
        """Start a slice as soon as a slot is free; whatever escapes it halts the process."""
        await self._slots.acquire()
        task = asyncio.create_task(self._run_in_order(piece, acknowledge))
        self._tasks[task] = time.monotonic()
        task.add_done_callback(lambda ended: self._ended(ended, halt))

    async def drain(self) -> None:
        """Wait for the slices that were started."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def oldest_seconds(self, now_seconds: float) -> float:
        """For how long the oldest slice in flight has been; a database that is away shows here."""
        return now_seconds - min(self._tasks.values(), default=now_seconds)

    def close(self) -> None:
        """Release the threads."""
        for pool in (self._thinking, self._asking):
            pool.shutdown(wait=False, cancel_futures=True)

    async def run_slice(self, piece: Slice) -> None:
        """The protocol itself: a crash between any two lines replays the slice, with the same result."""
        decided = await self._persistently(self._thinking, self._stages.decide, piece)
        claimed = await self._persistently(self._asking, self._stages.claim, decided)
        finished = await _in(self._thinking, self._stages.finish, claimed)
        coordinates = await self._producer.send_all(finished.records)
        await self._persistently(self._asking, self._stages.settle, finished, coordinates)

    async def _run_in_order(self, piece: Slice, acknowledge: Callable[[], object]) -> None:
        lock = self._order.setdefault((piece.topic, piece.partition), asyncio.Lock())
        async with lock:
            with metrics.timed(self._stages.name):
                await self.run_slice(piece)
            acknowledge()

    async def _persistently(self, pool: ThreadPoolExecutor, work: Callable[..., Result], *arguments: Any) -> Result:
        """Retry for as long as the failure is temporary: un-acknowledged records wait, and readiness tells."""
        pause_seconds = _FIRST_RETRY_SECONDS
        while True:
            try:
                return await _in(pool, work, *arguments)
            except Temporary as failure:
                metrics.failure_met(self._stages.name, failure)
                log.warning("waiting: %s", failure, extra={"facts": {"code": failure.code}})
            await asyncio.sleep(pause_seconds * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter, not a secret
            pause_seconds = min(pause_seconds * 2, _LONGEST_RETRY_SECONDS)

    def _ended(self, task: asyncio.Task[None], halt: Callable[[BaseException], None]) -> None:
        self._tasks.pop(task, None)
        self._slots.release()
        if not task.cancelled() and (failure := task.exception()) is not None:
            metrics.failure_met(self._stages.name, failure)
            halt(failure)


async def _in(pool: ThreadPoolExecutor, work: Callable[..., Result], *arguments: Any) -> Result:
    return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)
