"""A process whose wall clock was set back ends, so that its manager starts it anew (docs/decisions/0038).

librdkafka waits for an instant of the wall clock: who waits while the clock is set back by an hour stands still for up
to an hour, in a call that nothing interrupts. A new process has no such wait, and ending at any moment loses nothing.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

ENDS_WITH: Final = 4
SET_BACK_SECONDS: Final = 20.0
"""A wait that lasts longer by less is over before anybody misses the process."""
_LOOK_SECONDS: Final = 1.0
_LOG = logging.getLogger(__name__)

Reading = tuple[float, float]
"""Wall clock and monotonic clock of one moment, in seconds."""


def set_back(readings: Iterable[Reading]) -> Iterator[float]:
    """By how many seconds the wall clock was set back, each time that it was by enough to matter.

    Small steps, as slewing makes them, and steps ahead are nothing.
    """
    last: float | None = None
    for wall_seconds, monotonic_seconds in readings:
        offset = wall_seconds - monotonic_seconds
        if last is not None and last - offset >= SET_BACK_SECONDS:
            yield last - offset
        last = offset


def end_when_set_back(end: Callable[[int], object] = os._exit) -> threading.Thread:
    """Look once a second, beside everything else, for as long as the process runs; ends it at once where it happened.

    Not by a signal: Python would handle it when the call that stands still returns.
    """
    watching = threading.Thread(target=_watch, args=(end,), name="clock", daemon=True)
    watching.start()
    return watching


def _watch(end: Callable[[int], object]) -> None:
    for seconds in set_back(_looks()):
        _LOG.critical(
            "The clock was set back: this process ends and must be started again. Keep clocks by slewing.",
            extra={"facts": {"seconds": round(seconds, 1), "code": "clock.set_back"}},
        )
        logging.shutdown()
        end(ENDS_WITH)
        return


def _looks() -> Iterator[Reading]:
    while True:
        yield time.time(), time.monotonic()
        time.sleep(_LOOK_SECONDS)
