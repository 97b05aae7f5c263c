"""Records looked up where they lie, many at once, by a reader that commits nothing and unpacks within bounds."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import pairwise
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.failures import Temporary
from schemas.records.values import Coordinate
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.transport.bounded import WAIT_SECONDS, bounded_client
from tocsin.runtime.transport.slices import RawRecord

_POLL_SECONDS: Final = 0.2
_MS: Final = 1000
_BATCH: Final = 500
FARTHEST: Final = 2_000
"""Records that are read and left rather than asking the broker for another place, which costs a part of a second."""

Found = Mapping[Coordinate, RawRecord]
"""What was there; what retention took is left out."""
Wanted = Mapping[TopicPartition, Mapping[int, list[Coordinate]]]
"""By partition and offset; one place may be asked for under several names."""


class Records:
    """Connects for each call; a place asked for twice is read twice.

    What lies between the wanted records is a member's: librdkafka would unpack it whatever it becomes (ADR 0040).
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka

    def __call__(self, places: Iterable[Coordinate]) -> Found:
        """Read them in the order in which they lie; raises Temporary where the broker does not answer."""
        wanted: dict[TopicPartition, dict[int, list[Coordinate]]] = defaultdict(lambda: defaultdict(list))
        for place in places:
            wanted[TopicPartition(place.topic, place.partition)][place.offset].append(place)
        if not wanted:
            return {}
        try:
            return asyncio.run(self._found(wanted))
        except (KafkaError, TimeoutError) as error:
            raise Temporary("The broker does not answer. Check: tocsin doctor", code="kafka.away") from error

    async def _found(self, wanted: Wanted) -> Found:
        found: dict[Coordinate, RawRecord] = {}
        reader = bounded_client(self._kafka)
        try:
            await asyncio.wait_for(reader.start(), WAIT_SECONDS)
            for partition, offsets in wanted.items():
                reader.assign([partition])
                for run in runs(await _there(reader, partition, sorted(offsets))):
                    async for record in _read(reader, partition, run):
                        found |= dict.fromkeys(offsets[record.offset], record)
        finally:
            await reader.stop()
        return found


async def _there(reader: AIOKafkaConsumer, partition: TopicPartition, offsets: list[int]) -> list[int]:
    """Those that are still kept."""
    starts, ends = await reader.beginning_offsets([partition]), await reader.end_offsets([partition])
    return [offset for offset in offsets if starts[partition] <= offset < ends[partition]]


async def _read(reader: AIOKafkaConsumer, partition: TopicPartition, run: list[int]) -> AsyncIterator[RawRecord]:
    """The records of one run; raises TimeoutError where nothing comes any more."""
    left, last = set(run), run[-1]
    reader.seek(partition, run[0])
    deadline = time.monotonic() + WAIT_SECONDS
    while left:
        fetched = await reader.getmany(partition, timeout_ms=int(_POLL_SECONDS * _MS), max_records=_BATCH)
        for record in fetched.get(partition, ()):
            if record.offset in left:
                yield record
            left.discard(record.offset)
            left = left if record.offset < last else set()
            deadline = time.monotonic() + WAIT_SECONDS
        if time.monotonic() > deadline:
            raise TimeoutError


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
