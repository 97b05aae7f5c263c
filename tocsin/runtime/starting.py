"""How a process starts while something that it needs is away: it waits, bounded, and says for what."""

import logging
import math
import time
from collections.abc import Callable
from typing import Final, TypeVar

from tocsin.runtime.failures import Temporary
from tocsin.runtime.health import Health

log = logging.getLogger(__name__)

START: Final = "start"
LONGEST_SECONDS: Final = 120.0
"""Longer than PostgreSQL or a broker takes to come back from a crash; then the manager of the process decides."""
_FIRST_RETRY_SECONDS: Final = 0.25
_LONGEST_RETRY_SECONDS: Final = 5.0

Built = TypeVar("Built")


def when_there(build: Callable[[], Built], health: Health, longest_seconds: float = LONGEST_SECONDS) -> Built:
    """What `build` makes once nothing that it needs is away; not ready meanwhile, and the last Temporary in the end."""
    health.expect(START, stale_after_seconds=0)
    deadline = time.monotonic() + longest_seconds
    pause_seconds = _FIRST_RETRY_SECONDS
    while True:
        try:
            built = build()
        except Temporary as failure:
            if time.monotonic() + pause_seconds > deadline:
                raise
            log.warning("waiting to start: %s", failure, extra={"facts": {"code": failure.code}})
        else:
            health.beat(START, math.inf)  # it is over, for as long as the process lives
            return built
        time.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 2, _LONGEST_RETRY_SECONDS)
