"""The tree is the one of RFC 9162: known answers, and the definition itself, word for word, as the oracle."""

from collections.abc import Sequence
from hashlib import sha256

import pytest

from tocsin.runtime.audit import tree
from tocsin.runtime.audit.tiles import Growth, Place, edge_places, subtrees

D = Sequence[bytes]
RFC_LEAVES = [
    bytes.fromhex(written)
    for written in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
"""The inputs of the reference implementations of Certificate Transparency."""


def mth(leaves: D) -> bytes:
    """RFC 9162, section 2.1.1."""
    if len(leaves) < 2:
        return sha256(b"\x00" + leaves[0]).digest() if leaves else sha256(b"").digest()
    k = largest_power_below(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: D) -> list[bytes]:
    """RFC 9162, section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: D, *, whole: bool = True) -> list[bytes]:
    """RFC 9162, section 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def grown(leaves: D, steps: int = 7) -> tuple[Growth, dict[Place, bytes]]:
    """The tree as the sequencer makes it: a few leaves at a time, from what is stored."""
    stored: dict[Place, bytes] = {}
    growth = Growth(0, {})
    for first in range(0, len(leaves), steps):
        growth = Growth(first, {place: stored[place] for place in edge_places(first)})
        for leaf in leaves[first : first + steps]:
            growth.add(tree.leaf_hash(leaf))
        stored |= growth.changed()
    return growth, stored


def test_the_empty_tree_and_the_leaf_of_nothing_have_the_hashes_that_are_published() -> None:
    assert tree.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tree.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def test_the_eight_leaves_of_certificate_transparency_have_their_root() -> None:
    assert grown(RFC_LEAVES)[0].root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 600])
def test_a_tree_grown_in_tiles_is_the_tree_of_the_definition(size: int) -> None:
    leaves = [b"%d" % number for number in range(size)]
    growth, stored = grown(leaves, steps=97)
    assert growth.root() == mth(leaves) == tree.root(subtrees(stored.__getitem__), size)


def test_a_tree_of_three_levels_of_tiles_has_the_root_of_the_definition() -> None:
    leaves = [b"%d" % number for number in range(256 * 256 + 300)]
    growth, stored = grown(leaves, steps=10_000)
    assert max(level for level, _ in stored) == 2
    assert growth.root() == mth(leaves) == tree.root(subtrees(stored.__getitem__), len(leaves))


@pytest.mark.parametrize("size", [*range(1, 20), 255, 256, 257, 300])
def test_every_path_is_that_of_the_definition_and_convinces(size: int) -> None:
    leaves = [b"%d" % number for number in range(size)]
    growth, stored = grown(leaves)
    for leaf in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
        found = tree.inclusion(subtrees(stored.__getitem__), leaf, size)
        assert list(found) == path(leaf, leaves)
        assert tree.is_included(leaf, size, tree.leaf_hash(leaves[leaf]), found, growth.root())
        assert not tree.is_included(leaf, size, tree.leaf_hash(b"other"), found, growth.root())
        assert not tree.is_included(leaf, size, tree.leaf_hash(leaves[leaf]), (*found, b"0" * 32), growth.root())
        assert not tree.is_included(size, size, tree.leaf_hash(leaves[leaf]), found, growth.root())


@pytest.mark.parametrize("size", [*range(1, 20), 257])
def test_every_proof_of_consistency_is_that_of_the_definition_and_convinces(size: int) -> None:
    leaves = [b"%d" % number for number in range(size)]
    growth, stored = grown(leaves)
    for old in range(1, size + 1):
        found = tree.consistency(subtrees(stored.__getitem__), old, size)
        assert list(found) == subproof(old, leaves)
        assert tree.is_consistent((old, size), (mth(leaves[:old]), growth.root()), found)
        assert not tree.is_consistent((old, size), (mth([b"x", *leaves[1:old]]), growth.root()), found)
        assert not tree.is_consistent((old, size), (mth(leaves[:old]), mth([b"x", *leaves])), found)
