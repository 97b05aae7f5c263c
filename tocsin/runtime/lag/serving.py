"""The process that looks at the broker every few seconds and serves what it saw, until it is told to stop."""

import logging
import threading
import time
from typing import Final

from schemas.failures import Temporary
from tocsin.runtime import metrics
from tocsin.runtime.health import Health
from tocsin.runtime.lag.publishing import LagCollector
from tocsin.runtime.lag.reading import LagReader

NAME: Final = "lag"
BROKER: Final = "broker"
EVERY_SECONDS: Final = 10.0
STALE_SECONDS: Final = 60.0
_LOG: Final = logging.getLogger(__name__)


def watch_lag(
    reader: LagReader, health: Health, stopped: threading.Event, every_seconds: float = EVERY_SECONDS
) -> None:
    """Look, publish and wait, over and over; a broker that is away is waited for, and readiness tells.

    Of `health` BROKER is expected already, from before anybody could ask.
    """
    collector = LagCollector()
    metrics.REGISTRY.register(collector)
    try:
        while not stopped.is_set():
            _look(reader, collector, health)
            stopped.wait(every_seconds)
    finally:
        metrics.REGISTRY.unregister(collector)


def _look(reader: LagReader, collector: LagCollector, health: Health) -> None:
    try:
        collector.show(reader.read(time.time_ns() // 1_000_000))
    except Temporary as failure:
        metrics.failure_met(NAME, failure)
        _LOG.warning("waiting: %s", failure, extra={"facts": {"code": failure.code}})
        return
    metrics.LAG_READ.set_to_current_time()
    health.beat(BROKER, time.monotonic())
