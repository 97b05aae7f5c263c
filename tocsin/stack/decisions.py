"""Decisions that were made, for whoever asks later: looked up in the ledger, read from the topics as `ops`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from confluent_kafka import Consumer, KafkaException, TopicPartition
from msgspec import Struct
from sqlalchemy import Row, text

from schemas.failures import Refused, Temporary, Unreadable
from schemas.records.identifiers import MemberId, ReferralId
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted
from schemas.records.triage import ReportTriaged
from schemas.records.values import Coordinate
from schemas.topics import TRIAGED
from tocsin.runtime.audit.recording import record_reading
from tocsin.runtime.audit.statements import Reading
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.recalls import is_taken_back
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings

_ASK_SECONDS: Final = 10.0
T = TypeVar("T", bound=Struct)


class Said(Struct, frozen=True, kw_only=True):
    """A ruling on the report: when, why, by whom, and in their words; or a hold on notices to its host."""

    at: datetime
    cause: str
    by: str
    reason: str


class Recorded(Struct, frozen=True, kw_only=True):
    """One decision as the topics have it; `record` and referrals are gone once retention took them."""

    triaged: ReportTriaged
    referrals: tuple[Referral, ...]
    record: ReportSubmitted | None
    said: tuple[Said, ...] = ()
    """What people and processes decided about it since it came in, in that order."""


class Quality(Struct, frozen=True, kw_only=True):
    """How complete one submitter's reports of one week were."""

    submitter: MemberId
    week: datetime
    reports: int
    average: float
    missing: tuple[tuple[str, int], ...]
    """Field and how many reports lacked it, the most frequent first."""


class Decisions:
    """Reads; nothing here writes."""

    def __init__(self, settings: Settings) -> None:
        self._database: Database = database_of(settings)
        self._codec = RecordCodec(SchemaDirectory(settings.registry))
        self._consumer = Consumer(settings.kafka.client() | {"group.id": "ops.decisions", "enable.auto.commit": False})

    def find(self, asked: str) -> Recorded:
        """By report id, referral id or submitter's reference, the latest revision; raises Refused for none."""
        with self._database.transaction() as connection:
            row = connection.execute(_FIND, {"asked": asked, "id": _uuid(asked)}).first()
            if row is None:
                raise Refused(f"No decision on '{asked}' is in the ledger.", code="explain.unknown")
            sent = connection.execute(_REFERRALS, {"id": row.report_id, "revision": row.revision}).all()
            said = tuple(_said(one) for one in connection.execute(_SAID, {"id": row.report_id}))
        place = Coordinate(topic=TRIAGED, partition=row.out_partition, offset=row.out_offset)
        triaged = self._read(place, ReportTriaged)
        if triaged is None:
            raise Refused("The decision is gone from its topic, as retention wants it.", code="explain.gone")
        referrals = (self._read(_place(one), Referral) for one in sent)
        return Recorded(
            triaged=triaged,
            referrals=tuple(referral for referral in referrals if referral is not None),
            record=self._read(triaged.source, ReportSubmitted),
            said=said,
        )

    def note(self, reading: Reading, at_ms: int) -> None:
        """That somebody looks at a decision; the audit log keeps it."""
        with self._database.transaction() as connection:
            record_reading(connection, reading, at_ms)

    def is_taken_back(self, referral: ReferralId) -> bool:
        """Whether its recipient was told to give it up."""
        with self._database.transaction() as connection:
            return is_taken_back(connection, referral)

    def quality(self, submitter: str, weeks: int) -> tuple[Quality, ...]:
        """Week by week, the latest first."""
        with self._database.transaction() as connection:
            asked = {"submitter": submitter, "weeks": weeks}
            rows = connection.execute(_WEEKS, asked).all()
            lacking = connection.execute(_MISSING, asked).all()
        return tuple(_quality(row, lacking) for row in rows)

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()
        self._database.close()

    def _read(self, place: Coordinate, record_type: type[T]) -> T | None:
        try:
            self._consumer.assign([TopicPartition(place.topic, place.partition, place.offset)])
            message = self._consumer.poll(_ASK_SECONDS)
        except KafkaException as error:
            raise Temporary("The broker does not answer. Check: tocsin doctor", code="kafka.away") from error
        if message is None or message.error() or message.offset() != place.offset:
            return None
        try:
            found = self._codec.loads(message.value(), record_type)
        except Unreadable:
            return None
        return found if isinstance(found, record_type) else None


@contextmanager
def decisions(settings: Settings) -> Iterator[Decisions]:
    """Opened for one command."""
    opened = Decisions(settings)
    try:
        yield opened
    finally:
        opened.close()


def _said(row: Row[Any]) -> Said:
    return Said(at=row.at, cause=row.cause, by=row.by, reason=row.reason)


def _place(row: Row[Any]) -> Coordinate:
    return Coordinate(topic=row.out_topic, partition=row.out_partition, offset=row.out_offset)


def _quality(row: Row[Any], lacking: Sequence[Row[Any]]) -> Quality:
    missing = (
        (str(one.field), int(one.reports)) for one in lacking if (one.submitter, one.week) == (row.submitter, row.week)
    )
    return Quality(
        submitter=MemberId(row.submitter),
        week=row.week,
        reports=row.reports,
        average=float(row.average),
        missing=tuple(missing),
    )


def _uuid(asked: str) -> str | None:
    try:
        return str(UUID(asked))
    except ValueError:
        return None


_FIND: Final = text("""
    select d.report_id, d.revision, d.out_partition, d.out_offset from decisions d
    where d.report_id = cast(:id as uuid) or d.submitter_reference = :asked
       or d.report_id in (select r.report_id from referrals r where r.referral_id = cast(:id as uuid))
    order by d.revision desc, d.ruling desc, d.at desc limit 1
""")
_REFERRALS: Final = text("""
    select distinct on (recipient) recipient, out_topic, out_partition, out_offset from referrals
    where report_id = :id and revision = :revision order by recipient, ruling desc
""")
"""The copy that each recipient was given last."""
_SAID: Final = text("""
    select at, lower(cause) as cause, decided_by as by, reason from rulings where report_id = :id
    union all
    select set_at, 'hold on notices until ' || to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'), owner,
           reason
    from lea_holds where report_id = :id and released_at is null and expires_at > now()
    order by 1
""")
_RANGE: Final = "mark <> 'TEST' and at > now() - make_interval(weeks => :weeks) and :submitter in ('', submitter)"
_WEEKS: Final = text(f"""
    select submitter, date_trunc('week', at) as week, count(*) as reports, avg(completeness) as average
    from decisions where {_RANGE} group by 1, 2 order by 1, 2 desc
""")  # noqa: S608 -- put together from our own text
_MISSING: Final = text(f"""
    select submitter, date_trunc('week', at) as week, field, count(*) as reports
    from decisions, unnest(string_to_array(nullif(missing, ''), ' ')) as field
    where {_RANGE} group by 1, 2, 3 order by 1, 2 desc, 4 desc, 3
""")  # noqa: S608 -- as above
