"""The tree as tiles of 256 hashes, the highest level the smallest: appending touches only its right edge."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tocsin.runtime.audit.tree import HASH_BYTES, full_root, joined

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT

Place = tuple[int, int]
"""Level, where 0 holds the hashes of leaves, and number within the level."""


def edge_places(size: int) -> Iterator[Place]:
    """The tiles of a tree of that size that are not full yet."""
    level = 0
    while size >> (level * TILE_HEIGHT):
        width = size >> (level * TILE_HEIGHT)
        if width % TILE_WIDTH:
            yield level, width // TILE_WIDTH
        level += 1


class Growth:
    """A tree to which leaves are added, from its right edge alone."""

    def __init__(self, size: int, edge: Mapping[Place, bytes]) -> None:
        self.size = size
        self._edge = {level: bytearray(hashes) for (level, _), hashes in edge.items()}
        self._full: dict[Place, bytes] = {}

    def add(self, hashed: bytes) -> None:
        """Add the hash of one leaf."""
        self._put(0, hashed)
        self.size += 1

    def root(self) -> bytes:
        """The root over everything."""
        return joined(peak for level in sorted(self._edge, reverse=True) for peak in _peaks(self._edge[level]))

    def changed(self) -> Mapping[Place, bytes]:
        """Every tile that is not as it was."""
        edge = ((place, bytes(self._edge[place[0]])) for place in edge_places(self.size))
        return self._full | dict(edge)

    def _put(self, level: int, hashed: bytes) -> None:
        tile = self._edge.setdefault(level, bytearray())
        tile += hashed
        if len(tile) == TILE_WIDTH * HASH_BYTES:
            self._full[level, self.size >> ((level + 1) * TILE_HEIGHT)] = bytes(tile)
            self._put(level + 1, full_root(hashes_of(tile)))
            self._edge[level] = bytearray()


def hashes_of(tile: bytes | bytearray) -> list[bytes]:
    """The hashes of a tile, one each."""
    return [bytes(tile[first : first + HASH_BYTES]) for first in range(0, len(tile), HASH_BYTES)]


def subtrees(tile: Callable[[Place], bytes]) -> Callable[[int, int], bytes]:
    """The full subtrees of a tree whose tiles can be read."""

    def subtree(height: int, index: int) -> bytes:
        level, within = divmod(height, TILE_HEIGHT)
        first, count = index << within, 1 << within
        number, start = divmod(first, TILE_WIDTH)
        return full_root(hashes_of(tile((level, number)))[start : start + count])

    return subtree


def _peaks(tile: bytearray) -> Iterator[bytes]:
    hashes, first = hashes_of(tile), 0
    while first < len(hashes):
        count = 1 << ((len(hashes) - first).bit_length() - 1)
        yield full_root(hashes[first : first + count])
        first += count
