"""The page of the comparison, from its figures alone (pure)."""

from typing import Final

from benchmarks.fairness.results import MOST_TIMES, Fairness
from benchmarks.peers.latency import Latency

_HEAD: Final = """# One member publishes everything at once

*Made by `make bench-fairness`; do not edit. The figures are in [fairness.json](fairness.json).*

Ten members submit to one worker of the normal lane. Nine send a few reports a second all the while; first alone, then
while the tenth has put all of its reports onto its topic at once.
"""
_TAIL: Final = """
Milliseconds from the submitter's call to the decision on `triaged.v1`, read committed. To repeat it: `make
bench-fairness` (`REPORTS=200000`).
"""


def page(found: Fairness) -> str:
    """Markdown."""
    word = "holds" if found.holds else "**does not hold**"
    return "\n".join(
        (
            _HEAD,
            "| the nine others | sent | decided | p50 ms | p99 ms |",
            "|---|---|---|---|---|",
            _row("alone", found.quiet),
            _row(f"beside {found.flood:,} reports at once", found.flooded),
            "",
            f"p99 in the flood is {found.times:.1f} times the quiet one; at most {MOST_TIMES:.0f} times is promised, "
            f"which {word} in one run. {found.backlog_before:,} reports of the flood waited when the others began, "
            f"and {found.backlog_after:,} when their last one was sent.",
            "",
            f"{found.said}.",
            _TAIL,
        )
    )


def _row(what: str, waits: Latency) -> str:
    return f"| {what} | {waits.sent} | {waits.measured} | {waits.p50_ms:.0f} | {waits.p99_ms:.0f} |"
