"""How far the log is signed: what waits for a checkpoint, and since when."""

from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, text


class Standing(Struct, frozen=True, kw_only=True):
    """The log at one look."""

    waiting: int
    """Entries that no checkpoint covers yet."""
    age_seconds: float
    """Of the oldest of them; 0 where none waits."""
    signed_at_seconds: float
    """Unix time at which the newest checkpoint was written; 0 where there is none."""


def standing_of(connection: Connection) -> Standing:
    """Look now; ages are by the clock that stamped the entries."""
    row = connection.execute(_STANDING).one()
    return Standing(waiting=row.waiting, age_seconds=float(row.age), signed_at_seconds=float(row.signed_at))


_STANDING: Final = text("""
    with latest as (select through_xid, through_entry, at from audit_checkpoints order by size desc limit 1)
    select count(*) as waiting, coalesce(extract(epoch from now() - min(at)), 0) as age,
        coalesce((select extract(epoch from at) from latest), 0) as signed_at
    from audit_entries
    where not exists (select from latest) or (xid, entry) > (select through_xid, through_entry from latest)
""")
