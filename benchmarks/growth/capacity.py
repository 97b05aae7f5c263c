"""What a rate of reports needs, from the curves alone (pure): workers, partitions, cores; cautious where it guesses."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from benchmarks.growth.points import Point
from benchmarks.growth.results import Results

RATES: Final[Sequence[int]] = (100, 1_000, 10_000)
"""Reports a second."""
_LOAD: Final = 0.6
"""Of a core or a worker that is planned with; the rest is for peaks and for what comes back after an outage."""
_BROKERS: Final = 3
_PARTITIONS_A_WORKER: Final = 2
_SLICE_RECORDS: Final = 500
_TRIPS_A_SLICE: Final = 3
"""ADR 0021."""


class Measured(Struct, frozen=True, kw_only=True):
    """What the curves say."""

    worker_rate: float
    """Reports a second of one worker at the slowest point, the median of its rounds."""
    worker_cpu: float
    """CPU-seconds of the workers for 1,000 reports at the dearest point."""
    rest_cpu: float
    """Of the fastest point: core-seconds for 1,000 reports that broker and PostgreSQL together cannot have exceeded."""
    fastest: float
    """Reports a second of the fastest point: whatever is above was never seen."""


class Need(Struct, frozen=True, kw_only=True):
    """For one rate."""

    rate: int
    workers: int
    partitions: int
    """Of the busy topics together."""
    worker_cores: int
    postgres_cores: int
    broker_cores: int
    """Of each of three brokers."""
    trips: int
    """Waits for PostgreSQL a second, of all workers, with full slices."""
    times_measured: float
    """How many times the fastest point; over 1 it is a guess."""


def measured(results: Results) -> Measured:
    """The cautious end of every curve; raises ValueError where the curve of workers is missing."""
    if "workers" not in results.curves:
        raise ValueError("Capacity is predicted from the curve of workers: run make bench-growth first.")
    curve = results.curves["workers"]
    fastest = max(curve.points, key=lambda point: point.reports_per_second)
    whole = 1000 * curve.cores / fastest.reports_per_second
    return Measured(
        worker_rate=min(point.reports_per_second for point in _of_one_worker(results)),
        worker_cpu=max(point.cpu_seconds_per_thousand for each in results.curves.values() for point in each.points),
        rest_cpu=max(0.0, whole - fastest.cpu_seconds_per_thousand),
        fastest=fastest.reports_per_second,
    )


def _of_one_worker(results: Results) -> Iterator[Point]:
    for name, curve in results.curves.items():
        yield from (point for point in curve.points if name != "workers" or point.count == 1)


def need(known: Measured, rate: int) -> Need:
    """What so many reports a second need."""
    workers = math.ceil(rate / (_LOAD * min(known.worker_rate, 1000 / known.worker_cpu)))
    rest = _cores(rate, known.rest_cpu)
    return Need(
        rate=rate,
        workers=workers,
        partitions=_PARTITIONS_A_WORKER * workers,
        worker_cores=_cores(rate, known.worker_cpu),
        postgres_cores=rest,
        broker_cores=rest,
        trips=_TRIPS_A_SLICE * math.ceil(rate / _SLICE_RECORDS),
        times_measured=rate / known.fastest,
    )


def _cores(rate: int, cpu_seconds_per_thousand: float) -> int:
    return max(1, math.ceil(rate * cpu_seconds_per_thousand / 1000 / _LOAD))


def capacity(results: Results) -> str:
    """Markdown."""
    known = measured(results)
    rows = [_row(need(known, rate)) for rate in RATES]
    return "\n".join((_HEAD, *rows, _tail(known, results)))


def _row(found: Need) -> str:
    seen = "within" if found.times_measured <= 1 else f"**beyond: {found.times_measured:.1f} times**"
    return (
        f"| {found.rate:,} | {found.workers} | {found.partitions} | {found.worker_cores} | {found.postgres_cores} "
        f"| {_BROKERS} of {found.broker_cores} | {found.trips} | {seen} |"
    )


_HEAD: Final = """# What 100, 1,000 and 10,000 reports a second need

*Made by `make bench-growth` from [growth.json](growth.json); do not edit. How it is computed:
[capacity.py](../../benchmarks/growth/capacity.py). A prediction, not a measurement.*

| reports/s | workers | partitions | cores: workers | PostgreSQL | brokers | waits/s for PostgreSQL | measured? |
|---|---|---|---|---|---|---|---|"""


def _tail(known: Measured, results: Results) -> str:
    commits = ", ".join(sorted({curve.commit for curve in results.curves.values()}))
    return f"""
Taken from the curves (commit {commits}): one worker at the slowest point {known.worker_rate:.0f} reports/s; workers at
the dearest point {known.worker_cpu:.2f} CPU-seconds for 1,000; the fastest point {known.fastest:.0f} reports/s, where
broker and PostgreSQL together cannot have had more than {known.rest_cpu:.2f} core-seconds for 1,000.

Assumptions:
- Reports as the benchmark has them: one item, signed, the sample policy, no near hashes, first revisions, slices of
  {_SLICE_RECORDS}. Those with many items or near hashes cost more.
- Workers, cores and brokers are planned at {_LOAD:.0%}: the rest is for peaks and for what waits after an outage.
- The work of a report does not depend on how many workers there are; one worker needs at least
  {_PARTITIONS_A_WORKER} partitions of busy topics, so that none is idle while another has two.
- PostgreSQL and every broker are each given **all** of what broker and PostgreSQL used together: which of them used
  it was not measured. Three brokers are for replication, not for the rate.
- **Claims are taken one slice at a time under one lock** (ADR 0026), however many workers there are. How long it is
  held at higher rates was not measured; beyond the fastest point it may be the first bound.
- A worker gathers a slice for 50 ms at most. At a rate that does not fill it, slices are smaller and more: up to
  {_TRIPS_A_SLICE * 20} waits for PostgreSQL a second for each busy partition. The table is of full ones.
- Disk and network are not in the curves; members' sinks are their own. Urgent lanes and returns need workers besides.
"""
