"""Every stored hash within 31 bits of a given one, in memory, and none missed (ADR 0008).

256 bits are cut into 11 chunks. Where two hashes differ in at most 31 bits, they differ in at most two bits in one of
the first ten chunks or in at most one bit in the last: otherwise they would differ in 10 * 3 + 2 = 32. So each chunk of
a hash is looked up as it is and with every one and two of its bits turned over; what is found is compared in full.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, Final
from uuid import UUID

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from processors.index.port import MAX_DISTANCE, MAX_NEAR
from schemas.records.identifiers import MemberId, ReportId

_BITS: Final = 256
_BYTES: Final = _BITS // 8
_WORDS: Final = _BITS // 64
_CHUNK_BITS: Final = 23
_TURNED: Final = (2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1)
"""How many bits may differ in each chunk: with one more in each it would be more than MAX_DISTANCE."""
_SPARE_BITS: Final = 3
"""A table has eight times as many places as hashes, so that most look-ups end at once."""
RECENT: Final = 2_048
"""Hashes that are compared one by one; more become a table."""
_MIDDLE: Final = 64 * RECENT
"""Hashes of the smaller table; more are put into the large one."""

_TOGETHER: Final = 32
"""Hashes that are asked about at once: where thousands are near to each, memory stays small."""

Words = NDArray[np.uint64]
"""Four words a hash."""
Rows = NDArray[np.uint32]


class Stored(Struct, frozen=True):
    """One hash with who claimed it, and when in the order of claims."""

    veiled: bytes
    member: MemberId
    report_id: ReportId
    claim_number: int


class Asked(Struct, frozen=True):
    """One hash that is asked about: for which report, and as of which claim number."""

    veiled: bytes
    report_id: ReportId
    before: int


class Match(Struct, frozen=True):
    """One stored hash that is near to the one at that position."""

    position: int
    distance: int
    member: MemberId
    report_id: ReportId
    claim_number: int


class Nearest:
    """Grows with what the database has; a million hashes take some 600 MB."""

    def __init__(self) -> None:
        self._tables: list[_Table] = []
        self._recent = bytearray()
        self._numbers = array("q")
        self._reports = bytearray()
        self._member_of = array("H")
        self._members: list[MemberId] = []
        self._known: dict[MemberId, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, rows: Sequence[Stored]) -> None:
        """Remember these; they count from now on."""
        for row in rows:
            self._recent += row.veiled
            self._numbers.append(row.claim_number)
            self._reports += UUID(row.report_id).bytes
            self._member_of.append(self._number_of(row.member))

    def tidy(self) -> None:
        """Make tables of what came since; to be called where nobody waits (a large table takes seconds)."""
        if due := self.due():
            self.take(due, due.made())

    def due(self) -> "Due | None":
        """What should become a table now, or None; made apart and given back to `take`, it keeps nobody waiting."""
        if len(self._recent) < RECENT * _BYTES:
            return None
        words, kept = _words(bytes(self._recent)), len(self._tables)
        parts = [words]
        while kept and (_length(parts) >= _MIDDLE or len(self._tables[kept - 1].words) < _MIDDLE):
            kept -= 1
            parts.insert(0, self._tables[kept].words)
        return Due(kept=kept, parts=parts, first=len(self) - _length(parts), recent=len(words))

    def take(self, due: "Due", made: "_Table") -> None:
        """That table instead of what it was made of; what was added meanwhile stays recent."""
        self._tables[due.kept :] = [made]
        del self._recent[: due.recent * _BYTES]

    def matches(self, vectors: Sequence[bytes]) -> Iterator[Match]:
        """Every stored hash within the distance, for each of these."""
        for found in self._found(_words(b"".join(vectors))):
            yield from self._told(*found)

    def closest(self, asked: Sequence[Asked]) -> Iterator[Match]:
        """At most MAX_NEAR for each of these: of other reports, and claimed before."""
        for start in range(0, len(asked), _TOGETHER):
            piece = asked[start : start + _TOGETHER]
            parts = list(self._found(_words(b"".join(one.veiled for one in piece))))
            if parts:
                positions, rows, distances = (np.concatenate(columns) for columns in zip(*parts, strict=True))
                chosen = self._chosen(piece, positions, rows, distances)
                where = positions.take(chosen) + np.uint32(start)
                yield from self._told(where, rows.take(chosen), distances.take(chosen))

    def _found(self, asked: Words) -> Iterator[tuple[Rows, Rows, NDArray[Any]]]:
        if not len(asked):
            return
        for table in self._tables:
            yield table.near(asked)
        if self._recent:
            recent = _words(bytes(self._recent))
            yield _all_near(asked, recent, first=len(self) - len(recent))

    def _chosen(self, asked: Sequence[Asked], positions: Rows, rows: Rows, distances: NDArray[Any]) -> Rows:
        """Which of these pairs are told: in the order of distance, then report, then member."""
        numbers = np.frombuffer(self._numbers, np.int64).take(rows)
        reports = np.frombuffer(self._reports, ">u8").reshape(-1, 2).take(rows, axis=0).astype(np.uint64)
        before = np.array([one.before for one in asked]).take(positions)
        own = np.frombuffer(b"".join(UUID(one.report_id).bytes for one in asked), ">u8").reshape(-1, 2)
        is_other = (reports != own.take(positions, axis=0)).any(axis=1)
        kept = ((numbers < before) & is_other).nonzero()[0]
        ranks = np.array(self._members).argsort().argsort()
        members = ranks.take(np.frombuffer(self._member_of, np.uint16).take(rows))
        order = np.stack((positions, distances, reports[:, 0], reports[:, 1], members)).astype(np.uint64)
        chosen: Rows = kept.take(_first_of_each(order[:, kept])).astype(np.uint32)
        return chosen

    def _told(self, positions: Rows, rows: Rows, distances: NDArray[Any]) -> Iterator[Match]:
        for position, row, distance in zip(positions.tolist(), rows.tolist(), distances.tolist(), strict=True):
            member = self._members[self._member_of[row]]
            report = UUID(bytes=bytes(self._reports[row * 16 : row * 16 + 16]))
            yield Match(position, distance, member, ReportId(str(report)), self._numbers[row])

    def _number_of(self, member: MemberId) -> int:
        if member not in self._known:
            self._known[member] = len(self._members)
            self._members.append(member)
        return self._known[member]


def _length(parts: Sequence[Words]) -> int:
    return sum(map(len, parts))


class Due(Struct, frozen=True, kw_only=True):
    """Hashes that become one table."""

    kept: int
    """Tables that stay as they are."""
    parts: list[Words]
    first: int
    recent: int
    """How many of them are recent ones."""

    def made(self) -> "_Table":
        """What takes the time."""
        return _Table(np.concatenate(self.parts), first=self.first)


class _Chunk(Struct, frozen=True, kw_only=True):
    """The hashes of a table in the order of one of their chunks."""

    start: int
    bits: int
    turned: Rows
    """What a chunk is changed by for each look-up."""
    starts: Rows
    """By the chunk's value: where its hashes begin in `order`."""
    counts: NDArray[np.uint8]
    """And how many there are, as far as a byte says; small enough for the processor's cache."""
    order: Rows


