"""What one leaf says, shown to somebody: the statement, what opens the leaf, and that it is in a signed tree."""

import base64
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, text

from schemas.failures import Refused, Unreadable
from tocsin.runtime.audit.checkpoints import Checkpoint, opened
from tocsin.runtime.audit.disclosed import Told
from tocsin.runtime.audit.exporting import tree_of
from tocsin.runtime.audit.statements import Statement, decoded, opens
from tocsin.runtime.audit.tiles import TILE_WIDTH
from tocsin.runtime.audit.tree import HASH_BYTES, inclusion, is_included, leaf_hash
from tocsin.runtime.keys.notes import NoteKey

FORMAT: Final = "tocsin-audit-proof/1"


class Proof(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of its own; whoever has it can read this one statement and no other."""

    format: str = FORMAT
    statement: str
    """Exactly as the leaf commits to it."""
    nonce: str
    """Hexadecimal."""
    leaf: str
    number: int
    path: tuple[str, ...]
    """Base64, from the leaf to the root."""
    checkpoint: str


def proof_of(connection: Connection, told: Told, note: str, keys: Sequence[NoteKey]) -> Proof:
    """That a leaf is in the tree of a checkpoint; raises Refused where it is not, or not yet."""
    checkpoint = opened(note, keys)
    number = _number(connection, leaf_hash(told.leaf))
    if number is None or number >= checkpoint.size:
        raise Refused("No checkpoint covers this entry yet. Try again in a few seconds.", code="audit.not_covered")
    path = inclusion(tree_of(connection), number, checkpoint.size)
    return Proof(
        statement=told.line.decode(),
        nonce=told.nonce.hex(),
        leaf=told.leaf.decode(),
        number=number,
        path=tuple(base64.b64encode(each).decode() for each in path),
        checkpoint=note,
    )


def read_proof(content: bytes) -> Proof:
    """Read such a file; raises Unreadable where it is none."""
    try:
        proof = msgspec.json.decode(content, type=Proof)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unreadable() from error
    if proof.format != FORMAT:
        raise _unreadable()
    return proof


def proven(proof: Proof, keys: Sequence[NoteKey]) -> tuple[Statement, Checkpoint] | None:
    """What is proven and by which checkpoint; None where leaf, statement and checkpoint do not belong together.

    Raises Unreadable where the checkpoint is not signed by one of the keys, or a part is not what it should be.
    """
    checkpoint = opened(proof.checkpoint, keys)
    try:
        nonce = bytes.fromhex(proof.nonce)
        path = [base64.b64decode(each, validate=True) for each in proof.path]
        statement = decoded(proof.statement.encode())
    except (ValueError, msgspec.MsgspecError) as error:
        raise _unreadable() from error
    leaf = proof.leaf.encode()
    holds = opens(leaf, proof.statement.encode(), nonce) and is_included(
        proof.number, checkpoint.size, leaf_hash(leaf), path, checkpoint.root
    )
    return (statement, checkpoint) if holds else None


def _number(connection: Connection, hashed: bytes) -> int | None:
    for row in connection.execute(_WHERE, {"hash": hashed}):
        place, beside = divmod(row.place - 1, HASH_BYTES)
        if not beside:
            return int(row.number * TILE_WIDTH + place)
    return None


def _unreadable() -> Unreadable:
    return Unreadable(
        f"A proof is one JSON object of the format '{FORMAT}', found something else. Get it anew: tocsin audit prove",
        code="audit.proof",
    )


_WHERE: Final = text(
    "select number, position(:hash in hashes) as place from audit_tiles "
    "where level = 0 and position(:hash in hashes) > 0"
)
