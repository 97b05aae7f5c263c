"""One look at the broker after the other, in as few questions as there can be; times that did not move are kept."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from msgspec.structs import replace

from tocsin.runtime.lag.backlog import (
    Found,
    Group,
    Place,
    Search,
    Snapshot,
    Unread,
    backlogs,
    begun,
    narrowed,
    unread_of,
    whole,
)

_MOST_ROUNDS: Final = 40
"""A month in half seconds is halved 23 times; a broker that contradicts itself must not hold us."""


class Offsets(Protocol):
    """What is asked of a broker; each may raise Temporary."""

    def groups(self) -> Sequence[Group]:
        """Every consumer group there is."""

    def starts(self) -> Mapping[Place, int]:
        """The first offset of every partition."""

    def ends(self, places: Iterable[Place]) -> Mapping[Place, int]:
        """The offset that the next record will have."""

    def since(self, times_ms: Mapping[Place, int]) -> Mapping[Place, Found | None]:
        """The first record at or after a time."""


class LagReader:
    """Remembers when each first unread record was appended, for as long as it stays the first."""

    def __init__(self, broker: Offsets) -> None:
        self._broker = broker
        self._known: dict[Unread, int] = {}

    def read(self, now_ms: int) -> Snapshot:
        """Positions before ends, so that no lag is below nothing; raises Temporary where the broker is away."""
        named = tuple(self._broker.groups())
        starts = self._broker.starts()
        groups = tuple(whole(group, starts) for group in named)
        ends = self._broker.ends(starts)
        found = backlogs(groups, starts, ends)
        first = [unread_of(backlog, starts) for backlog in found]
        self._look_up({unread for unread in first if unread is not None}, now_ms)
        dated = (
            backlog if unread is None else replace(backlog, oldest_ms=self._known[unread])
            for backlog, unread in zip(found, first, strict=True)
        )
        return Snapshot(at_ms=now_ms, starts=starts, ends=ends, groups=groups, backlogs=tuple(dated))

    def _look_up(self, wanted: set[Unread], now_ms: int) -> None:
        self._known = {unread: at_ms for unread, at_ms in self._known.items() if unread in wanted}
        searches = [begun(unread, now_ms) for unread in wanted - self._known.keys()]
        for _ in range(_MOST_ROUNDS):
            open_searches = [search for search in searches if not search.is_over]
            if not open_searches:
                break
            closed = [search for search in searches if search.is_over]
            searches = closed + self._narrowed(open_searches)
        self._known |= {search.unread: search.low_ms for search in searches}

    def _narrowed(self, searches: Sequence[Search]) -> list[Search]:
        """One question for all partitions; where two groups stand at two places of one, the second waits its turn."""
        asked = {search.unread.place: search for search in reversed(searches)}
        answers = self._broker.since({place: search.question_ms for place, search in asked.items()})
        return [
            narrowed(search, answers.get(search.unread.place)) if asked[search.unread.place] is search else search
            for search in searches
        ]