class _Table:
    """Hashes that do not change any more, ready to be looked up."""

    def __init__(self, words: Words, *, first: int) -> None:
        self.words = words
        self._first = first
        self._columns = [np.ascontiguousarray(words[:, column]) for column in range(_WORDS)]
        bits = min(_CHUNK_BITS, max(8, len(words).bit_length() + _SPARE_BITS))
        self._chunks = [_chunk(words, number, bits, turned) for number, turned in enumerate(_TURNED)]

    def near(self, asked: Words) -> tuple[Rows, Rows, NDArray[Any]]:
        """Positions among the asked, rows and distances; every pair once."""
        found = [_looked_up(chunk, asked) for chunk in self._chunks]
        positions = np.concatenate([positions for positions, _ in found])
        rows = np.concatenate([rows for _, rows in found])
        distances = np.zeros(len(rows), dtype=np.uint16)
        for column, words in enumerate(self._columns):  # most candidates are out after the first words
            distances += np.bitwise_count(words.take(rows) ^ asked[:, column].take(positions))
            kept = (distances <= MAX_DISTANCE).nonzero()[0]
            positions, rows, distances = positions.take(kept), rows.take(kept), distances.take(kept)
        pairs = np.unique(positions.astype(np.uint64) << np.uint64(32) | rows, return_index=True)[1]
        return positions.take(pairs), rows.take(pairs) + np.uint32(self._first), distances.take(pairs)


