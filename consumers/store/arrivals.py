"""What the inbox writes: referrals with their source positions, bundles, and records that could not be read."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from consumers.agreement import Standing
from consumers.states import GOT, STOPPABLE, Event, State, after
from consumers.store.deliveries import REFERRAL, Delivery, delivery_of
from consumers.store.tables import CONTENT_KEYS, DEAD_LETTERS, DELIVERIES, GAPS, POSITIONS
from schemas.records.identifiers import ReportId
from schemas.records.referral import Referral
from schemas.records.values import Coordinate

CONTENT, CIRCUMSTANCE = "content", "circumstance"
_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Position(Struct, frozen=True, kw_only=True):
    """The next offset to read of one partition."""

    topic_id: str
    next_offset: int


class Gap(Struct, frozen=True, kw_only=True):
    """Offsets that retention deleted unread, from `first_offset` up to and without `next_offset`."""

    topic: str
    partition: int
    first_offset: int
    next_offset: int


def positions(connection: Connection) -> dict[tuple[str, int], Position]:
    """Where to go on reading, by topic and partition."""
    return {
        (row.topic, row.partition): Position(topic_id=row.topic_id, next_offset=row.next_offset)
        for row in connection.execute(select(POSITIONS))
    }


def advance(connection: Connection, read: Coordinate) -> None:
    """Record that everything up to this coordinate is in the store; never goes back."""
    statement = _insert(connection, POSITIONS).values(
        topic=read.topic, partition=read.partition, topic_id=read.topic_id, next_offset=read.offset + 1
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[POSITIONS.c.topic, POSITIONS.c.partition],
            set_={"next_offset": statement.excluded.next_offset, "topic_id": statement.excluded.topic_id},
            where=POSITIONS.c.next_offset < statement.excluded.next_offset,
        )
    )


def accept_gap(connection: Connection, gap: Gap, reason: str, now_ms: int) -> None:
    """A person lets the inbox go on behind lost records; the gap stays on record."""
    connection.execute(
        _insert(connection, GAPS)
        .values(
            topic=gap.topic,
            partition=gap.partition,
            first_offset=gap.first_offset,
            next_offset=gap.next_offset,
            reason=reason,
            accepted_ms=now_ms,
        )
        .on_conflict_do_nothing()
    )


def known(connection: Connection, keys: Iterable[str]) -> frozenset[str]:
    """Of these delivery keys, the ones that are in the store."""
    wanted = tuple(keys)
    return frozenset(connection.scalars(select(DELIVERIES.c.key).where(DELIVERIES.c.key.in_(wanted))))


def standing_of(connection: Connection, referral: Referral, since_ms: int = 0) -> Standing:
    """Which of the referral's keys this member has certainly got since then with other reports, together or alone.

    A report is no duplicate of itself: its revisions are each had, whichever comes first (ADR 58). No test makes a
    live report known, and nothing that was recalled makes anything known.
    """
    if not referral.content_keys:
        return Standing()
    content, circumstance = CONTENT_KEYS, CONTENT_KEYS.alias("circumstance")
    has_it = [
        content.c.kind == CONTENT,
        content.c.content_key.in_(referral.content_keys),
        DELIVERIES.c.state.in_(GOT),
        DELIVERIES.c.report_id != referral.report_id,
        DELIVERIES.c.recalled.is_(False),
        DELIVERIES.c.mark == referral.mark,
        DELIVERIES.c.state_since_ms >= since_ms,
    ]
    alone = select(content.c.content_key).join(DELIVERIES, DELIVERIES.c.key == content.c.delivery_key).where(*has_it)
    together = (
        select(content.c.content_key, circumstance.c.content_key)
        .join(DELIVERIES, DELIVERIES.c.key == content.c.delivery_key)
        .join(circumstance, circumstance.c.delivery_key == content.c.delivery_key)
        .where(
            *has_it,
            circumstance.c.kind == CIRCUMSTANCE,
            circumstance.c.content_key.in_(referral.circumstance_keys),
        )
    )
    return Standing(
        content=frozenset(connection.scalars(alone.distinct())),
        told=frozenset((key, with_it) for key, with_it in connection.execute(together.distinct())),
    )


def add_notice(connection: Connection, row: Mapping[str, Any]) -> None:
    """Store one notice; a second time changes nothing."""
    connection.execute(_insert(connection, DELIVERIES).values(**row).on_conflict_do_nothing())


def held_back(connection: Connection, copies: Sequence[str]) -> list[Delivery]:
    """What waits in a bundle or was only counted and shares a content with these copies, in the order of arrival."""
    shared = select(CONTENT_KEYS.c.content_key).where(
        CONTENT_KEYS.c.kind == CONTENT, CONTENT_KEYS.c.delivery_key.in_(copies)
    )
    carrying = select(CONTENT_KEYS.c.delivery_key).where(
        CONTENT_KEYS.c.kind == CONTENT, CONTENT_KEYS.c.content_key.in_(shared)
    )
    statement = (
        select(DELIVERIES)
        .where(
            DELIVERIES.c.key.in_(carrying),
            DELIVERIES.c.state.in_((State.COUNTED, State.BUNDLED)),
            DELIVERIES.c.recalled.is_(False),
            DELIVERIES.c.value.is_not(None),
        )
        .order_by(DELIVERIES.c.received_ms, DELIVERIES.c.key)
    )
    return [delivery_of(row) for row in connection.execute(statement)]


def ensure_bundle(connection: Connection, row: Mapping[str, Any]) -> None:
    """Open the bundle of a period; it leaves by its own due time, so no timer needs to live in a process."""
    connection.execute(_insert(connection, DELIVERIES).values(**row).on_conflict_do_nothing())


def hold_bundle(connection: Connection, key: str) -> bool:
    """Whether a bundle still takes members; until this transaction ends no courier takes it."""
    still_open = (DELIVERIES.c.state == State.RECEIVED) & (DELIVERIES.c.attempts == 0)
    held = connection.execute(
        update(DELIVERIES).where(DELIVERIES.c.key == key, still_open).values(state=State.RECEIVED)
    )
    return held.rowcount == 1


def bundle_sizes(connection: Connection, prefix: str) -> Mapping[str, int]:
    """How many members each bundle of one period has, by bundle key."""
    keys = connection.scalars(select(DELIVERIES.c.bundle_key).where(DELIVERIES.c.bundle_key.startswith(prefix)))
    sizes: dict[str, int] = {}
    for key in keys:
        sizes[key] = sizes.get(key, 0) + 1
    return sizes


def copies_until(connection: Connection, report_id: ReportId, revision: int) -> list[Delivery]:
    """What is stored of one report up to a revision, that one included: it may have been decided more than once."""
    return [
        delivery_of(row)
        for row in connection.execute(
            select(DELIVERIES).where(
                DELIVERIES.c.kind == REFERRAL,
                DELIVERIES.c.report_id == report_id,
                DELIVERIES.c.revision <= revision,
            )
        )
    ]


def values_from(connection: Connection, report_id: ReportId, revision: int) -> list[bytes]:
    """The referrals of one report from a revision on, as they came; erased ones are left out."""
    return notices_from(connection, REFERRAL, (report_id, revision))


def notices_from(connection: Connection, kind: str, since: tuple[ReportId, int]) -> list[bytes]:
    """What was told of one report from a revision on, as it came; erased ones are left out."""
    report_id, revision = since
    statement = select(DELIVERIES.c.value).where(
        DELIVERIES.c.kind == kind,
        DELIVERIES.c.report_id == report_id,
        DELIVERIES.c.revision >= revision,
        DELIVERIES.c.value.is_not(None),
    )
    return list(connection.scalars(statement))


def recall(connection: Connection, copies: Sequence[Delivery], now_ms: int) -> list[Delivery]:
    """Stop every copy that has not left, and mark all: none goes again, and one that is leaving stops if that fails."""
    stopped = [copy for copy in copies if copy.state in STOPPABLE]
    for copy in stopped:
        connection.execute(
            update(DELIVERIES)
            .where(DELIVERIES.c.key == copy.key)
            .values(state=after(copy.state, Event.WITHDRAW), state_since_ms=now_ms)
        )
    keys = [copy.key for copy in copies]
    connection.execute(update(DELIVERIES).where(DELIVERIES.c.key.in_(keys)).values(recalled=True, escalate_ms=None))
    return stopped


def keep_unreadable(connection: Connection, place: Coordinate, value: bytes, code: str, now_ms: int) -> None:
    """Keep a record that could not be read, with what identifies it."""
    connection.execute(
        _insert(connection, DEAD_LETTERS)
        .values(
            topic=place.topic,
            topic_id=place.topic_id,
            partition=place.partition,
            offset=place.offset,
            code=code,
            length=len(value),
            sha256=hashlib.sha256(value).hexdigest(),
            value=value,
            kept_ms=now_ms,
        )
        .on_conflict_do_nothing()
    )


def unreadable(connection: Connection) -> list[tuple[Coordinate, bytes]]:
    """Every record that is still kept aside, to be tried again."""
    rows = connection.execute(select(DEAD_LETTERS).where(_IS_KEPT))
    return [
        (Coordinate(topic_id=row.topic_id, topic=row.topic, partition=row.partition, offset=row.offset), row.value)
        for row in rows
    ]


def forget_unreadable(connection: Connection, before_ms: int) -> int:
    """Empty what has been kept aside since before then; place and digest stay. Nobody knows its retention."""
    old = update(DEAD_LETTERS).where(_IS_KEPT, DEAD_LETTERS.c.kept_ms < before_ms)
    return connection.execute(old.values(value=None)).rowcount


def mend(connection: Connection, place: Coordinate, now_ms: int) -> None:
    """A record that was kept aside could be read after all."""
    table = DEAD_LETTERS
    connection.execute(
        update(table)
        .where(
            table.c.topic == place.topic,
            table.c.topic_id == place.topic_id,
            table.c.partition == place.partition,
            table.c.offset == place.offset,
        )
        .values(mended_ms=now_ms, value=None)
    )


_IS_KEPT = DEAD_LETTERS.c.mended_ms.is_(None) & DEAD_LETTERS.c.value.is_not(None)


def _insert(connection: Connection, table: Table) -> Any:
    """The dialect's own insert, which knows ON CONFLICT."""
    return _INSERTS[connection.dialect.name](table)
