"""What a stage takes and gives: raw records in, records out, and the coordinates where those landed."""

from types import TracebackType

from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Unreadable
from schemas.records.values import Coordinate

Headers = tuple[tuple[str, bytes], ...]


class RawRecord(Struct, frozen=True, kw_only=True, gc=False):
    """One record as the broker holds it; the timestamp is its LogAppendTime."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    fault: str = ""
    """Code of why its value could not be had, and is None."""

    def readable(self) -> bytes | None:
        """Its value; raises Unreadable where it could not be had."""
        if self.fault:
            raise Unreadable(message(self.fault), code=self.fault)
        return self.value


class Slice(Struct, frozen=True, kw_only=True):
    """Consecutive records of one partition, never empty."""

    topic_id: str
    topic: str
    partition: int
    records: tuple[RawRecord, ...]

    @property
    def first(self) -> int:
        """Offset of the first record."""
        return self.records[0].offset

    @property
    def next_offset(self) -> int:
        """One above the last record."""
        return self.records[-1].offset + 1

    def coordinate(self, record: RawRecord) -> Coordinate:
        """Where that record of this slice lies."""
        return Coordinate(topic_id=self.topic_id, topic=self.topic, partition=self.partition, offset=record.offset)


class OutRecord(Struct, frozen=True, kw_only=True, gc=False):
    """One record to produce; a None value is never sent."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers = ()


class named:  # noqa: N801 -- reads as what it does, and no generator is made for every record
    """Say which record, or which slice, a failure was about: as `tocsin ledger skip` takes it."""

    __slots__ = ("_piece", "_record")

    def __init__(self, piece: Slice, record: RawRecord | None = None) -> None:
        self._piece = piece
        self._record = record

    def __enter__(self) -> None:
        """Nothing to say yet."""

    def __exit__(self, _: type[BaseException] | None, failure: BaseException | None, __: TracebackType | None) -> None:
        """The failure goes on, with its place."""
        if isinstance(failure, Exception):
            piece, record = self._piece, self._record
            span = f"{piece.first}-{piece.next_offset - 1}" if record is None else str(record.offset)
            failure.add_note(f"{piece.topic}/{piece.partition}/{span}")
