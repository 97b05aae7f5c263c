"""One thread computes: what is small goes before what is large, what is large is not kept waiting for ever."""

import asyncio
import threading
from functools import partial

import pytest

from tocsin.runtime.transport.thinking import Thinking


def order_of(sizes: list[int], *, then: list[int] | None = None, after_seconds: float = 0.0) -> list[int]:
    """In which order pieces of these sizes are computed that come while one is being computed."""
    done: list[int] = []
    go_on = threading.Event()

    async def main() -> None:
        thinking = Thinking()
        first = asyncio.create_task(thinking.run(0, go_on.wait))
        await asyncio.sleep(0)
        asked = [asyncio.create_task(thinking.run(size, partial(done.append, size))) for size in sizes]
        await asyncio.sleep(after_seconds)
        asked += [asyncio.create_task(thinking.run(size, partial(done.append, size))) for size in then or ()]
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, *asked)
        thinking.close()

    asyncio.run(main())
    return done


def test_what_is_small_goes_before_what_is_large_and_of_a_size_who_came_first() -> None:
    assert order_of([500, 500, 3, 100]) == [3, 100, 500, 500]


def test_what_is_large_waits_for_its_own_size_and_not_for_whatever_comes_later() -> None:
    assert order_of([100], then=[1], after_seconds=0.5) == [1, 100]
    assert order_of([20], then=[1], after_seconds=0.5) == [20, 1]


def test_a_failure_is_its_callers_and_the_next_goes_on() -> None:
    async def main() -> int:
        thinking = Thinking()
        with pytest.raises(ZeroDivisionError):
            await thinking.run(1, lambda: 1 // 0)
        found = await thinking.run(1, lambda: 7)
        thinking.close()
        return found

    assert asyncio.run(main()) == 7


def test_who_gave_up_waiting_is_passed_over() -> None:
    async def main() -> int:
        thinking, go_on = Thinking(), threading.Event()
        first = asyncio.create_task(thinking.run(0, go_on.wait))
        await asyncio.sleep(0)
        gone = asyncio.create_task(thinking.run(1, lambda: 1))
        last = asyncio.create_task(thinking.run(2, lambda: 2))
        await asyncio.sleep(0)
        gone.cancel()
        go_on.set()
        await first
        found = await last
        thinking.close()
        return found

    assert asyncio.run(main()) == 2
