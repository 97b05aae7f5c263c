"""Epochs: after a restore from a backup the log says so itself, in each checkpoint from then on (ADR 0066)."""

from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, text


class Epoch(Struct, frozen=True, kw_only=True):
    """The log from one restore on; before the first it has none."""

    number: int
    """From 2 on."""
    from_size: int
    """So many leaves the backup had: what was logged after them is logged anew."""


def latest_epoch(connection: Connection) -> Epoch | None:
    """The one that lasts."""
    row = connection.execute(_LATEST).first()
    return Epoch(number=row.number, from_size=row.from_size) if row else None


def next_epoch(connection: Connection) -> Epoch:
    """What would begin now: the leaves that the newest checkpoint covers stay."""
    row = connection.execute(_NEXT).one()
    return Epoch(number=row.number, from_size=row.from_size)


def begin(connection: Connection, epoch: Epoch) -> None:
    """It begins in this transaction."""
    connection.execute(_BEGIN, {"number": epoch.number, "from_size": epoch.from_size})


_LATEST: Final = text("select number, from_size from audit_epochs order by number desc limit 1")
_NEXT: Final = text("""
    select (select coalesce(max(number), 1) + 1 from audit_epochs) as number,
           (select coalesce(max(size), 0) from audit_checkpoints) as from_size
""")
_BEGIN: Final = text("insert into audit_epochs (number, from_size) values (:number, :from_size)")