def _chunk(words: Words, number: int, bits: int, turned: int) -> _Chunk:
    start = number * _CHUNK_BITS
    values = _values(words, start, bits)
    counts = np.bincount(values, minlength=1 << bits)
    starts = np.zeros(1 << bits, dtype=np.uint32)
    np.cumsum(counts[:-1], out=starts[1:])
    return _Chunk(
        start=start,
        bits=bits,
        turned=_turned(bits, turned),
        starts=starts,
        counts=np.minimum(counts, np.iinfo(np.uint8).max).astype(np.uint8),
        order=np.argsort(values, kind="stable").astype(np.uint32),
    )


def _looked_up(chunk: _Chunk, asked: Words) -> tuple[Rows, Rows]:
    """Candidates by one chunk: positions among the asked, and rows."""
    keys = (_values(asked, chunk.start, chunk.bits)[:, None] ^ chunk.turned[None, :]).ravel()
    filled = chunk.counts.take(keys).nonzero()[0]
    hit = keys.take(filled)
    counts = _counts(chunk, hit)
    ends = np.cumsum(counts, dtype=np.uint32)
    places = np.repeat(chunk.starts.take(hit) - ends + counts, counts)
    places += np.arange(len(places), dtype=np.uint32)
    positions = np.repeat((filled // len(chunk.turned)).astype(np.uint32), counts)
    return positions, chunk.order.take(places)


def _counts(chunk: _Chunk, keys: Rows) -> Rows:
    """How many hashes have the value; a byte that is full is looked up again."""
    counts = chunk.counts.take(keys).astype(np.uint32)
    full = (counts == np.iinfo(np.uint8).max).nonzero()[0]
    for place in full.tolist():
        key = int(keys[place])
        after = chunk.starts[key + 1] if key + 1 < len(chunk.starts) else len(chunk.order)
        counts[place] = after - chunk.starts[key]
    return counts


def _all_near(asked: Words, stored: Words, *, first: int) -> tuple[Rows, Rows, NDArray[Any]]:
    """Each with each, one of the asked at a time."""
    found = [np.bitwise_count(stored ^ vector).sum(axis=1, dtype=np.uint16) for vector in asked]
    distances = np.stack(found)
    positions, rows = (distances <= MAX_DISTANCE).nonzero()
    near = distances[positions, rows]
    return positions.astype(np.uint32), (rows + first).astype(np.uint32), near


def _first_of_each(order: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Of columns whose first row is a position: the least of each position, no two alike, MAX_NEAR at most."""
    places = np.lexsort(order[::-1]).astype(np.int64)
    ordered = order[:, places]
    is_new = np.ones(len(places), dtype=bool)
    is_new[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    places, positions = places[is_new], ordered[0, is_new]
    ranks = np.arange(len(positions)) - np.searchsorted(positions, positions)
    kept: NDArray[np.int64] = places[ranks < MAX_NEAR]
    return kept


def _values(words: Words, start: int, bits: int) -> Rows:
    """The chunk's first bits of each hash, as a number."""
    word, shift = divmod(start, 64)
    values = words[:, word] >> np.uint64(shift)
    if shift + bits > 64:  # noqa: PLR2004 -- bits of a word
        values = values | words[:, word + 1] << np.uint64(64 - shift)
    return (values & np.uint64((1 << bits) - 1)).astype(np.uint32)


def _turned(bits: int, most: int) -> Rows:
    chosen = (bit for count in range(most + 1) for bit in combinations(range(bits), count))
    return np.array([sum(1 << bit for bit in each) for each in chosen], dtype=np.uint32)


def _words(packed: bytes) -> Words:
    return np.frombuffer(packed, dtype="<u8").reshape(-1, _WORDS)
