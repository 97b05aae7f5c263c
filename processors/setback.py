"""A ledger that was set back, as by an older backup: what it forgot is decided again once a worker asks where it is."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from tocsin.runtime.transport.slices import Slice

_LOG: Final = logging.getLogger(__name__)

Settled = Callable[[], Mapping[tuple[str, int], int]]
"""The first unsettled offset by topic and partition. May raise Temporary."""


class Setback:
    """One per worker; asked every few seconds whether it has to begin again.

    A slice that would leave a hole fails by itself; but what the ledger forgot of a partition on which nothing comes
    would wait for the next record.
    """

    def __init__(self, settled: Settled) -> None:
        self._settled = settled
        self._known: dict[tuple[str, int], int] = {}

    def note(self, piece: Slice) -> None:
        """This worker has settled it: from now on no ledger that knows less is the same."""
        place = (piece.topic, piece.partition)
        self._known[place] = max(piece.next_offset, self._known.get(place, 0))

    def __call__(self) -> bool:
        """Whether the ledger knows less than it did. May raise Temporary."""
        known = dict(self._known)  # before the ledger is asked: what is settled meanwhile it may not have said yet
        found = self._settled()
        behind = sorted(place for place, offset in known.items() if found.get(place, 0) < offset)
        if behind:
            facts = {"partitions": [f"{topic}[{partition}]" for topic, partition in behind]}
            _LOG.warning("The ledger was set back: beginning again from where it stands.", extra={"facts": facts})
        return bool(behind)
