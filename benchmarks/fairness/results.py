"""The figures of one comparison, kept as JSON beside the page that shows them."""

from typing import Final

from benchmarks.about import About
from benchmarks.peers.latency import Latency

FLOOD_REPORTS: Final = 200_000
MOST_TIMES: Final = 3.0
"""What is promised: nobody waits longer than so many times what a quiet exchange takes."""


class Fairness(About, frozen=True, kw_only=True):
    """The same reports of the same nine members, before and in a flood of a tenth."""

    others: int
    flood: int
    quiet: Latency
    """Of the other members' reports: from sending to the decision."""
    flooded: Latency
    backlog_before: int
    backlog_after: int
    """Records of the flood that still waited when the last of the others was sent: it was one all the while."""

    @property
    def times(self) -> float:
        """By how much the slowest hundredth got slower."""
        return self.flooded.p99_ms / self.quiet.p99_ms

    @property
    def holds(self) -> bool:
        """Whether all arrived, in time, while the flood lasted."""
        arrived = self.flooded.measured == self.flooded.sent and self.quiet.measured == self.quiet.sent
        return arrived and self.backlog_after > 0 and self.times <= MOST_TIMES
