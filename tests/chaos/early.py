"""Tocsin with a fault planted: a slice is settled and acknowledged before its effect, and the effect comes late.

`python -m tests.chaos.early ARGUMENTS` takes the arguments of `tocsin`.
"""

import asyncio
import sys
from typing import Any

from schemas.records.values import Coordinate
from tocsin.cli.main import main
from tocsin.runtime.transport import worker
from tocsin.runtime.transport.runner import SliceRunner
from tocsin.runtime.transport.slices import Slice
from tocsin.runtime.transport.turns import Turn

WINDOW_SECONDS = 1.0
"""Between acknowledgement and effect: a kill that falls in here loses the slice."""


class AcknowledgesEarly(SliceRunner[Any, Any, Any]):
    """What a worker must never do."""

    async def run_slice(self, piece: Slice, turn: Turn) -> None:
        decided = await self._thought(len(piece.records), self._stages.decide, piece)
        claimed = await self._claimed(decided, turn)
        finished = self._stages.finish(claimed)
        nowhere = (Coordinate(),) * len(finished.records)
        await self._asked(self._stages.settle, finished, nowhere)
        await asyncio.sleep(WINDOW_SECONDS)
        await self._producer.send_all(finished.records)


if __name__ == "__main__":
    worker.SliceRunner = AcknowledgesEarly  # type: ignore[attr-defined]  # the fault that this module is
    main(sys.argv[1:])
