"""Whether a target was reached, from the rounds alone (pure): no page says so by hand.

A target counts as reached, or as missed, where every round says the same; less than three rounds say nothing of noise.
"""

import statistics
from collections.abc import Sequence
from typing import Final

LEAST_ROUNDS: Final = 3
_FEW: Final = f"fewer than {LEAST_ROUNDS} rounds say nothing of noise"


def at_least(target: float, ratios: Sequence[float]) -> str:
    """Of a ratio within each round that should be no less."""
    if not ratios:
        return "Not measured."
    found = f"{statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f} in {_rounds(ratios)}"
    if len(ratios) < LEAST_ROUNDS:
        return f"**Not decided**: {found}; {_FEW}."
    if min(ratios) >= target:
        return f"**Reached**: {found}."
    if max(ratios) < target:
        return f"**Not reached**: {found}."
    return f"**Not decided**: {found}; rounds fall on both sides."


def above(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Of rates: our slowest round beside their fastest."""
    if not ours or not theirs:
        return "Not measured."
    found = f"{min(ours):.0f} to {max(ours):.0f} beside {min(theirs):.0f} to {max(theirs):.0f} reports/s"
    if min(len(ours), len(theirs)) < LEAST_ROUNDS:
        return f"**Not decided**: {found}; {_FEW}."
    if min(ours) > max(theirs):
        return f"**Reached**: {found}."
    if max(ours) <= min(theirs):
        return f"**Not reached**: {found}."
    return f"**Not decided**: {found}; the ranges overlap."


def _rounds(found: Sequence[float]) -> str:
    return f"{len(found)} {'round' if len(found) == 1 else 'rounds'}"
