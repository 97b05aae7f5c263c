"""The figures of deliveries, kept as JSON beside the page that shows them."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from benchmarks.about import About

DELIVERIES: Final = 1_000
PARTS: Final = ("inbox", "courier", "erasing", "returns")


class Cost(About, frozen=True, kw_only=True):
    """One commit: CPU-milliseconds of each part for one delivery, the least of its rounds."""

    deliveries: int
    rounds: int
    milliseconds: Mapping[str, float]

    @property
    def total(self) -> float:
        """CPU-milliseconds of one delivery."""
        return sum(self.milliseconds.values())


class Costs(Struct, frozen=True, kw_only=True):
    """What was measured, in that order; a commit that is measured again takes its own place."""

    measured: tuple[Cost, ...] = ()

    def beside(self, cost: Cost) -> "Costs":
        """With one commit more."""
        return Costs(measured=(*(one for one in self.measured if one.commit != cost.commit), cost))
