"""The page of the codec: tables and how to repeat them, from the figures alone (pure)."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from benchmarks.codec.contestants import NAMES
from benchmarks.codec.results import Alone, Job, Passed, Passing, Results
from benchmarks.measuring import Run

TARGET_MICROSECONDS: Final = 5.0
TARGET_RATIO: Final = 1.6
_JOBS: Final = {"tocsin": "the whole job", "tocsin-codec": "pass-through, read and written again"}
_PASSERS: Final = {"tocsin": "Tocsin", "streams": "Kafka Streams"}
_HEAD: Final = """# What reading and writing Avro costs

*Made by `make bench-codec`; do not edit. The figures are in [codec.json](codec.json).*
"""
_ALONE: Final = """## The codec alone

CPU-microseconds a record, the median of five rounds over 2,000 different records, each codec a process of its own with
the same bytes; every one of them writes byte for byte what it read, or the run ends. *Plain* is the record of 25 fields
of the study before [ADR 0055](../decisions/0055-a-compiled-codec-beside-fastavro.md); the others are reports. Java's
figure is that of its whole process, warmed up, with its garbage collector and compiler.
"""
_JOB: Final = """## The whole job

The worker of production on a backlog of signed reports, with each engine in turn on one stack: CPU-seconds of its
process per 1,000 reports, from the first report that is settled to the last; broker and PostgreSQL left out. Reports
have one item each, or as many as their row says, and no personal part, which is opened and sealed beside the codec.
"""
_PASSING: Final = """## Pass-through beside Kafka Streams

Each value of a topic is read as a record, the record is written again, and sent with its key to another topic: at least
once, over TLS, on one Kafka, both in turn. Tocsin is its batch transport under Faust with the compiled engine; Kafka
Streams is [a program of one thread](../../benchmarks/peers/Streams.java) at its defaults and Java's, with generic
records. Values are reports of one item, the same for both; of what each run wrote, the last 2,000 are compared with
them. CPU-seconds are user and system time of the whole process, in Java with its compiler and garbage collector; the
broker is left out.
"""
_REPEAT: Final = """## To repeat it

`make bench-codec`, or one part of it: `.venv/bin/python -m benchmarks.codec --part passing` (`alone`, `job`); parts
that were measured before are kept. Java needs a JDK here, 17 or newer.
"""


def page(results: Results) -> str:
    """Markdown."""
    alone = _alone(results.alone) if results.alone else ()
    job = _job(results.job) if results.job else ()
    passing = _passing(results.passing) if results.passing else ()
    return "\n".join((_HEAD, *alone, *job, *passing, _REPEAT))


def _alone(part: Alone) -> Iterator[str]:
    yield from (_ALONE, part.about.said, "")
    kinds = list(part.microseconds)
    heads = [f"{kind}, {part.size_bytes[kind]:.0f} bytes: decode, encode, both ways" for kind in kinds]
    yield f"| codec | {' | '.join(heads)} |"
    yield "|---" * (len(kinds) + 1) + "|"
    for name, words in NAMES.items():
        yield f"| {words} | {' | '.join(_cell(part.microseconds[kind].get(name)) for kind in kinds)} |"
    both = part.microseconds["plain"]["ours"]["both"]
    yield from (
        "",
        f"Target, plain record both ways: at most {TARGET_MICROSECONDS} µs. "
        f"{_met(both <= TARGET_MICROSECONDS)}: {both} µs.",
        "",
    )


def _cell(found: Mapping[str, float] | None) -> str:
    return f"{found['decode']}, {found['encode']}, **{found['both']}**" if found else "-"


def _job(part: Job) -> Iterator[str]:
    yield from (_JOB, f"{part.about.said}, {part.reports} reports a run.", "")
    yield from (
        "| job | fastavro: min, median, max | compiled: min, median, max | fastavro ÷ compiled |",
        "|---|---|---|---|",
    )
    yield from (_row(words, by_engine) for words, by_engine in _jobs(part))
    found = [ratio(by_engine) for words, by_engine in _jobs(part) if words != _JOBS["tocsin-codec"]]
    said = ", ".join(f"{one:.2f} times" for one in found)
    yield from (
        "",
        f"Target, the whole job: {TARGET_RATIO} times less. {_met(min(found) >= TARGET_RATIO)}: {said}.",
        "",
    )
    yield from ("Each step alone, CPU-microseconds a report:", "", "| step | fastavro | compiled |", "|---|---|---|")
    before, after = (part.steps_microseconds[engine] for engine in ("fastavro", "compiled"))
    yield from (f"| {step} | {before[step]} | {after[step]} |" for step in before)
    yield ""


def _jobs(part: Job) -> Iterator[tuple[str, Mapping[str, tuple[float, ...]]]]:
    """Every row, the whole job of larger reports behind it."""
    for name, by_engine in part.cpu_seconds_per_thousand.items():
        yield _JOBS[name], by_engine
        if name == "tocsin":
            yield from ((f"the same, {items} items a report", more) for items, more in sorted(part.by_items.items()))


def _row(words: str, by_engine: Mapping[str, tuple[float, ...]]) -> str:
    spreads = " | ".join(_spread(by_engine[engine]) for engine in ("fastavro", "compiled"))
    return f"| {words} | {spreads} | {ratio(by_engine):.2f} |"


def _passing(part: Passing) -> Iterator[str]:
    yield from (_PASSING, f"{part.about.said}, {part.records} records a run.", "")
    yield from (
        "| peer | CPU-s per 1,000: min, median, max | without the first quarter | records/s without it "
        "| CPU-s before the first record | peak MB |",
        "|---|---|---|---|---|---|",
    )
    yield from (f"| {words} | {' | '.join(_figures(part.runs[name]))} |" for name, words in _PASSERS.items())
    ours, theirs = part.runs["tocsin"], part.runs["streams"]
    whole = share([run.whole for run in ours], [run.whole for run in theirs])
    warm = share([run.warm for run in ours], [run.warm for run in theirs])
    yield from (
        "",
        f"Target: no more CPU a record than Kafka Streams. {_met(max(whole, warm) <= 1)}: {whole:.2f} times its CPU, "
        f"{warm:.2f} times without the first quarter.",
        "",
    )


def _figures(runs: Sequence[Passed]) -> Iterator[str]:
    yield _spread([run.whole.cpu_per_thousand for run in runs], 4)
    yield _spread([run.warm.cpu_per_thousand for run in runs], 4)
    yield _spread([run.warm.records_per_second for run in runs], 0)
    yield _spread([run.start_cpu_seconds for run in runs], 1)
    yield f"{statistics.median(run.whole.peak_bytes for run in runs) / 1e6:.0f}"


def share(ours: Sequence[Run], theirs: Sequence[Run]) -> float:
    """Our CPU a record in theirs: the median over rounds of that within a round."""
    pairs = zip(ours, theirs, strict=True)
    return statistics.median(one.cpu_per_thousand / other.cpu_per_thousand for one, other in pairs)


def ratio(by_engine: Mapping[str, tuple[float, ...]]) -> float:
    """The median over rounds of the ratio within a round."""
    return statistics.median(b / a for b, a in zip(by_engine["fastavro"], by_engine["compiled"], strict=True))


def _spread(found: Sequence[float], digits: int = 2) -> str:
    return f"{min(found):.{digits}f}, **{statistics.median(found):.{digits}f}**, {max(found):.{digits}f}"


def _met(is_met: bool) -> str:
    return "Reached" if is_met else "Not reached"
