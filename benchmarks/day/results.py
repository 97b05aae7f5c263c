"""The figures of one day, kept as JSON beside the page that shows them."""

from collections.abc import Mapping
from typing import Final

from benchmarks.about import About

DAY_REPORTS: Final = 60_000
"""The size of a day at CyberTipline, as this benchmark takes it."""


class Day(About, frozen=True, kw_only=True):
    """One run, from the first report that was sent. Seconds are counted from there."""

    reports: int
    referrals: int
    """Copies at sinks: two of each report."""
    publish_seconds: float
    """Until the broker had confirmed all of them."""
    triage_seconds: float
    """Until the ledger had an outcome of all of them."""
    delivery_seconds: float
    """Until the sinks had a copy each."""
    return_seconds: float
    """Until the receipts of all deliveries were settled too."""
    cpu_seconds: Mapping[str, float]
    """Of each kind of process, over all of it."""

    @property
    def busy(self) -> float:
        """Which share of the machine's cores these processes had."""
        return sum(self.cpu_seconds.values()) / (self.cores * self.return_seconds)

    @property
    def longest(self) -> str:
        """The part that had more CPU than any other."""
        return max(self.cpu_seconds, key=lambda name: self.cpu_seconds[name])
