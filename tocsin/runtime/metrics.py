"""What every stage counts: one registry, base units, closed label sets, no id, hash, URL or person in a label."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

REGISTRY = CollectorRegistry(auto_describe=True)
"""Our own: the library's global registry would bring families whose names we do not own."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

RECORDS = Counter(
    "tocsin_records", "Records that left a stage, by how they left it.", ["stage", "outcome"], registry=REGISTRY
)
ERRORS = Counter(
    "tocsin_errors", "Failures that a stage met, by kind of failure.", ["stage", "failure"], registry=REGISTRY
)
DURATION = Histogram(
    "tocsin_stage_duration_seconds",
    "Time a stage spent on one slice or one delivery.",
    ["stage"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
OLDEST_UNDELIVERED = Gauge(
    "tocsin_oldest_undelivered_timestamp_seconds",
    "Unix time of the oldest referral not yet delivered; 0 where none waits.",
    ["member"],
    registry=REGISTRY,
)
PAUSED = Gauge("tocsin_member_paused", "1 while a member's own topic is paused.", ["member"], registry=REGISTRY)
QUEUE = Gauge(
    "tocsin_queue_entries",
    "What waits for a person, by the alert under which it stands.",
    ["alert"],
    registry=REGISTRY,
)
QUEUE_OLDEST = Gauge(
    "tocsin_queue_oldest_timestamp_seconds",
    "Unix time since when the oldest entry of the queue waits; 0 where none does.",
    registry=REGISTRY,
)
RECALLS_OPEN = Gauge("tocsin_recalls_open", "Recalls that their member has not acknowledged.", registry=REGISTRY)
RECALLS_LATE = Gauge(
    "tocsin_recalls_late", "Of the open recalls, those that should have been acknowledged by now.", registry=REGISTRY
)
RECALLS_OLDEST = Gauge(
    "tocsin_recalls_oldest_timestamp_seconds",
    "Unix time since when the oldest open recall waits; 0 where none does.",
    registry=REGISTRY,
)
BUILD = Info("tocsin_build", "The version that runs.", registry=REGISTRY)


def describe_build(stage: str) -> None:
    """Publish version and stage of this process."""
    try:
        release = version("tocsin")
    except PackageNotFoundError:
        release = "unknown"
    BUILD.info({"version": release, "stage": stage})


def record_left(stage: str, outcome: str, count: int = 1) -> None:
    """Count records that left a stage."""
    RECORDS.labels(stage, outcome).inc(count)


def failure_met(stage: str, failure: BaseException) -> None:
    """Count a failure by its class, which is a closed set."""
    ERRORS.labels(stage, type(failure).__name__.lower()).inc()


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Observe the wall time of a block."""
    start = time.perf_counter()
    try:
        yield
    finally:
        DURATION.labels(stage).observe(time.perf_counter() - start)
