"""Tocsin with a fault planted: a slice is settled and acknowledged before its effect, and the effect comes late.

`python -m tests.chaos.early ARGUMENTS` takes the arguments of `tocsin`.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from schemas.records.values import Coordinate
from tocsin.cli.main import main
from tocsin.runtime.transport import worker
from tocsin.runtime.transport.runner import SliceRunner
from tocsin.runtime.transport.slices import Slice

WINDOW_SECONDS = 1.0
"""Between acknowledgement and effect: a kill that falls in here loses the slice."""


class AcknowledgesEarly(SliceRunner[Any, Any, Any]):
    """What a worker must never do."""

    async def _run_in_order(self, piece: Slice, acknowledge: Callable[[], object]) -> None:
        lock = self._order.setdefault((piece.topic, piece.partition), asyncio.Lock())
        async with lock:
            decided = await self._persistently(self._thinking, self._stages.decide, piece)
            claimed = await self._persistently(self._asking, self._stages.claim, decided)
            finished = self._stages.finish(claimed)
            nowhere = (Coordinate(),) * len(finished.records)
            await self._persistently(self._asking, self._stages.settle, finished, nowhere)
            acknowledge()
            await asyncio.sleep(WINDOW_SECONDS)
            await self._producer.send_all(finished.records)


if __name__ == "__main__":
    worker.SliceRunner = AcknowledgesEarly  # type: ignore[attr-defined]  # the fault that this module is
    main(sys.argv[1:])
