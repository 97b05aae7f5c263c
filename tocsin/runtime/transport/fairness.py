"""How much of each partition is on its way at once: no backlog ever stands before the others (ADR 44)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from faust.types import TP

SHARED_SECONDS: Final = 60.0
"""For how long somebody who sends little counts as sending."""
MOST_AT_ONCE: Final = 500
"""Records of one slice, whatever is asked for: the most that is decoded at one go."""
MOST_AHEAD: Final = 4
"""Slices of a backlog's partition that were handed over and did not let the next one start."""
FEW_AHEAD: Final = 2
"""The same without a backlog: one is at work, one is decided, and what comes meanwhile is one slice (ADR 56)."""
MOST_AHEAD_RECORDS: Final = 2_000
"""Records of all backlogs together; who has none is never kept out by them."""


class Ahead(Protocol):
    """One slice that was handed over."""

    passed: bool
    """Whether it lets the next one start."""

    @property
    def count(self) -> int:
        """Its records."""


class Portions:
    """What the next fetch may take of whom; used by one task only."""

    def __init__(self, most_records: int, shared_records: int) -> None:
        self._most = most_records
        self._shared = shared_records
        self._ahead: dict[TP, list[Ahead]] = defaultdict(list)
        self._backlogs: set[TP] = set()
        self._shared_until = float("-inf")

    def records(self, now_seconds: float) -> int:
        """The most of each partition at once."""
        return self._shared if now_seconds < self._shared_until else self._most

    def in_turn(self, fetched: Mapping[TP, int], left: Mapping[TP, int], now_seconds: float) -> list[TP]:
        """Who sent least is first. `left` are the records that wait on the broker still; times are monotonic.

        Where somebody sent little, and has no more, everybody shares with them from now on.
        """
        self._backlogs -= fetched.keys()
        self._backlogs |= {tp for tp in fetched if left[tp]}
        if any(count < self._shared and not left[tp] for tp, count in fetched.items()):
            self._shared_until = now_seconds + SHARED_SECONDS
        return sorted(fetched, key=lambda tp: fetched[tp])

    def handed(self, tp: TP, piece: Ahead) -> None:
        """A slice is on its way."""
        self._ahead[tp].append(piece)

    def open_to(self, partitions: Iterable[TP]) -> set[TP]:
        """Those that may go on: a backlog waits while enough of it, or of all backlogs, is on its way."""
        counts = {tp: [piece.count for piece in self._left(tp)] for tp in list(self._ahead)}
        total = sum(sum(counts[tp]) for tp in self._backlogs & counts.keys())
        return {
            tp
            for tp in partitions
            if len(counts.get(tp, ())) < (MOST_AHEAD if tp in self._backlogs else FEW_AHEAD)
            and not (tp in self._backlogs and total >= MOST_AHEAD_RECORDS)
        }

    def forget(self) -> None:
        """The partitions were dealt anew."""
        self._ahead.clear()
        self._backlogs.clear()

    def _left(self, tp: TP) -> list[Ahead]:
        left = self._ahead[tp] = [piece for piece in self._ahead[tp] if not piece.passed]
        return left
