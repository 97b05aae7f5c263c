"""What a batch may become when it is unpacked: beyond that its records are handed over as unreadable (ADR 0040).

The broker holds a batch's packed size against `max.message.bytes`, and hands out what a member packed as it came: 10 kB
of zstd become 300 MB. It checks neither the inner offsets of a batch nor that a header's key is text. A batch that is
refused here still gives one record for each of its offsets, so that the ledger settles every one of them.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import cramjam
from aiokafka.consumer import fetcher
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatch

from tocsin.runtime.transport.slices import RawRecord

BATCH_BYTES: Final = 4 * 1024 * 1024
"""As much as a whole fetch of one partition brings where nothing is packed."""
BATCH_RECORDS: Final = 20_000
FETCH_BYTES: Final = 2 * BATCH_BYTES
FETCH_RECORDS: Final = 20_000
"""A fetch ends with the batch that goes beyond one of these; the rest is asked for again."""
BATCH_FAULT: Final = "record.batch"

_LENGTH_AT, _BEFORE_LENGTH_ENDS, _MAGIC_AT, _ATTRIBUTES_AT, _HEADER_BYTES = 8, 12, 16, 21, 61
"""Where they stand in a batch of Kafka's format 2 (Kafka protocol guide, record batch)."""
_CODEC_BITS: Final = 0x07
_MAGIC: Final = 2
_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES: Final = 16
_GZIP_WINDOW: Final = 31

_UNREADABLE: Final = (
    KafkaError, cramjam.DecompressionError, zlib.error, struct.error, ValueError, LookupError, OverflowError, EOFError,
)  # fmt: skip


def bound_fetches() -> None:
    """Let every fetch of this process unpack within bounds, and give RawRecords.

    Aiokafka offers no place for it but these two names.
    """
    setattr(fetcher, "MemoryRecords", BoundedRecords)  # noqa: B010 -- mypy takes a class for a constant
    setattr(fetcher, "PartitionRecords", _PartitionRecords)  # noqa: B010 -- as above


class BoundedRecords:
    """The batches of one fetch of one partition, in aiokafka's `MemoryRecords` shape."""

    def __init__(self, packed: bytes) -> None:
        self._packed = memoryview(packed)
        self._at = 0
        self._left = _Left()
        self.first_wanted = 0
        """Offset that the fetch asked for: the first batch may begin before it."""

    def size_in_bytes(self) -> int:
        """Of all that was fetched."""
        return len(self._packed)

    def has_next(self) -> bool:
        """Whether there is a whole batch, and this fetch may still grow."""
        return self._left.any and self._end() <= len(self._packed)

    def next_batch(self) -> "_Batch":
        """The next batch, not yet unpacked."""
        start, self._at = self._at, self._end()
        return _Batch(self._packed[start : self._at], self._left, self.first_wanted)

    def _end(self) -> int:
        if len(self._packed) - self._at < _BEFORE_LENGTH_ENDS:
            return len(self._packed) + 1
        (length,) = struct.unpack_from(">i", self._packed, self._at + _LENGTH_AT)
        return self._at + _BEFORE_LENGTH_ENDS + int(length)


class _Left:
    """How much more this fetch may become."""

    def __init__(self) -> None:
        self.size, self.records = FETCH_BYTES, FETCH_RECORDS

    @property
    def any(self) -> bool:
        return self.size > 0 and self.records > 0


