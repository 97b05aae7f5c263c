"""The page of what a delivery costs; from the figures alone (pure)."""

from collections.abc import Iterator
from typing import Final

from benchmarks.deliver.results import PARTS, Cost, Costs

_HEAD: Final = """# What one delivery costs

*Made by `make bench-deliver`; do not edit. The figures are in [deliver.json](deliver.json).*

CPU-milliseconds of a member's process for each referral, from the record as it lies on the topic until the folder has
it and its Return is marked as sent: SQLite store, a folder as sink, every submitter's signature verified, logs written.
There is no broker: fetching from it and sending to it come on top.
"""
_TAIL: Final = """
Commits are measured one after the other, on a machine as busy as it says: a small difference between two is none.
*Inbox*: decode, verify, store. *Courier*: claim, write and sync the file, settle. *Erasing*: look for orders.
*Returns*: read what is owed, encode and sign it, confirm. To repeat it: `make bench-deliver` (`DELIVERIES=1000`).
"""


def page(costs: Costs) -> str:
    """Markdown."""
    return "\n".join(
        (_HEAD, *_table(costs), "", *_change(costs), *_bound(costs), "", *map(_said, costs.measured), _TAIL)
    )


def _table(costs: Costs) -> Iterator[str]:
    yield f"| commit | {' | '.join(PARTS)} | together |"
    yield "|---" * (len(PARTS) + 2) + "|"
    for cost in costs.measured:
        parts = " | ".join(f"{cost.milliseconds[part]:.2f}" for part in PARTS)
        yield f"| {cost.commit} | {parts} | {cost.total:.2f} |"


def _change(costs: Costs) -> Iterator[str]:
    first, last = costs.measured[0], costs.measured[-1]
    if first is not last:
        yield f"**{last.commit} needs {100 * last.total / first.total:.0f} % of what {first.commit} needed.**"


def _bound(costs: Costs) -> Iterator[str]:
    last = costs.measured[-1]
    part = max(PARTS, key=lambda name: last.milliseconds[name])
    share = 100 * last.milliseconds[part] / last.total
    yield (
        f"**What bounds it: the {part}**, with {share:.0f} % of the CPU of {last.commit}; at most "
        f"{1000 / last.total:.0f} deliveries a second of one core, before the broker's share."
    )


def _said(cost: Cost) -> str:
    return f"- {cost.commit}: {cost.deliveries:,} referrals, the cheapest of {cost.rounds} rounds, {cost.machine}."
