"""The slice protocol: decide, claim, finish, produce, settle, acknowledge; in this order and never another."""

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar

from schemas.failures import Temporary
from schemas.records.values import Coordinate
from tocsin.runtime import metrics
from tocsin.runtime.producer import OutputProducer
from tocsin.runtime.tracing.spans import UNTRACED, Spans
from tocsin.runtime.transport.patience import Patience
from tocsin.runtime.transport.pauses import nothing_noted
from tocsin.runtime.transport.slices import OutRecord, Slice, named
from tocsin.runtime.transport.thinking import Thinking
from tocsin.runtime.transport.turns import Turn

log = logging.getLogger(__name__)

IN_FLIGHT: Final = 64
"""Slices of all partitions; how many of one, and of all who have a backlog, the consumer bounds (fairness.py)."""
_ASKING: Final = 4
"""Claims and settlements at a time."""
MOST_UNSETTLED: Final = 200
"""Slices that were sent and wait for the store; more wait in the log."""
_FIRST_RETRY_SECONDS: Final = 0.1
_LONGEST_RETRY_SECONDS: Final = 5.0

Decided = TypeVar("Decided")
Claimed = TypeVar("Claimed")
Finished = TypeVar("Finished", bound="Outputs")
Result = TypeVar("Result")


def nothing_told() -> None:
    """Where nobody asks when the next slice may start."""


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

    def early(self, decided: Decided) -> tuple[Decided, tuple[OutRecord, ...]]:
        """What may not wait for a claim store that is away, and the slice as it goes on once that was sent.

        Only asked for where the runner's patience is bounded. The slice is run in full later, as after a crash.
        """
        return decided, ()

    def claim(self, decided: Decided) -> Claimed:
        """One short transaction; may raise Temporary."""

    def finish(self, claimed: Claimed) -> Finished:
        """What follows from the claim, and the encoded outputs. Pure; nothing may refuse here.

        May raise Temporary: the id of a schema that was never used before is the registry's to give.
        """

    def settle(self, finished: Finished, coordinates: tuple[Coordinate, ...]) -> None:
        """One short transaction that records what landed where; may raise Temporary."""


