"""Records looked up where they lie, many at once, by a plain reader that commits nothing."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from schemas.failures import Temporary
from schemas.records.values import Coordinate
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.transport.slices import RawRecord

_WAIT_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.2
_BATCH: Final = 500
FARTHEST: Final = 2_000
"""Records that are read and left rather than asking the broker for another place, which costs a part of a second."""

Where = tuple[str, int]
Found = Mapping[Coordinate, RawRecord]
"""What was there; what retention took is left out."""


class Records:
    """One connection; a place asked for twice is read twice."""

    def __init__(self, kafka: KafkaSettings, group: str, *, with_headers: bool = False) -> None:
        self._with_headers = with_headers
        self._consumer = Consumer(kafka.client() | {"group.id": group, "enable.auto.commit": False})

    def __call__(self, places: Iterable[Coordinate]) -> Found:
        """Read them in the order in which they lie; raises Temporary where the broker does not answer."""
        found: dict[Coordinate, RawRecord] = {}
        wanted: dict[Where, dict[int, list[Coordinate]]] = defaultdict(lambda: defaultdict(list))
        for place in places:
            wanted[place.topic, place.partition][place.offset].append(place)
        try:
            for where, offsets in wanted.items():
                for run in self._there(where, sorted(offsets)):
                    for message in self._read(where, run):
                        record = _record(message, with_headers=self._with_headers)
                        found |= dict.fromkeys(offsets[record.offset], record)
        except KafkaException as error:
            raise _away() from error
        finally:
            self._consumer.unassign()
        return found

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()

    def _there(self, where: Where, offsets: list[int]) -> list[list[int]]:
        """What is still kept, in runs that are read in one go."""
        start, end = self._consumer.get_watermark_offsets(TopicPartition(*where), timeout=_WAIT_SECONDS)
        return runs([offset for offset in offsets if start <= offset < end])

    def _read(self, where: Where, run: list[int]) -> Iterable[Message]:
        """The records of one run; a place that retention takes meanwhile is passed over."""
        left, last = set(run), run[-1]
        self._consumer.assign([TopicPartition(*where, run[0])])
        deadline = time.monotonic() + _WAIT_SECONDS
        while left:
            for message in self._consumer.consume(_BATCH, timeout=_POLL_SECONDS):
                offset = message.offset()
                if message.error() or offset is None:
                    raise _away()
                if offset in left:
                    yield message
                left.discard(offset)
                left = left if offset < last else set()
                deadline = time.monotonic() + _WAIT_SECONDS
            if time.monotonic() > deadline:
                raise _away()


def runs(offsets: list[int]) -> list[list[int]]:
    """Sorted offsets in groups without a gap that is worth a jump."""
    if not offsets:
        return []
    found = [[offsets[0]]]
    for before, offset in pairwise(offsets):
        if offset - before > FARTHEST:
            found.append([])
        found[-1].append(offset)
    return found


def _record(message: Message, *, with_headers: bool) -> RawRecord:
    offset = message.offset()
    assert offset is not None  # noqa: S101 -- what was read lies somewhere
    headers: Any = (message.headers() or ()) if with_headers else ()
    return RawRecord(
        offset=offset,
        timestamp_ms=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(headers),
    )


def _away() -> Temporary:
    return Temporary("The broker does not answer. Check: tocsin doctor", code="kafka.away")
