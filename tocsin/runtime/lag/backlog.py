"""What a group has not read yet, in records and since when; pure, over what the broker said."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

_FIRST_STEP_MS: Final = 2_000
_FARTHER: Final = 8
_NEAR_ENOUGH_MS: Final = 500
_SHARE: Final = 100
"""A lag is known to half a second, or to one hundredth of itself where that is more."""
_AHEAD_MS: Final = 60_000
"""By how much the broker's clock may run before ours."""


class Place(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Group(Struct, frozen=True, kw_only=True):
    """A consumer group: how many members it has, and how far it has come where it has committed or is assigned."""

    name: str
    members: int
    positions: Mapping[Place, int | None]
    """The next offset to read; None where a member has the partition and nothing was ever committed."""


class Unread(Struct, frozen=True, kw_only=True):
    """The first record that nobody of a group has read; its time is what is looked for."""

    place: Place
    offset: int


class Backlog(Struct, frozen=True, kw_only=True):
    """What one group has left to read of one partition."""

    group: str
    place: Place
    position: int | None
    records: int
    oldest_ms: int = 0
    """When the first of them was appended; 0 where there is none."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """One look at the broker."""

    at_ms: int
    starts: Mapping[Place, int]
    ends: Mapping[Place, int]
    groups: tuple[Group, ...]
    backlogs: tuple[Backlog, ...]


class Found(Struct, frozen=True, kw_only=True):
    """The first record at or after a time."""

    offset: int
    at_ms: int


class Search(Struct, frozen=True, kw_only=True):
    """Between which times the record was appended; `low_ms` is 0 until one is known to be early enough."""

    unread: Unread
    now_ms: int
    low_ms: int
    high_ms: int
    step_ms: int = _FIRST_STEP_MS

    @property
    def is_over(self) -> bool:
        """Whether what is known is near enough."""
        return self.high_ms - self.low_ms <= max(_NEAR_ENOUGH_MS, (self.now_ms - self.low_ms) // _SHARE)

    @property
    def question_ms(self) -> int:
        """The time to ask for next: ever farther back until early enough, then the middle."""
        if not self.low_ms:
            return max(1, self.now_ms - self.step_ms)
        return (self.low_ms + self.high_ms + 1) // 2


def begun(unread: Unread, now_ms: int) -> Search:
    """A search of which nothing is known."""
    return Search(unread=unread, now_ms=now_ms, low_ms=0, high_ms=now_ms + _AHEAD_MS)


def narrowed(search: Search, found: Found | None) -> Search:
    """With what the broker answered to its question; a batch shares one time, so that its first record is found."""
    asked_ms = search.question_ms
    if found is None or found.offset > search.unread.offset:
        return replace(search, high_ms=asked_ms, step_ms=search.step_ms * _FARTHER, low_ms=_floor(search, asked_ms))
    if found.offset == search.unread.offset:
        return replace(search, low_ms=found.at_ms, high_ms=found.at_ms)
    return replace(search, low_ms=max(asked_ms, found.at_ms))


def _floor(search: Search, asked_ms: int) -> int:
    """Nothing is older than the first millisecond there is: the search ends, whatever the broker says."""
    return search.low_ms or int(asked_ms <= 1)


def whole(group: Group, places: Iterable[Place]) -> Group:
    """With the other partitions of its topics: one that nobody has, and nothing was ever read of, is behind as well."""
    topics = {place.topic for place in group.positions}
    others: dict[Place, int | None] = {place: None for place in places if place.topic in topics}
    return replace(group, positions=others | dict(group.positions))


def backlogs(groups: Sequence[Group], starts: Mapping[Place, int], ends: Mapping[Place, int]) -> tuple[Backlog, ...]:
    """Of every partition that is still there: what was never committed is unread from its first record on."""
    return tuple(
        Backlog(
            group=group.name,
            place=place,
            position=position,
            records=max(0, ends[place] - (starts[place] if position is None else position)),
        )
        for group in groups
        for place, position in sorted(group.positions.items())
        if place in ends and place in starts
    )


def unread_of(backlog: Backlog, starts: Mapping[Place, int]) -> Unread | None:
    """Its first record that is still there, or None where nothing is left."""
    if not backlog.records:
        return None
    return Unread(place=backlog.place, offset=max(backlog.position or 0, starts[backlog.place]))
