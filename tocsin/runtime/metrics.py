"""What every stage counts: one registry, made from the table of families."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)

from schemas.codec import ENGINE
from schemas.failures import Broken, Refused, Temporary, Unreadable
from tocsin.runtime.families import MADE, POLICY_PARTS, Family, Kind

log = logging.getLogger(__name__)

disable_created_metrics()  # type: ignore[no-untyped-call]  # one more series for each, which says when a process began
REGISTRY = CollectorRegistry(auto_describe=True)
"""Our own: the library's global registry would bring families whose names we do not own."""

_MADE: Final = {Kind.COUNTER: Counter, Kind.GAUGE: Gauge, Kind.INFO: Info}


def _made(family: Family) -> Any:
    if family.kind is Kind.HISTOGRAM:
        return Histogram(family.name, family.help, family.labels, buckets=family.buckets, registry=REGISTRY)
    labels = () if family.kind is Kind.INFO else family.labels
    return _MADE[family.kind](family.name, family.help, labels, registry=REGISTRY)


_BY_NAME: Final = {family.name: _made(family) for family in MADE}
ProcessCollector(namespace="tocsin", registry=REGISTRY)

RECORDS: Final[Counter] = _BY_NAME["tocsin_records"]
ERRORS: Final[Counter] = _BY_NAME["tocsin_errors"]
DEAD_LETTERS: Final[Counter] = _BY_NAME["tocsin_dead_letters"]
LINKS: Final[Counter] = _BY_NAME["tocsin_links"]
POLICY_DENIALS: Final[Counter] = _BY_NAME["tocsin_policy_denials"]
SIGNATURE_FAILURES: Final[Counter] = _BY_NAME["tocsin_signature_failures"]
REBALANCES: Final[Counter] = _BY_NAME["tocsin_rebalances"]
CLIENT_ERRORS: Final[Counter] = _BY_NAME["tocsin_client_errors"]
CLIENT_SENT: Final[Counter] = _BY_NAME["tocsin_client_sent_bytes"]
DURATION: Final[Histogram] = _BY_NAME["tocsin_stage_duration_seconds"]
STEP_DURATION: Final[Histogram] = _BY_NAME["tocsin_step_duration_seconds"]
REBALANCE_DURATION: Final[Histogram] = _BY_NAME["tocsin_rebalance_duration_seconds"]
DELIVERED: Final[Histogram] = _BY_NAME["tocsin_submission_to_delivered_seconds"]
TAKEN_UP: Final[Histogram] = _BY_NAME["tocsin_submission_to_taken_up_seconds"]
OLDEST_UNDELIVERED: Final[Gauge] = _BY_NAME["tocsin_oldest_undelivered_timestamp_seconds"]
CANARY_SENT: Final[Gauge] = _BY_NAME["tocsin_canary_sent_timestamp_seconds"]
CANARY_ROUND: Final[Gauge] = _BY_NAME["tocsin_canary_round_timestamp_seconds"]
WATERMARK: Final[Gauge] = _BY_NAME["tocsin_watermark_timestamp_seconds"]
SOURCE_NEWEST: Final[Gauge] = _BY_NAME["tocsin_source_newest_timestamp_seconds"]
PAUSED: Final[Gauge] = _BY_NAME["tocsin_member_paused"]
QUEUE: Final[Gauge] = _BY_NAME["tocsin_queue_entries"]
QUEUE_OLDEST: Final[Gauge] = _BY_NAME["tocsin_queue_oldest_timestamp_seconds"]
RECALLS_OPEN: Final[Gauge] = _BY_NAME["tocsin_recalls_open"]
RECALLS_LATE: Final[Gauge] = _BY_NAME["tocsin_recalls_late"]
RECALLS_OLDEST: Final[Gauge] = _BY_NAME["tocsin_recalls_oldest_timestamp_seconds"]
AUDIT_CHECKPOINT: Final[Gauge] = _BY_NAME["tocsin_audit_checkpoint_timestamp_seconds"]
AUDIT_SIGNED: Final[Gauge] = _BY_NAME["tocsin_audit_signed_timestamp_seconds"]
LEDGER_MISSING: Final[Gauge] = _BY_NAME["tocsin_ledger_missing_records"]
LEDGER_READ: Final[Gauge] = _BY_NAME["tocsin_ledger_read_timestamp_seconds"]
STATE_AVAILABLE: Final[Gauge] = _BY_NAME["tocsin_state_available_bytes"]
STATE_SIZE: Final[Gauge] = _BY_NAME["tocsin_state_size_bytes"]
KEY_EXPIRY: Final[Gauge] = _BY_NAME["tocsin_key_expiry_timestamp_seconds"]
CERTIFICATE_EXPIRY: Final[Gauge] = _BY_NAME["tocsin_certificate_expiry_timestamp_seconds"]
CLIENT_QUEUE: Final[Gauge] = _BY_NAME["tocsin_client_queue_records"]
CLIENT_UNSENT: Final[Gauge] = _BY_NAME["tocsin_client_unsent_requests"]
CLIENT_ROUND_TRIP: Final[Gauge] = _BY_NAME["tocsin_client_round_trip_seconds"]
POLICY_SINCE: Final[Gauge] = _BY_NAME["tocsin_policy_in_force_timestamp_seconds"]
LAG_READ: Final[Gauge] = _BY_NAME["tocsin_lag_read_timestamp_seconds"]
BUILD: Final[Info] = _BY_NAME["tocsin_build"]
POLICY: Final[Info] = _BY_NAME["tocsin_policy"]

_MEMBERS_OWN: Final = ("reports", "returns")
"""How the topics begin that a member writes; its name comes next."""
_FAILURES: Final = (Unreadable, Refused, Temporary, Broken)


def release() -> str:
    """The version that runs."""
    try:
        return version("tocsin")
    except PackageNotFoundError:
        return "unknown"


def describe_build(process: str) -> None:
    """Publish version, name and codec of this process, and write them down once."""
    build = {"version": release(), "process": process, "codec": ENGINE}
    BUILD.info(build)
    log.info("this process begins", extra={"facts": build})


def describe_policy(digest: str, versions: Mapping[str, str], since_ms: int) -> None:
    """Publish which policy this process uses, and since when; of the digest as much as tells bundles apart."""
    POLICY_SINCE.set(since_ms / 1000)
    POLICY.info({"digest": digest[:12], **{part: versions.get(part) or "unknown" for part in POLICY_PARTS}})


def record_left(stage: str, outcome: str, count: int = 1) -> None:
    """Count records that left a stage."""
    RECORDS.labels(stage, outcome).inc(count)


def failure_met(stage: str, failure: BaseException) -> None:
    """Count a failure by which of the four it is; anything else is unexpected."""
    kind = next((kind.__name__.lower() for kind in _FAILURES if isinstance(failure, kind)), "unexpected")
    ERRORS.labels(stage, kind).inc()


def slice_settled(stage: str, topic: str, newest_ms: int) -> None:
    """How far a stage has come, and with whose records where it is a member's own topic; once a slice."""
    seconds = newest_ms / 1000
    WATERMARK.labels(stage).set(seconds)
    family, _, rest = topic.partition(".")
    if family in _MEMBERS_OWN:
        SOURCE_NEWEST.labels(stage, rest.split(".")[0]).set(seconds)


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Observe the wall time of a block."""
    start = time.perf_counter()
    try:
        yield
    finally:
        DURATION.labels(stage).observe(time.perf_counter() - start)
