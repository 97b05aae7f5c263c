"""The one sequencer: gives leaves their order, grows the tree, and signs what it has become."""

import logging
from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, text

from schemas.failures import Broken, Refused
from tocsin.runtime.audit.checkpoints import ORIGIN, Checkpoint, Sign
from tocsin.runtime.audit.epochs import latest_epoch
from tocsin.runtime.audit.recording import LINE
from tocsin.runtime.audit.tiles import Growth, Place, edge_places
from tocsin.runtime.audit.tree import leaf_hash
from tocsin.runtime.database import Database

MOST_ENTRIES: Final = 100
"""For one checkpoint: about as many slices."""
_MOST_CHECKPOINTS: Final = 5
"""At a time: a backlog must not keep the worker from its other duties."""
_LOG: Final = logging.getLogger(__name__)
_LOCK: Final = 0x746F6373
"""Of PostgreSQL's advisory locks; whoever has it sequences."""


class _State(Struct, frozen=True, kw_only=True):
    """How far the tree goes."""

    size: int = 0
    xid: str = "0"
    entry: int = 0


class Sequencer:
    """What the returns worker does every few seconds."""

    def __init__(self, database: Database, sign: Sign | None) -> None:
        self._database = database
        self._sign = sign

    def __call__(self, now_ms: int) -> None:
        """Take everything that is ready; without a key leaves wait, and nothing else does. May raise Temporary."""
        if self._sign is None:
            return
        try:
            for _ in range(_MOST_CHECKPOINTS):
                if not sequence(self._database, self._sign, now_ms):
                    return
        except (Refused, Broken) as failure:
            _LOG.error("The audit log cannot be signed", extra={"facts": {"code": failure.code, "why": str(failure)}})


def sequence(database: Database, sign: Sign, now_ms: int) -> int:
    """Take what is ready, and sign one checkpoint over it; the number of leaves taken. May raise Temporary.

    Two at once do no harm: the second finds nothing to do.
    """
    with database.transaction() as connection:
        if not connection.execute(_TRY_LOCK, {"lock": _LOCK}).scalar_one():
            return 0
        state = _state(connection)
        entries = connection.execute(_READY, {"xid": state.xid, "entry": state.entry, "most": MOST_ENTRIES}).all()
        if not entries:
            return 0
        growth = Growth(state.size, _tiles(connection, state.size))
        for row in entries:
            for leaf in row.leaves.split(LINE):
                growth.add(leaf_hash(leaf))
        _write_tiles(connection, growth.changed())
        epoch = latest_epoch(connection)
        checkpoint = Checkpoint(size=growth.size, root=growth.root(), at_ms=now_ms, epoch=epoch)
        connection.execute(
            _CHECKPOINT,
            {
                "size": growth.size,
                "xid": entries[-1].xid,
                "entry": entries[-1].entry,
                "note": sign(checkpoint.text(), ORIGIN),
            },
        )
        return growth.size - state.size


def _state(connection: Connection) -> _State:
    row = connection.execute(_LATEST).first()
    return _State(size=row.size, xid=row.xid, entry=row.through_entry) if row else _State()


def _tiles(connection: Connection, size: int) -> dict[Place, bytes]:
    places = list(edge_places(size))
    rows = connection.execute(
        _TILES, {"levels": [level for level, _ in places], "numbers": [number for _, number in places]}
    )
    return {(row.level, row.number): bytes(row.hashes) for row in rows}


def _write_tiles(connection: Connection, tiles: Mapping[Place, bytes]) -> None:
    rows = [{"level": level, "number": number, "hashes": hashes} for (level, number), hashes in sorted(tiles.items())]
    connection.execute(_TILE, rows)


_TRY_LOCK: Final = text("select pg_try_advisory_xact_lock(:lock)")
_LATEST: Final = text(
    "select size, cast(through_xid as text) as xid, through_entry from audit_checkpoints order by size desc limit 1"
)
_READY: Final = text("""
    select cast(xid as text) as xid, entry, leaves from audit_entries
    where (xid, entry) > (cast(:xid as xid8), :entry) and xid < pg_snapshot_xmin(pg_current_snapshot())
    order by audit_entries.xid, entry limit :most
""")
"""Every transaction below that bound has ended: none can still add a leaf before those that are taken."""
_TILES: Final = text("""
    select t.level, t.number, t.hashes from audit_tiles t
    join unnest(cast(:levels as smallint[]), cast(:numbers as bigint[])) as w(level, number) using (level, number)
""")
_TILE: Final = text(
    "insert into audit_tiles (level, number, hashes) values (:level, :number, :hashes) "
    "on conflict (level, number) do update set hashes = excluded.hashes"
)
_CHECKPOINT: Final = text(
    "insert into audit_checkpoints (size, through_xid, through_entry, note) "
    "values (:size, cast(:xid as xid8), :entry, :note)"
)
