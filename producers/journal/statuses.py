"""What the exchange told the member, beside what it published; inside a transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.sqlite import insert

from producers.journal.tables import ENTRIES, POSITIONS, STATUSES
from schemas.records.answers import Status, StatusKind
from schemas.records.ruling import RECALLED

_PAGE: Final = 500


class Stage(StrEnum):
    """Where a report stands, for the person who sent it."""

    WAITING = "waiting"
    """In the journal; the broker has not confirmed it."""
    PUBLISHED = "published"
    TRIAGED = "triaged"
    REFUSED = "refused"
    STALE = "stale"
    NO_RECIPIENT = "no_recipient"
    WAITING_PERSON = "waiting_person"
    DELIVERED = "delivered"
    TAKEN_UP = "taken_up"
    OUTCOME = "outcome"
    WITHDRAWN = "withdrawn"


_STAGES: Final[Mapping[StatusKind, Stage]] = {
    StatusKind.TRIAGED: Stage.TRIAGED,
    StatusKind.REFUSED: Stage.REFUSED,
    StatusKind.STALE: Stage.STALE,
    StatusKind.NO_RECIPIENT: Stage.NO_RECIPIENT,
    StatusKind.WAITING_PERSON: Stage.WAITING_PERSON,
    StatusKind.DELIVERED: Stage.DELIVERED,
    StatusKind.TAKEN_UP: Stage.TAKEN_UP,
    StatusKind.OUTCOME: Stage.OUTCOME,
    StatusKind.WITHDRAWN: Stage.WITHDRAWN,
}
"""Other messages, such as a question, are shown and do not move a report."""
_RANK: Final = list(Stage)


class Account(Struct, frozen=True, kw_only=True):
    """One revision of one report: what was sent, and all that was said of it, the oldest first."""

    reference: str
    revision: int
    report_id: str
    kind: str
    mark: str
    intended_ms: int
    confirmed_ms: int | None
    told: tuple[Status, ...] = ()
    is_latest: bool = True
    """Nothing later was written for the same reference: a correction or a withdrawal answers what was asked before."""

    @property
    def stage(self) -> Stage:
        """The furthest that any message says; a report that has several recipients is as far as the first of them."""
        start = Stage.WAITING if self.confirmed_ms is None else Stage.PUBLISHED
        reached = [_STAGES[status.kind] for status in self.told if status.kind in _STAGES]
        return max((start, *reached), key=_RANK.index)


def open_questions(account: Account) -> tuple[Status, ...]:
    """What somebody still wants to know of a report, the oldest first."""
    asked = tuple(status for status in account.told if status.kind is StatusKind.QUESTION)
    return asked if account.is_latest else ()


def keep(connection: Connection, statuses: Iterable[Status]) -> None:
    """Write down what was told; the same message again changes nothing."""
    rows = [
        {
            "status_id": status.status_id,
            "report_id": status.report_id,
            "revision": status.revision,
            "kind": status.kind,
            "at_ms": status.at.epoch_ms,
            "value": msgspec.json.encode(status),
        }
        for status in statuses
    ]
    if rows:
        connection.execute(insert(STATUSES).on_conflict_do_nothing(), rows)


def erase(connection: Connection, reports: Sequence[str]) -> None:
    """Leave of what was told of these reports its kind, code and time."""
    for row in connection.execute(select(STATUSES).where(STATUSES.c.report_id.in_(reports))).all():
        told = msgspec.json.decode(row.value, type=Status)
        value = msgspec.json.encode(
            Status(
                status_id=told.status_id,
                member=told.member,
                report_id=told.report_id,
                referral_id=told.referral_id,
                revision=told.revision,
                mark=told.mark,
                kind=told.kind,
                at=told.at,
                code=told.code,
            )
        )
        connection.execute(update(STATUSES).where(STATUSES.c.status_id == row.status_id).values(value=value))


def positions(connection: Connection) -> dict[int, int]:
    """How far each partition of the status topic was read."""
    return {row.partition: row.next_offset for row in connection.execute(select(POSITIONS))}


def move(connection: Connection, partition: int, next_offset: int) -> None:
    """The partition was read up to there."""
    statement = insert(POSITIONS).values(partition=partition, next_offset=next_offset)
    connection.execute(statement.on_conflict_do_update(index_elements=["partition"], set_={"next_offset": next_offset}))


def accounts(connection: Connection, *, reference: str = "", since_ms: int = 0) -> Iterator[Account]:
    """Every revision with what was told of it, in the order of sending; what the exchange took back is every one."""
    latest = func.max(ENTRIES.c.revision).over(partition_by=ENTRIES.c.reference).label("latest")
    statement = select(ENTRIES, latest).where(ENTRIES.c.intended_ms >= since_ms).order_by(ENTRIES.c.number)
    if reference:
        statement = statement.where(ENTRIES.c.reference == reference)
    for rows in connection.execute(statement).partitions(_PAGE):
        told = _told(connection, [row.report_id for row in rows])
        for row in rows:
            yield Account(
                reference=row.reference,
                revision=row.revision,
                report_id=row.report_id,
                kind=row.kind,
                mark=row.mark,
                intended_ms=row.intended_ms,
                confirmed_ms=row.confirmed_ms,
                told=tuple(
                    each for number in (row.revision, RECALLED) for each in told.get((row.report_id, number), ())
                ),
                is_latest=row.revision == row.latest,
            )


def of_no_report(connection: Connection, since_ms: int) -> list[Status]:
    """What the exchange said of the member's topic or of records that it could not read; the newest of each code."""
    statement = select(STATUSES).where(STATUSES.c.report_id == "", STATUSES.c.at_ms >= since_ms)
    told = (msgspec.json.decode(row.value, type=Status) for row in connection.execute(statement.order_by("at_ms")))
    return list({(status.kind, status.code): status for status in told}.values())


def _told(connection: Connection, report_ids: Sequence[str]) -> dict[tuple[str, int], list[Status]]:
    found: dict[tuple[str, int], list[Status]] = {}
    statement = select(STATUSES).where(STATUSES.c.report_id.in_(report_ids)).order_by(STATUSES.c.at_ms)
    for row in connection.execute(statement):
        status = msgspec.json.decode(row.value, type=Status)
        found.setdefault((row.report_id, row.revision), []).append(status)
    return found
