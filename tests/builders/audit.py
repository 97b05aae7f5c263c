"""Logs for tests: leaves, the tree over them, and checkpoints signed by a key of the test."""

from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tocsin.runtime.audit.checkpoints import ORIGIN, Checkpoint
from tocsin.runtime.audit.epochs import Epoch
from tocsin.runtime.audit.exporting import Export, Opening
from tocsin.runtime.audit.handed import Handed
from tocsin.runtime.audit.statements import NONCE_BYTES, commitment
from tocsin.runtime.audit.tiles import Growth, Place, subtrees
from tocsin.runtime.audit.tree import consistency, leaf_hash
from tocsin.runtime.keys.notes import NoteKey, sign_note

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = NoteKey(name=ORIGIN, public=PRIVATE.public_key().public_bytes_raw())


def some_leaves(count: int) -> list[bytes]:
    """So many, all different."""
    return [b"tocsin-audit/1 decision %d %064x" % (1_700_000_000_000 + number, number) for number in range(count)]


def some_openings(count: int) -> list[Opening]:
    """What so many leaves say, each with its own nonce; no two alike."""
    return [
        Opening(statement=b'{"is":"decision","report":"%d"}' % number, nonce=number.to_bytes(NONCE_BYTES))
        for number in range(count)
    ]


def leaves_of(openings: Sequence[Opening]) -> list[bytes]:
    """The leaves that commit to these."""
    made = (commitment(each.statement, each.nonce).hex().encode() for each in openings)
    return [b"tocsin-audit/1 decision %d %s" % (1_700_000_000_000 + number, each) for number, each in enumerate(made)]


def a_note(
    leaves: Sequence[bytes],
    private: Ed25519PrivateKey = PRIVATE,
    at_ms: int = 1_700_000_000_000,
    epoch: Epoch | None = None,
) -> str:
    """The checkpoint over these."""
    growth, _ = _grown(leaves)
    text = Checkpoint(size=growth.size, root=growth.root(), at_ms=at_ms, epoch=epoch).text()
    return sign_note(text, ORIGIN, private)


def a_handed(leaves: Sequence[bytes], old: int, at_ms: int = 1_700_000_000_000, epoch: Epoch | None = None) -> Handed:
    """The checkpoint over these, as it is handed over by whoever has handed over the one of the first `old` before."""
    _, tiles = _grown(leaves)
    proof = consistency(subtrees(tiles.__getitem__), old, len(leaves)) if old else ()
    return Handed(old=old, proof=proof, note=a_note(leaves, at_ms=at_ms, epoch=epoch))


def _grown(leaves: Sequence[bytes]) -> tuple[Growth, Mapping[Place, bytes]]:
    growth = Growth(0, {})
    for leaf in leaves:
        growth.add(leaf_hash(leaf))
    return growth, growth.changed()


def an_export(leaves: Sequence[bytes], sizes: Sequence[int]) -> Export:
    """A log as the exchange would hand it out, with a checkpoint at each of these sizes."""
    return Export(
        leaves=tuple(leaves),
        hashes=tuple(map(leaf_hash, leaves)),
        notes=tuple(a_note(leaves[:size]) for size in sizes),
    )