class SliceRunner(Generic[Decided, Claimed, Finished]):
    """Runs slices of several partitions side by side; those of one partition are decided ahead, and claimed one by one.

    With a bounded patience, a slice whose claim or settlement waits longer than that lets the next one start: what
    may not wait is sent first, and the slice is claimed and settled, in order, when the store is back.
    """

    def __init__(
        self,
        stages: Stages[Decided, Claimed, Finished],
        producer: OutputProducer,
        patience_seconds: float = math.inf,
        spans: Spans = UNTRACED,
        settled: Callable[[Slice], None] = nothing_noted,
    ) -> None:
        self._stages = stages
        self._settled = settled
        self._producer = producer
        self._patience = Patience(patience_seconds)
        self._spans = spans
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._thinking = Thinking()
        self._asking = ThreadPoolExecutor(_ASKING, thread_name_prefix="store")
        self._turns: dict[tuple[str, int], Turn] = {}
        self._tasks: dict[asyncio.Task[None], float] = {}
        """Slices that are not settled, with the monotonic second of their start."""

    async def take(
        self,
        piece: Slice,
        acknowledge: Callable[[], object],
        halt: Callable[[BaseException], None],
        passed: Callable[[], object] = nothing_told,
    ) -> None:
        """Start a slice as soon as a slot is free; whatever escapes it halts the process.

        `passed` is told when the next slice of its partition may start.
        """
        await self._slots.acquire()

        def let_next_start() -> None:
            self._slots.release()
            passed()

        key = (piece.topic, piece.partition)
        turn = self._turns[key] = Turn(self._turns.get(key), let_next_start)
        task = asyncio.create_task(self._run_in_turn(piece, turn, acknowledge))
        self._tasks[task] = time.monotonic()
        task.add_done_callback(lambda ended: self._ended(ended, turn, halt))

    async def drain(self, timeout_seconds: float = math.inf) -> None:
        """Wait for the slices that were started; what is not settled in time is read again by the next process."""
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=_timeout(timeout_seconds))

    def oldest_seconds(self, now_seconds: float) -> float:
        """For how long the oldest unsettled slice has been; a database that is away shows here."""
        return now_seconds - min(self._tasks.values(), default=now_seconds)

    def close(self) -> None:
        """Release the threads."""
        self._thinking.close()
        self._asking.shutdown(wait=False, cancel_futures=True)

    async def run_slice(self, piece: Slice, turn: Turn) -> None:
        """The protocol itself: a crash between any two lines replays the slice, with the same result."""
        records = len(piece.records)
        decided = await self._thought(records, self._stages.decide, piece)
        await turn.comes()
        claimed = await self._in_time(self._claimed(decided, turn))
        if claimed is None:
            decided = await self._sent_early(records, decided, turn)
            claimed = await self._claimed(decided, turn)
        finished = await self._thought(records, self._stages.finish, claimed)
        coordinates = await self._producer.send_all(finished.records)
        settling = asyncio.ensure_future(self._asked(self._stages.settle, finished, coordinates))
        if not await self._ends_in_time(settling):
            self._let_go_ahead(turn)
        await settling

    async def _run_in_turn(self, piece: Slice, turn: Turn, acknowledge: Callable[[], object]) -> None:
        with metrics.timed(self._stages.name), self._spans.slice(self._stages.name, piece), named(piece):
            await self.run_slice(piece, turn)
        metrics.slice_settled(self._stages.name, piece.topic, piece.records[-1].timestamp_ms)
        self._settled(piece)
        acknowledge()
        turn.settle()

    async def _claimed(self, decided: Decided, turn: Turn) -> Claimed:
        await turn.may_claim()
        claimed = await self._asked(self._stages.claim, decided)
        self._patience.renew()
        return claimed

    async def _sent_early(self, count: int, decided: Decided, turn: Turn) -> Decided:
        sent, records = await self._thought(count, self._stages.early, decided)
        await self._producer.send_all(records)
        log.warning("going on without the claim store", extra={"facts": {"records": len(records)}})
        self._let_go_ahead(turn)
        return sent

    def _let_go_ahead(self, turn: Turn) -> None:
        """Bounded: with so many slices unsettled, the rest waits in the log."""
        if len(self._tasks) < MOST_UNSETTLED:
            turn.pass_on()

    async def _in_time(self, work: Coroutine[Any, Any, Result]) -> Result | None:
        running = asyncio.ensure_future(work)
        if await self._ends_in_time(running):
            return running.result()
        running.cancel()
        return None

    async def _ends_in_time(self, running: "asyncio.Future[Any]") -> bool:
        done, _ = await asyncio.wait({running}, timeout=_timeout(self._patience.left()))
        if not done:
            self._patience.end()
        return bool(done)

    async def _thought(self, records: int, work: Callable[..., Result], *arguments: Any) -> Result:
        return await self._persistently(partial(self._thinking.run, records, work, *arguments))

    async def _asked(self, work: Callable[..., Result], *arguments: Any) -> Result:
        return await self._persistently(partial(_in, self._asking, work, *arguments))

    async def _persistently(self, attempt: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Retry for as long as the failure is temporary: un-acknowledged records wait, and readiness tells."""
        pause_seconds = _FIRST_RETRY_SECONDS
        while True:
            try:
                return await attempt()
            except Temporary as failure:
                metrics.failure_met(self._stages.name, failure)
                log.warning("waiting: %s", failure, extra={"facts": {"code": failure.code}})
            await asyncio.sleep(pause_seconds * random.uniform(0.5, 1.0))  # noqa: S311 -- jitter, not a secret
            pause_seconds = min(pause_seconds * 2, _LONGEST_RETRY_SECONDS)

    def _ended(self, task: asyncio.Task[None], turn: Turn, halt: Callable[[BaseException], None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (failure := task.exception()) is not None:
            metrics.failure_met(self._stages.name, failure)
            halt(failure)


async def _in(pool: ThreadPoolExecutor, work: Callable[..., Result], *arguments: Any) -> Result:
    return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)


def _timeout(seconds: float) -> float | None:
    return None if seconds == math.inf else seconds