class _Batch:
    """One batch: its records where it unpacks within bounds, and else one fault for each of its offsets."""

    def __init__(self, packed: memoryview, left: _Left, first_wanted: int) -> None:
        self._packed, self._left = packed, left
        self._batch: Any = DefaultRecordBatch(packed)
        self._position = max(self._batch.base_offset, first_wanted)
        self.next_offset: int = self._batch.next_offset
        """Where the next fetch begins: within this batch where it was refused and there is no more room."""
        self.is_control_batch: bool = self._batch.is_control_batch
        self.producer_id = None  # what is not committed is read too, so nobody asks who aborted

    def validate_crc(self) -> bool:
        """Over the bytes as they came."""
        return bool(self._batch.validate_crc())

    def __iter__(self) -> Iterator[RawRecord]:
        try:
            yield from self._records()
        except _UNREADABLE:
            yield from self._faults()

    def _records(self) -> Iterator[RawRecord]:
        base, count = self._batch.base_offset, self._batch.next_offset - self._batch.base_offset
        if self._packed[_MAGIC_AT] != _MAGIC or count > BATCH_RECORDS:
            raise ValueError("neither shape nor number of records of what a member's client sends")
        unpacked = _unpacked(self._packed)
        self._left.size -= len(unpacked)
        self._left.records -= count
        end = base
        for record in DefaultRecordBatch(unpacked):
            if record.offset != end:
                raise ValueError("the offsets of a batch have neither gap nor order of their own")
            end += 1
            if end > self._position:
                self._position = end
                yield _raw_record(record, end - 1)
        if end != self._batch.next_offset:
            raise ValueError("fewer records than the batch says")

    def _faults(self) -> Iterator[RawRecord]:
        end = min(self.next_offset, self._position + max(self._left.records, 1))
        self._left.records -= end - self._position
        self._left.size -= BATCH_BYTES
        for offset in range(self._position, end):
            yield RawRecord(
                offset=offset,
                timestamp_ms=self._batch.max_timestamp,
                key=None,
                value=None,
                headers=(),
                fault=BATCH_FAULT,
            )
        self.next_offset = end


class _PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """Aiokafka's, which tells the batches where the fetch began, and hands their records on as they are."""

    def __init__(self, tp: Any, records: BoundedRecords, aborted: Any, fetch_offset: int, *rest: Any) -> None:
        records.first_wanted = fetch_offset
        super().__init__(tp, records, aborted, fetch_offset, *rest)

    def _consumer_record(self, _: Any, record: RawRecord) -> RawRecord:
        """Ours; aiokafka would make one of its own out of each, with twice the fields."""
        return record


def _raw_record(record: Any, offset: int) -> RawRecord:
    """What a batch says of one record, in our words."""
    return RawRecord(
        offset=offset,
        timestamp_ms=record.timestamp,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
    )


def _unpacked(packed: memoryview) -> bytes:
    """The same batch with nothing packed in it; raises one of `_UNREADABLE` where it would be too large."""
    codec = packed[_ATTRIBUTES_AT + 1] & _CODEC_BITS
    if codec == 0:
        return bytes(packed)
    header = bytearray(packed[:_HEADER_BYTES])
    header[_ATTRIBUTES_AT + 1] &= ~_CODEC_BITS
    return bytes(header) + _CODECS[codec](bytes(packed[_HEADER_BYTES:]))


def _gzip(packed: bytes) -> bytes:
    member = zlib.decompressobj(_GZIP_WINDOW)
    found = member.decompress(packed, BATCH_BYTES)
    if not member.eof or member.unused_data:
        raise EOFError("too large, cut off, or followed by something")
    return found


def _snappy(packed: bytes) -> bytes:
    """As one block, or as the blocks of the xerial library, which the Java client writes."""
    room, size = memoryview(bytearray(BATCH_BYTES)), 0
    for block in _blocks(packed):
        size += cramjam.snappy.decompress_raw_into(block, room[size:])
    return bytes(room[:size])


def _blocks(packed: bytes) -> Iterator[memoryview]:
    left = memoryview(packed)
    if not packed.startswith(_XERIAL):
        yield left
        return
    left = left[_XERIAL_HEADER_BYTES:]
    while left:
        (length,) = struct.unpack_from(">I", left)
        yield left[4 : 4 + length]
        left = left[4 + length :]


def _within(unpack: Callable[[bytes, bytearray], int], packed: bytes) -> bytes:
    """What does not fit is an error there: nothing is allocated but this."""
    room = bytearray(BATCH_BYTES)
    return bytes(memoryview(room)[: unpack(packed, room)])


_CODECS: Final[Mapping[int, Callable[[bytes], bytes]]] = {
    1: _gzip,
    2: _snappy,
    3: partial(_within, cramjam.lz4.decompress_into),
    4: partial(_within, cramjam.zstd.decompress_into),
}
"""By the number in a batch's attributes."""
