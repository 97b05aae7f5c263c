"""The figures of one comparison, kept as JSON beside the page that shows them: each part may be run by itself."""

from collections.abc import Mapping

from msgspec import Struct

from benchmarks.about import About
from benchmarks.measuring import Run


class Alone(Struct, frozen=True, kw_only=True):
    """CPU-microseconds a record: by kind of record, by codec, by way."""

    about: About
    size_bytes: Mapping[str, float]
    microseconds: Mapping[str, Mapping[str, Mapping[str, float]]]


class Job(Struct, frozen=True, kw_only=True):
    """The worker with each engine, in turn: CPU-seconds per 1,000 reports by round; CPU-microseconds by step."""

    about: About
    reports: int
    cpu_seconds_per_thousand: Mapping[str, Mapping[str, tuple[float, ...]]]
    """By job, by engine."""
    by_items: Mapping[int, Mapping[str, tuple[float, ...]]] = {}
    """The whole job of reports of more items than one, by engine."""
    steps_microseconds: Mapping[str, Mapping[str, float]]
    """By engine, by step."""


class Passed(Struct, frozen=True, kw_only=True):
    """One run of pass-through with the codec."""

    start_cpu_seconds: float
    """Of the process, until its first record was out."""
    whole: Run
    """From the first record to the last."""
    warm: Run
    """Without the first quarter of the records."""


class Passing(Struct, frozen=True, kw_only=True):
    """Pass-through beside Kafka Streams: by engine, the runs in turn."""

    about: About
    records: int
    runs: Mapping[str, tuple[Passed, ...]]


class Results(Struct, frozen=True, kw_only=True):
    """A part that was not run yet is absent."""

    alone: Alone | None = None
    job: Job | None = None
    passing: Passing | None = None
