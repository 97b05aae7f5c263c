"""Merkle trees as RFC 9162, section 2.1, defines them: roots, proofs of inclusion and consistency, and their checks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256().digest()
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"

Subtree = Callable[[int, int], bytes]
"""From height and index to the hash over the leaves [index << height, (index + 1) << height), all of which exist."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one leaf."""
    return sha256(_LEAF + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return sha256(_NODE + left + right).digest()


def full_root(hashes: Sequence[bytes]) -> bytes:
    """The root over 1, 2, 4, 8, ... subtrees of the same height."""
    while len(hashes) > 1:
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def joined(peaks: Iterable[bytes]) -> bytes:
    """The root over full subtrees that stand beside each other, the largest first."""
    found = list(peaks)
    return reduce(lambda right, left: node_hash(left, right), reversed(found[:-1]), found[-1]) if found else EMPTY_ROOT


def root(subtree: Subtree, size: int) -> bytes:
    """The root over the first `size` leaves."""
    return _root(subtree, 0, size)


def inclusion(subtree: Subtree, leaf: int, size: int) -> tuple[bytes, ...]:
    """PATH(m, D[n]): what shows that a leaf, counted from 0, is in the tree of that size."""
    first, end, path = 0, size, list[bytes]()
    while end - first > 1:
        middle = first + _split(end - first)
        if leaf < middle:
            path.append(_root(subtree, middle, end))
            end = middle
        else:
            path.append(_root(subtree, first, middle))
            first = middle
    return tuple(reversed(path))


def consistency(subtree: Subtree, old: int, size: int) -> tuple[bytes, ...]:
    """PROOF(m, D[n]): what shows that the tree of `size` leaves begins with that of `old` ones, 0 < old <= size."""
    first, end, path, whole = 0, size, list[bytes](), True
    while old != end:
        middle = first + _split(end - first)
        if old <= middle:
            path.append(_root(subtree, middle, end))
            end = middle
        else:
            path.append(_root(subtree, first, middle))
            first, whole = middle, False
    return (*(() if whole else (_root(subtree, first, end),)), *reversed(path))


def is_included(leaf: int, size: int, hashed: bytes, path: Sequence[bytes], expected: bytes) -> bool:
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= leaf < size:
        return False
    place, last, found = leaf, size - 1, hashed
    for each in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(each, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, each)
        place, last = place >> 1, last >> 1
    return last == 0 and found == expected


def is_consistent(sizes: tuple[int, int], roots: tuple[bytes, bytes], path: Sequence[bytes]) -> bool:
    """RFC 9162, section 2.1.4.2: the first tree, which has a leaf at least, is the beginning of the second."""
    old, size = sizes
    if old == size:
        return not path and roots[0] == roots[1]
    steps = [*((roots[0],) if old & (old - 1) == 0 else ()), *path]
    if not 0 < old < size or not steps:
        return False
    place, last = _without_full(old - 1, size - 1)
    before = after = steps[0]
    for each in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(each, before), node_hash(each, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, each)
        place, last = place >> 1, last >> 1
    return last == 0 and (before, after) == roots


def _root(subtree: Subtree, first: int, end: int) -> bytes:
    return joined(_peaks(subtree, first, end))


def _peaks(subtree: Subtree, first: int, end: int) -> Iterator[bytes]:
    """The full subtrees of a part that a split made: its beginning is a multiple of the largest."""
    while first < end:
        height = (end - first).bit_length() - 1
        yield subtree(height, first >> height)
        first += 1 << height


def _split(size: int) -> int:
    """The largest power of two below the size."""
    return 1 << ((size - 1).bit_length() - 1)


def _without_full(place: int, last: int) -> tuple[int, int]:
    while place & 1:
        place, last = place >> 1, last >> 1
    return place, last
