"""Entries of the journal: what is known of a reference, what waits, what was confirmed; inside a transaction."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from producers.journal.tables import ENTRIES, HOLDS, RETENTIONS
from schemas.headers import Headers
from tocsin.runtime.holding import held

_PARAMETERS: Final = 500
"""SQLite bounds the parameters of one statement."""

REPORT: Final = "report"
WITHDRAWAL: Final = "withdrawal"


class Latest(Struct, frozen=True, kw_only=True, gc=False):
    """The newest revision of one reference."""

    revision: int
    kind: str
    digest: str
    mark: str
    topic: str


class Entry(Struct, frozen=True, kw_only=True):
    """One record to be sent, exactly as it will be."""

    reference: str
    revision: int
    report_id: str
    kind: str
    mark: str
    digest: str
    topic: str
    value: bytes
    headers: Headers
    intended_ms: int
    retain_ms: int | None = None
    """Until when the member keeps it; None for what has no content."""


class Waiting(Struct, frozen=True, kw_only=True):
    """An entry that the broker has not confirmed."""

    number: int
    report_id: str
    topic: str
    value: bytes
    headers: Headers


class Receipt(Struct, frozen=True, kw_only=True, gc=False):
    """The broker's word on one entry: where it lies."""

    number: int
    partition: int
    offset: int


def latest(connection: Connection, references: Sequence[str]) -> Mapping[str, Latest]:
    """What is known of these references, without those that are new."""
    found: dict[str, Latest] = {}
    for start in range(0, len(references), _PARAMETERS):
        part = ENTRIES.c.reference.in_(references[start : start + _PARAMETERS])
        for row in connection.execute(select(ENTRIES).where(part).order_by(ENTRIES.c.number)):
            found[row.reference] = Latest(
                revision=row.revision, kind=row.kind, digest=row.digest, mark=row.mark, topic=row.topic
            )
    return found


def intend(connection: Connection, entries: Iterable[Entry]) -> None:
    """Write down what will be sent."""
    wanted = list(entries)
    rows = [msgspec.structs.asdict(entry) | {"headers": _headers_out(entry.headers)} for entry in wanted]
    for row in rows:
        del row["retain_ms"]
    kept = [
        {"report_id": entry.report_id, "revision": entry.revision, "retain_ms": entry.retain_ms}
        for entry in wanted
        if entry.retain_ms is not None
    ]
    if rows:
        connection.execute(insert(ENTRIES), rows)
    if kept:
        connection.execute(insert(RETENTIONS).prefix_with("or replace"), kept)


def waiting(connection: Connection, after: int, limit: int) -> list[Waiting]:
    """What was not confirmed, in the order in which it was intended."""
    columns = ENTRIES.c
    statement = select(ENTRIES).where(columns.confirmed_ms.is_(None), columns.number > after)
    rows = connection.execute(statement.order_by(columns.number).limit(limit))
    return [
        Waiting(
            number=row.number,
            report_id=row.report_id,
            topic=row.topic,
            value=row.value,
            headers=_headers_in(row.headers),
        )
        for row in rows
    ]


def waiting_count(connection: Connection) -> int:
    """How many entries the broker has not confirmed."""
    statement = select(func.count()).select_from(ENTRIES).where(ENTRIES.c.confirmed_ms.is_(None))
    return int(connection.execute(statement).scalar_one())


def confirm(connection: Connection, receipts: Iterable[Receipt], now_ms: int) -> None:
    """The broker has them."""
    for receipt in receipts:
        connection.execute(
            update(ENTRIES)
            .where(ENTRIES.c.number == receipt.number)
            .values(confirmed_ms=now_ms, partition=receipt.partition, offset=receipt.offset)
        )


def purge(connection: Connection, before_ms: int, now_ms: int) -> int:
    """Empty the bodies of what was confirmed before then and is not held; the rest of each entry stays as proof."""
    free = ENTRIES.c.report_id.not_in(held(HOLDS, now_ms))
    old = (ENTRIES.c.confirmed_ms < before_ms, ENTRIES.c.value.is_not(None), free)
    return connection.execute(update(ENTRIES).where(*old).values(value=None)).rowcount


def erase(connection: Connection, reports: Sequence[str]) -> int:
    """Empty bodies, headers and digests of what was confirmed of these reports: nothing of it can be sent again.

    The report id takes the place of the member's own reference, which may say something itself. A reference that is
    used again afterwards begins at revision 1 once more: what is emptied of that has its number behind the id.
    """
    found = (ENTRIES.c.report_id.in_(reports), ENTRIES.c.confirmed_ms.is_not(None))
    connection.execute(delete(RETENTIONS).where(RETENTIONS.c.report_id.in_(reports)))
    emptied = {"value": None, "headers": _headers_out([]), "digest": "", "reference": _nameless()}
    return connection.execute(update(ENTRIES).where(*found).values(**emptied)).rowcount


def _nameless() -> ColumnElement[str]:
    """One for each entry, as no two of a reference may have the same revision."""
    before = ENTRIES.alias()
    same = (before.c.report_id == ENTRIES.c.report_id, before.c.revision == ENTRIES.c.revision)
    is_again = exists().where(*same, before.c.number < ENTRIES.c.number)
    number = literal("#").concat(cast(ENTRIES.c.number, String))
    return ENTRIES.c.report_id.concat(case((is_again, number), else_=""))


def past(connection: Connection, now_ms: int, limit: int) -> list[str]:
    """Reports of which every revision is past its time and confirmed, and which no hold keeps."""
    waits = select(ENTRIES.c.report_id).where(ENTRIES.c.confirmed_ms.is_(None))
    over = select(RETENTIONS.c.report_id).where(RETENTIONS.c.report_id.not_in(waits)).group_by(RETENTIONS.c.report_id)
    free = over.where(RETENTIONS.c.report_id.not_in(held(HOLDS, now_ms)))
    rows = connection.execute(free.having(func.max(RETENTIONS.c.retain_ms) <= now_ms).limit(limit))
    return [row.report_id for row in rows]


def _headers_out(headers: Headers) -> bytes:
    return msgspec.msgpack.encode(headers)


def _headers_in(stored: bytes) -> Headers:
    return msgspec.msgpack.decode(stored, type=list[tuple[str, bytes]])
