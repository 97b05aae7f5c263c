"""Erasure in PostgreSQL: what is held of a report, who has it, where it lies on topics, and that it goes (ADR 0028)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, text

from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate, Mark

TOMBSTONE: Final = 2**31 - 1
"""The revision that stands behind all others of a report that is erased."""


class Copy(Struct, frozen=True, kw_only=True):
    """The latest referral that a member has of a report."""

    member: MemberId
    referral_id: ReferralId
    revision: int
    mark: Mark
    confirmed_at: datetime | None
    """When its inbox said that it erased everything; None while it has not."""
    word: str
    """What it said of its sinks, as a code."""
    held_at: datetime | None = None
    """When its inbox said that the order waits for a legal hold to end; None where it is carried out, or unheard."""


class Letter(Struct, frozen=True, kw_only=True):
    """A dead letter of a record of the report that could be read."""

    at: Coordinate
    state: str
    """Whether it waits for a person, was tried again, or was dropped."""
    masked: bool
    """It carries no value."""


class Held(Struct, frozen=True, kw_only=True):
    """What the exchange has of one report."""

    report_id: ReportId
    submitter: MemberId
    erased: bool
    rows: Mapping[str, int]
    """By table, how many rows have a content that erasure takes away."""
    copies: tuple[Copy, ...]
    letters: tuple[Letter, ...]
    last_at: datetime
    """When the last of its records that are known here was written to a topic."""


def held(connection: Connection, report: ReportId) -> Held | None:
    """None where nothing is known of it."""
    first = connection.execute(_REPORT, {"report": report}).first()
    if first is None:
        return None
    rows = connection.execute(_ROWS, {"report": report}).all()
    return Held(
        report_id=report,
        submitter=MemberId(first.member),
        erased=first.revision == TOMBSTONE,
        rows={row.place: row.found for row in rows if row.found},
        copies=copies(connection, report),
        letters=letters(connection, report),
        last_at=connection.execute(_LAST, {"report": report}).scalar_one(),
    )


def copies(connection: Connection, report: ReportId) -> tuple[Copy, ...]:
    """One for each member that was given it."""
    return tuple(
        Copy(
            member=MemberId(row.recipient),
            referral_id=ReferralId(str(row.referral_id)),
            revision=row.revision,
            mark=Mark(row.mark),
            confirmed_at=row.confirmed_at,
            word=row.word or "",
            held_at=row.held_at,
        )
        for row in connection.execute(_COPIES, {"report": report})
    )


def letters(connection: Connection, report: ReportId) -> tuple[Letter, ...]:
    """In the order in which they were written; those of records that nobody could read belong to no report."""
    return tuple(
        Letter(
            at=Coordinate(topic=row.out_topic, partition=row.out_partition, offset=row.out_offset),
            state=row.state,
            masked=row.masked,
        )
        for row in connection.execute(_LETTERS, {"report": report})
    )


def erase(connection: Connection, report: ReportId) -> bool:
    """Whether it could be: a legal hold wins, in the database itself."""
    return bool(connection.execute(_ERASE, {"report": report}).scalar_one())


def sweep(connection: Connection, most: int) -> int:
    """Let go of reports whose time is over, `most` at once; tells how many."""
    return int(connection.execute(_SWEEP, {"most": most}).scalar_one())


def report_of(connection: Connection, member: str, reference: str) -> ReportId | None:
    """The report that a submitter filed under its own reference."""
    found = connection.execute(_OF_REFERENCE, {"member": member, "reference": reference}).scalar_one_or_none()
    return ReportId(str(found)) if found else None


def known(connection: Connection) -> Iterable[Sequence[ReportId]]:
    """Every report of which something is held, in batches: a register of erasures is held against them."""
    for rows in connection.execute(_KNOWN).partitions(1000):
        yield [ReportId(str(row.report_id)) for row in rows]


_REPORT: Final = text(
    "select member, revision from report_revisions where report_id = cast(:report as uuid) "
    "order by revision desc limit 1"
)
PLACES: Final = {
    "sightings": "report_id = :it",
    "further_sightings": "report_id = :it",
    "restricted.near_hashes": "report_id = :it",
    "links": "report_id = :it or other = :it",
    "items": "report_id = :it",
    "item_acts": "report_id = :it",
    "disputes": "report_id = :it",
    "unrouted": "report_id = :it",
    "lea_holds": "report_id = :it",
    "queue": "report_id = :it and submitter_reference <> ''",
    "rulings": "report_id = :it and reason <> ''",
    "decisions": "report_id = :it and submitter_reference <> ''",
    "referrals": "report_id = :it and submitter_reference <> ''",
    "report_revisions": "report_id = :it and digest <> ''",
}
"""Where a report's content lies, table by table, and which rows have some."""
_ROWS: Final = text(
    " union all ".join(
        f"select '{place}' as place, count(*) as found from {place} where {which}"  # noqa: S608 -- our own table
        for place, which in PLACES.items()
    ).replace(":it", "cast(:report as uuid)")
)
_COPIES: Final = text("""
    select distinct on (r.recipient) r.recipient, r.referral_id, r.revision, r.mark, said.code as word,
           case when said.kind = 'ERASED' then said.at end as confirmed_at,
           case when said.kind = 'ERASURE_HELD' then said.at end as held_at
    from referrals r left join lateral (
        select t.at, t.code, t.kind from returns t join referrals o using (referral_id)
        where o.report_id = r.report_id and o.recipient = r.recipient and t.kind in ('ERASED', 'ERASURE_HELD')
        order by t.at desc limit 1
    ) said on true
    where r.report_id = cast(:report as uuid)
    order by r.recipient, r.revision desc, r.ruling desc
""")
_LETTERS: Final = text("""
    select out_topic, out_partition, out_offset, state, masked from dead_letters
    where report_id = cast(:report as uuid) order by at, out_topic, out_partition, out_offset
""")
_LAST: Final = text("""
    select coalesce(max(at), now()) from (
        select max(at) as at from decisions where report_id = cast(:report as uuid)
        union all select max(referred_at) from referrals where report_id = cast(:report as uuid)
        union all select max(at) from rulings where report_id = cast(:report as uuid)
        union all select max(at) from dead_letters where report_id = cast(:report as uuid)
        union all select max(t.at) from returns t join referrals r using (referral_id)
        where r.report_id = cast(:report as uuid)
    ) written
""")
_ERASE: Final = text("select erase_report(cast(:report as uuid))")
_SWEEP: Final = text("select erase_past(:most)")
_OF_REFERENCE: Final = text(
    "select report_id from decisions where submitter = :member and submitter_reference = :reference "
    "order by revision desc limit 1"
)
_KNOWN: Final = text("select distinct report_id from report_revisions where digest <> ''")
