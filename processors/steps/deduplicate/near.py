"""Perceptual hashes that can be compared, and never read back: veiled under a secret key, distances kept; pure.

A PDQ hash may give a rough idea of its picture (domain facts, section 4), so nothing that is stored is one: bits change
their places and some are turned over, in the same way for every hash. Whoever reads the store without the key sees
which hashes are near each other, and nothing else. SECURITY.md says what that protects from.
"""

import hmac
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from schemas.records.identifiers import ContentId
from schemas.records.report import ReportSubmitted
from schemas.records.values import Hash

BITS: Final = 256
BYTES: Final = BITS // 8
LEAST_QUALITY: Final = 50
"""Of PDQ, 0 to 100: below it everything is near to everything (domain facts, section 4)."""
MAX_VECTORS: Final = 50
"""Per report."""
_HEX_DIGITS: Final = BITS // 4


class Vector(Struct, frozen=True, gc=False):
    """One hash of one item, as it is claimed."""

    content_id: ContentId
    veiled: bytes


class Veil:
    """One secret order of bits and one secret mask; made once per process."""

    def __init__(self, key: bytes) -> None:
        order = sorted(range(BITS), key=lambda bit: hmac.digest(key, f"bit:{bit}".encode(), "sha256"))
        self._mask = int.from_bytes(hmac.digest(key, b"mask", "sha256"))
        self._moved = [[_moved(order, place, value) for value in range(256)] for place in range(BYTES)]

    def over(self, plain: bytes) -> bytes:
        """The hash with its bits moved and masked; the distance of two hashes stays what it was."""
        moved = 0
        for row, value in zip(self._moved, plain, strict=True):
            moved |= row[value]
        return (moved ^ self._mask).to_bytes(BYTES)


def vectors(report: ReportSubmitted, veil: Veil) -> tuple[Vector, ...]:
    """The hashes of a report that can be compared, without repeats."""
    found: dict[bytes, ContentId] = {}
    for content_id, plain in _plain(report):
        found.setdefault(plain, content_id)
    return tuple(Vector(content_id, veil.over(plain)) for plain, content_id in list(found.items())[:MAX_VECTORS])


def _plain(report: ReportSubmitted) -> Iterator[tuple[ContentId, bytes]]:
    for item in report.items:
        for found in item.hashes:
            if _is_comparable(found):
                yield item.content_id, bytes.fromhex(found.value)


def _is_comparable(found: Hash) -> bool:
    if found.algorithm != "pdq" or len(found.value) != _HEX_DIGITS:
        return False
    return found.quality is None or found.quality >= LEAST_QUALITY


def _moved(order: list[int], place: int, value: int) -> int:
    """Where the bits of one byte go."""
    return sum(1 << order[place * 8 + bit] for bit in range(8) if value >> bit & 1)
