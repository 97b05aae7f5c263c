"""The page of a comparison: one table and how to repeat it, from the figures alone (pure)."""

import statistics
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.measuring import Run
from benchmarks.peers.results import Results
from benchmarks.peers.venvs import LOCKS
from benchmarks.verdicts import above, at_least

NAMES: Final = {
    "tocsin": "Tocsin",
    "plain": "plain confluent-kafka",
    "transactions": "plain, with transactions",
    "quix": "Quix Streams",
    "stock": "stock Faust",
}
_HEAD: Final = """# Beside what one would take instead

*Made by `make bench-peers`; do not edit. The figures are in [peers.json](peers.json).*

The same job for every peer: signed reports of one item each are read from a topic of two partitions, decoded,
verified and decided on by the same pure steps, their selectors claimed in the same PostgreSQL, and what follows
(the decision, referrals, status) is encoded, produced and settled, at least once. Peers differ in how records reach the
steps, how outputs leave, and what is committed when: [benchmarks/peers](../../benchmarks/peers), one file each, with
the settings and where they are recommended, each in a virtual environment of its own from locked requirements. What is
deliberate in them is in [ADR 0053](../decisions/0053-the-same-job-for-every-peer.md).

![Reports per second and latency of each peer](peers.svg)
"""
_TABLE: Final = (
    "| peer | codec | reports/s: min, median, max | ÷ plain | CPU-s per 1,000 | p50, p99 ms at 100/s | peak MB "
    "| 5 SIGKILLs: missing | repeated |",
    "|---|---|---|---|---|---|---|---|---|",
)
TARGET: Final = 0.9
_TARGETS: Final = (
    f"Target, Tocsin beside the plain loop: at least {TARGET} of its rate, in the median of the ratios within a round.",
    "Target, Tocsin beside Quix Streams: above it beyond noise, that is, its slowest round above the other's fastest.",
)
_TAIL: Final = """
*Codec* is what the peer's own environment reads and writes records with, as it said itself; a dash where it was not
asked then. Stock Faust gets a tenth of the reports. Read ratios, not rates: broker, PostgreSQL and the peer share the
machine's cores. Rounds go through the peers in turn, so that a slow minute meets all of them. CPU and memory are those
of the peer's process, PostgreSQL and broker left out. Latency is of one run, from the submitter's call to a
`read_committed` reader of `triaged.v1`. *Missing* are reports without a decision after five SIGKILLs spread over one
run; *repeated* are decisions beyond the first of a report, which carry the same ids, so that a recipient's inbox drops
them.

To repeat it: `make bench-peers`, or one part at a time, `.venv/bin/python -m benchmarks.peers --part kills`; parts that
were measured before are kept.
"""


def page(results: Results) -> str:
    """Markdown."""
    rows = [_row(peer, results) for peer in LOCKS]
    return "\n".join((_HEAD, *_TABLE, *rows, "", *_verdicts(results), "", *_said(results), _TAIL))


def _verdicts(results: Results) -> list[str]:
    ours, theirs = (_rates(results, peer) for peer in ("tocsin", "quix"))
    found = (at_least(TARGET, _ratios("tocsin", results)), above(ours, theirs))
    return [f"- {target} {said}" for target, said in zip(_TARGETS, found, strict=True)]


def _rates(results: Results, peer: str) -> list[float]:
    return [run.records_per_second for run in results.throughput.get(peer, ())]


def _said(results: Results) -> list[str]:
    return [
        f"- {name}: commit {part.commit}, {part.machine}, "
        f"{part.reports} reports, {part.rounds} {'round' if part.rounds == 1 else 'rounds'}"
        for name, part in results.parts.items()
    ]


def _row(peer: str, results: Results) -> str:
    codec = results.codecs.get(peer, "-")
    cells = (
        NAMES[peer],
        codec,
        *_speed(peer, results),
        _took(peer, results),
        _peak(peer, results),
        *_lost(peer, results),
    )
    return f"| {' | '.join(cells)} |"


def _speed(peer: str, results: Results) -> tuple[str, str, str]:
    runs = results.throughput.get(peer)
    if not runs:
        return "-", "-", "-"
    slowest, median, fastest = spread(runs, lambda run: run.records_per_second)
    cpu = statistics.median(run.cpu_per_thousand for run in runs)
    return f"{slowest:.0f}, **{median:.0f}**, {fastest:.0f}", _beside_plain(peer, results), f"{cpu:.2f}"


def _beside_plain(peer: str, results: Results) -> str:
    """The median over rounds of the ratio within a round."""
    found = _ratios(peer, results)
    return f"{statistics.median(found):.2f}" if found else "-"


def _ratios(peer: str, results: Results) -> list[float]:
    pairs = zip(_rates(results, peer), _rates(results, "plain"), strict=False)
    return [one / plain for one, plain in pairs]


def _took(peer: str, results: Results) -> str:
    found = results.latency.get(peer)
    return f"{found.p50_ms:.0f}, {found.p99_ms:.0f}" if found else "-"


def _peak(peer: str, results: Results) -> str:
    runs = results.throughput.get(peer)
    return f"{max(run.peak_bytes for run in runs) / 1_000_000:.0f}" if runs else "-"


def _lost(peer: str, results: Results) -> tuple[str, str]:
    found = results.kills.get(peer)
    return (f"{found.missing} of {found.reports}", str(found.duplicates)) if found else ("-", "-")


def spread(runs: Sequence[Run], of: Callable[[Run], float]) -> tuple[float, float, float]:
    """Least, median and most."""
    values = [of(run) for run in runs]
    return min(values), statistics.median(values), max(values)
