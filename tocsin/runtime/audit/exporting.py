"""The log as a file that anybody can verify: leaves, the hashes that the tree has of them, checkpoints, statements."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, text

from schemas.failures import Refused, Unreadable
from tocsin.runtime.audit.recording import LINE
from tocsin.runtime.audit.statements import NONCE_BYTES
from tocsin.runtime.audit.tiles import Place, hashes_of, subtrees
from tocsin.runtime.audit.tree import Subtree
from tocsin.runtime.database import Database

FORMAT: Final = "tocsin-audit-export/1"


class Header(Struct, frozen=True, kw_only=True, tag_field="is", tag="export"):
    """The first line."""

    format: str = FORMAT


class Leaf(Struct, frozen=True, kw_only=True, tag_field="is", tag="leaf"):
    """One leaf; the first line of this kind is leaf 0."""

    leaf: str


class Hashes(Struct, frozen=True, kw_only=True, tag_field="is", tag="hashes"):
    """The hashes of the next leaves, as the tree has them."""

    hashes: bytes


class Signed(Struct, frozen=True, kw_only=True, tag_field="is", tag="checkpoint"):
    """One checkpoint; they come in the order of their sizes."""

    note: str


class Opening(Struct, frozen=True, kw_only=True, tag_field="is", tag="opening"):
    """What the next leaf says, and the nonce with which it commits to that."""

    statement: bytes
    nonce: bytes


Line = Header | Leaf | Hashes | Opening | Signed


class Export(Struct, frozen=True, kw_only=True):
    """What was read from a file or from the database."""

    leaves: tuple[bytes, ...]
    hashes: tuple[bytes, ...]
    notes: tuple[str, ...]
    openings: tuple[Opening, ...] | None = None
    """One for each leaf, in the same order; None in an export that names nobody."""


def latest_note(connection: Connection) -> str:
    """The newest checkpoint; raises Refused where none was signed yet."""
    found = connection.execute(_LATEST).scalar_one_or_none()
    if found is None:
        raise Refused(
            "No checkpoint has been signed yet. Start the worker that signs them, and try again: tocsin returns",
            code="audit.none",
        )
    return str(found)


def export_of(database: Database, *, statements: bool = False) -> Export:
    """Everything that a checkpoint covers, as the database has it now; with what its leaves say where that is asked."""
    with database.transaction() as connection:
        connection.execute(_ONE_MOMENT)
        notes = tuple(connection.execute(_NOTES).scalars())
        tiles = [hashed for tile in connection.execute(_LEAF_TILES).scalars() for hashed in hashes_of(bytes(tile))]
        leaves = [leaf for entry in connection.execute(_ENTRIES).scalars() for leaf in bytes(entry).split(LINE)]
        openings = [each for row in connection.execute(_OPENINGS) for each in _openings(row)] if statements else None
    return Export(
        leaves=tuple(leaves),
        hashes=tuple(tiles),
        notes=notes,
        openings=None if openings is None else tuple(openings),
    )


def _openings(row: Row[Any]) -> Iterator[Opening]:
    """Of one entry; what is too much or too little of either part opens nothing, and is found by that."""
    nonces = bytes(row.nonces)
    each = (nonces[first : first + NONCE_BYTES] for first in range(0, len(nonces), NONCE_BYTES))
    for statement, nonce in zip_longest(bytes(row.statements).split(LINE), each, fillvalue=b""):
        yield Opening(statement=statement, nonce=nonce)


def tree_of(connection: Connection) -> Subtree:
    """The tree as the database has it, for proofs."""
    found: dict[Place, bytes] = {}

    def tile(place: Place) -> bytes:
        if place not in found:
            row = connection.execute(_TILE, {"level": place[0], "number": place[1]}).scalar_one()
            found[place] = bytes(row)
        return found[place]

    return subtrees(tile)


def written(export: Export) -> Iterator[bytes]:
    """The lines of the file."""
    hashes = export.hashes
    yield from map(_line, (Header(),))
    yield from (_line(Leaf(leaf=leaf.decode("utf-8", "replace"))) for leaf in export.leaves)
    yield from (_line(Hashes(hashes=b"".join(hashes[at : at + _A_LINE]))) for at in range(0, len(hashes), _A_LINE))
    yield from map(_line, export.openings or ())
    yield from (_line(Signed(note=note)) for note in export.notes)


def read(lines: Iterator[bytes]) -> Export:
    """Read that file; raises Unreadable with the number of the line that is none."""
    leaves, hashes, notes, openings = list[bytes](), list[bytes](), list[str](), list[Opening]()
    for number, line in enumerate(lines, 1):
        try:
            found = _DECODER.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _unreadable(number) from error
        if isinstance(found, Header) != (number == 1):
            raise _unreadable(number)
        if isinstance(found, Leaf):
            leaves.append(found.leaf.encode())
        elif isinstance(found, Hashes):
            hashes += hashes_of(found.hashes)
        elif isinstance(found, Signed):
            notes.append(found.note)
        elif isinstance(found, Opening):
            openings.append(found)
        elif found.format != FORMAT:
            raise _unreadable(number)
    return Export(leaves=tuple(leaves), hashes=tuple(hashes), notes=tuple(notes), openings=tuple(openings) or None)


def _line(line: Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def _unreadable(number: int) -> Unreadable:
    return Unreadable(
        f"An export of the audit log begins with '{FORMAT}' and has one JSON object a line, and line {number} is none "
        "that belongs there. Get it anew: tocsin audit export",
        code="audit.export",
    )


_A_LINE: Final = 256
_DECODER: Final = msgspec.json.Decoder(Line)
_ONE_MOMENT: Final = text("set transaction isolation level repeatable read")
"""The tree grows meanwhile."""
_LATEST: Final = text("select note from audit_checkpoints order by size desc limit 1")
_NOTES: Final = text("select note from audit_checkpoints order by size")
_LEAF_TILES: Final = text("select hashes from audit_tiles where level = 0 order by number")
_COVERED: Final = """
    (select through_xid, through_entry from audit_checkpoints order by size desc limit 1)
"""
_ENTRIES: Final = text(
    f"select leaves from audit_entries where (xid, entry) <= {_COVERED} order by xid, entry"  # noqa: S608 -- our own text
)
_OPENINGS: Final = text(
    "select o.nonces, o.statements from audit_entries e full outer join audit_openings o using (entry) "  # noqa: S608 -- as above
    f"where o.entry is not null and (e.entry is null or (e.xid, e.entry) <= {_COVERED}) "
    "order by e.xid nulls last, o.entry"
)
"""What opens no entry at all comes last."""
_TILE: Final = text("select hashes from audit_tiles where level = :level and number = :number")
