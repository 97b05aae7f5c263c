"""Topics that are not read for a while, because their member sends more bad records than it may."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from tocsin.runtime.transport.errands import Errand, no_errand
from tocsin.runtime.transport.slices import OutRecord, Slice

Positions = Callable[[Mapping[tuple[str, int], int]], Mapping[tuple[str, int], int]]
"""From log starts to the first offset that is not settled; partitions without history are left out."""

PAUSES_SECONDS: Final = 5.0
"""How often a worker asks; what arrives between two answers is read."""


class Pause(Struct, frozen=True, kw_only=True):
    """The topics to leave alone, each with what its member is told when that begins."""

    notices: Mapping[str, tuple[OutRecord, ...]] = {}

    @property
    def topics(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self.notices)


def nothing_paused() -> Pause:
    """For stages whose members have no limit."""
    return Pause()


def never_outdated() -> bool:
    """For stages whose topics never change."""
    return False


def nothing_noted(piece: Slice) -> None:
    """For a ledger that cannot be set back."""


class Bookkeeping(Struct, frozen=True, kw_only=True):
    """What a worker asks the ledger."""

    positions: Positions
    settled: Callable[[Slice], None] = nothing_noted
    """Told of each slice that the ledger has."""
    pause: Callable[[], Pause] = nothing_paused
    """May raise Temporary: what was paused stays so until the ledger answers."""
    errand: Callable[[], Errand] = no_errand
    """Asked as often; may raise Temporary."""
    is_outdated: Callable[[], bool] = never_outdated
    """Asked as often: whether the worker has to begin again, as for topics that came since; may raise Temporary."""
