"""Whether everything that came in is accounted for: sums per stream against the broker's offsets; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from tocsin.runtime.ledger.outcomes import Outcome

MAX_GAPS = 20
"""Named per stream; more are counted."""


class Block(Struct, frozen=True, order=True):
    """Consecutive settled offsets."""

    first: int
    length: int


class Count(Struct, frozen=True, kw_only=True):
    """Records of one outcome, and when the first of them was settled."""

    records: int
    oldest: datetime


class StreamFacts(Struct, frozen=True, kw_only=True):
    """One partition: what the broker has, what the ledger has."""

    topic: str
    partition: int
    log_start: int
    log_end: int
    first: int
    """Where the ledger begins: 0 for every partition that it has seen from its creation on."""
    blocks: tuple[Block, ...]
    outcomes: Mapping[Outcome, "Count"]
    oldest_waiting: datetime | None = None
    """When the first record that is not settled was appended; None where none waits."""
    topic_changed: bool = False
    """The ledger knows this partition under another topic id: the topic was re-created."""


class ReferralCount(Struct, frozen=True, kw_only=True):
    """Referrals of one recipient in one state, and since when the oldest is."""

    recipient: str
    state: str
    count: int
    oldest: datetime


class Line(Struct, frozen=True, kw_only=True):
    """One topic of one member: in = what became of it + what waits."""

    topic: str
    came_in: int
    outcomes: Mapping[str, int]
    waiting: int
    oldest: Mapping[str, datetime] = {}
    """Since when the oldest record of each outcome is there, and the oldest that waits (`waiting`)."""
    missing: tuple[str, ...]
    """Offsets that are neither settled nor waiting, as `topic[partition]@first-last`."""

    @property
    def balances(self) -> bool:
        """Whether the sum is right and no offset is missing."""
        return not self.missing and self.came_in == sum(self.outcomes.values()) + self.waiting


class Balance(Struct, frozen=True, kw_only=True):
    """The ledger as a whole."""

    lines: tuple[Line, ...]
    referrals: tuple[ReferralCount, ...]
    urgent_without_recipient: tuple[str, ...]
    """References of urgent live reports that nobody got."""
    routed_without_referral: tuple[str, ...] = ()
    """Records that the ledger calls routed and knows no referral of, as `topic[partition]@offset`."""

    @property
    def holds(self) -> bool:
        """Whether nothing is lost and nothing urgent lies unseen."""
        lines_balance = all(line.balances for line in self.lines)
        return lines_balance and not self.urgent_without_recipient and not self.routed_without_referral

    @property
    def referred(self) -> Mapping[str, int]:
        """The other side of `routed`: referrals by state, of all recipients."""
        states: Counter[str] = Counter()
        for count in self.referrals:
            states[count.state] += count.count
        return dict(sorted(states.items()))


def line_of(topic: str, streams: Iterable[StreamFacts]) -> Line:
    """Sum the partitions of one topic."""
    streams = tuple(streams)
    outcomes: Counter[str] = Counter()
    for stream in streams:
        outcomes.update({outcome.name.lower(): count.records for outcome, count in stream.outcomes.items()})
    return Line(
        topic=topic,
        came_in=sum(stream.log_end - stream.first for stream in streams),
        outcomes=dict(sorted(outcomes.items())),
        waiting=sum(waits(stream) for stream in streams),
        oldest=_oldest(streams),
        missing=tuple(gap for stream in streams for gap in gaps(stream)),
    )


def _oldest(streams: tuple[StreamFacts, ...]) -> dict[str, datetime]:
    since = [(outcome.name.lower(), count.oldest) for stream in streams for outcome, count in stream.outcomes.items()]
    since += [("waiting", stream.oldest_waiting) for stream in streams if stream.oldest_waiting is not None]
    names = sorted({name for name, _ in since})
    return {name: min(at for other, at in since if other == name) for name in names}


def settled_until(stream: StreamFacts) -> int:
    """One above the highest settled offset."""
    return max((block.first + block.length for block in stream.blocks), default=stream.first)


def waits(stream: StreamFacts) -> int:
    """How many records are behind the highest settled offset."""
    return max(0, stream.log_end - settled_until(stream))


def gaps(stream: StreamFacts) -> tuple[str, ...]:
    """Offsets between blocks, and offsets that the broker deleted before they were settled."""
    found: list[str] = []
    position = stream.first
    for block in sorted(stream.blocks):
        if block.first > position:
            found.append(_span(stream, position, block.first - 1))
        position = max(position, block.first + block.length)
    if stream.log_start > position:
        found.append(_span(stream, position, stream.log_start - 1))
    if stream.topic_changed:
        found.append(f"{stream.topic}[{stream.partition}] was re-created")
    return tuple(found[:MAX_GAPS])


def _span(stream: StreamFacts, first: int, last: int) -> str:
    return f"{stream.topic}[{stream.partition}]@{first}-{last}"
