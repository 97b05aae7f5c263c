"""The turns of one partition's slices: one after another, and what was produced early settles in order."""

import asyncio
from collections.abc import Callable


class Turn:
    """One slice's place behind the slice before it; `give_up_slot` is called once, when the next may start."""

    def __init__(self, previous: "Turn | None", give_up_slot: Callable[[], object]) -> None:
        self._previous = previous
        self._give_up_slot = give_up_slot
        self._passed = asyncio.Event()
        self._settled = asyncio.Event()

    async def comes(self) -> None:
        """Wait until the slice before is settled, or lets this one go ahead."""
        if self._previous is not None:
            await self._previous._passed.wait()

    async def may_claim(self) -> None:
        """Wait until the slice before is settled: claims and settlements keep the order of the log."""
        if self._previous is not None:
            await self._previous._settled.wait()
            self._previous = None

    def pass_on(self) -> None:
        """Let the next slice start; asked again, nothing happens."""
        if not self._passed.is_set():
            self._passed.set()
            self._give_up_slot()

    def settle(self) -> None:
        """Everything of this slice is done."""
        self._settled.set()
        self.pass_on()
