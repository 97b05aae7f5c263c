"""One thread for what only computes; small pieces go before large ones, and none waits for ever (ADR 44)."""

import asyncio
import heapq
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

_SECONDS_A_RECORD: Final = 0.02
"""By so much later a piece counts as having come, for each of its records: twenty times what its rules take (ADR 56).

Of a backlog many pieces wait, each for longer than its own rules take: all of those would go before what came just now.
"""


class Thinking:
    """Two threads would fight for the interpreter, and both be slower."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stage")
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._is_taken = False

    async def run(self, records: int, work: Callable[..., Result], *arguments: Any) -> Result:
        """Compute when it is this piece's turn."""
        await self._turn(time.monotonic() + records * _SECONDS_A_RECORD)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        finally:
            self._next()

    def close(self) -> None:
        """Release the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, counts_as_come: float) -> None:
        if not self._is_taken:
            self._is_taken = True
            return
        place = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (counts_as_come, next(self._numbers), place))
        await place

    def _next(self) -> None:
        while self._waiting:
            _, _, place = heapq.heappop(self._waiting)
            if not place.done():
                place.set_result(None)
                return
        self._is_taken = False
