"""What a recall by the exchange takes back: reports, and recipients' assessments of items, with who has them now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Row, text

from schemas.records.identifiers import ContentId, MemberId, ReportId
from schemas.records.ruling import RECALLED
from schemas.records.values import Coordinate, Mark
from tocsin.runtime.ledger.erasing import TOMBSTONE

LABEL_RECALLED: Final = "label.recalled"
"""Why an assessment does not count any more."""


class Target(Struct, frozen=True, kw_only=True):
    """One report, as far as a recall has to know it."""

    report_id: ReportId
    revision: int
    """The latest that its submitter sent."""
    submitter: MemberId
    submitter_reference: str
    mark: Mark
    source: Coordinate
    holders: tuple[MemberId, ...]
    unlabelled: tuple[MemberId, ...] = ()
    """Those of them whose copy is the first: no recipient had said anything of an item when that was made."""
    erased: bool = False
    recalled: bool = False
    """It was taken back before, by the exchange."""


class Labelled(Struct, frozen=True, kw_only=True):
    """One item of a report whose assessments by a recipient are taken back."""

    report_id: ReportId
    content_id: ContentId
    members: tuple[MemberId, ...]
    """Who assessed it."""
    last: int
    """Number of the latest of these assessments: a later one is another recall."""


def targets(connection: Connection, reports: Sequence[ReportId]) -> tuple[Target, ...]:
    """Those of these that the ledger knows, by id."""
    return tuple(map(_target, connection.execute(_TARGETS, {"reports": sorted(set(reports))})))


def reports_of(connection: Connection, member: MemberId, since: datetime) -> tuple[ReportId, ...]:
    """Every report of a submitter of which a revision was decided since then, by the exchange's own clock."""
    rows = connection.execute(_OF_MEMBER, {"member": member, "since": since})
    return tuple(ReportId(str(row.report_id)) for row in rows)


def labels_on(connection: Connection, report: ReportId, content: ContentId) -> tuple[Labelled, ...]:
    """The assessments of one item that count, or were recalled before."""
    return tuple(map(_labelled, connection.execute(_LABELS_ON, {"report": report, "content": content})))


def labels_of(connection: Connection, member: MemberId, since: datetime) -> tuple[Labelled, ...]:
    """Everything that a member assessed since then: when it arrived, not when the member says that it was."""
    return tuple(map(_labelled, connection.execute(_LABELS_OF, {"member": member, "since": since})))


def disregard(connection: Connection, found: Labelled) -> None:
    """These assessments do not count any more, whoever asks for the latest word on the item."""
    row = {"report": found.report_id, "content": found.content_id, "members": list(found.members)}
    connection.execute(_DISREGARD, row | {"last": found.last, "code": LABEL_RECALLED})


def _target(row: Row[Any]) -> Target:
    return Target(
        report_id=ReportId(str(row.report_id)),
        revision=row.revision,
        submitter=MemberId(row.member),
        submitter_reference=row.submitter_reference,
        mark=Mark(row.mark),
        source=Coordinate(topic_id=row.topic_id, topic=row.topic, partition=row.partition, offset=row.log_offset),
        holders=tuple(MemberId(name) for name in row.holders),
        unlabelled=tuple(MemberId(name) for name in row.unlabelled),
        erased=row.last == TOMBSTONE,
        recalled=row.last == RECALLED,
    )


def _labelled(row: Row[Any]) -> Labelled:
    return Labelled(
        report_id=ReportId(str(row.report_id)),
        content_id=ContentId(row.content_id),
        members=tuple(map(MemberId, row.members)),
        last=row.last,
    )


_TARGETS: Final = text("""
    select own.report_id, own.revision, own.member, coalesce(d.submitter_reference, '') as submitter_reference,
           coalesce(d.mark, 'LIVE') as mark, own.log_offset, s.topic_id, s.topic, s.partition,
           holders.names as holders, holders.unlabelled,
           (select max(revision) from report_revisions every where every.report_id = own.report_id) as last
    from (
        select distinct on (report_id) report_id, revision, member, stream, log_offset from report_revisions
        where report_id = any(cast(:reports as uuid[])) and not withdrawn and log_offset >= 0
        order by report_id, revision desc
    ) own join streams s using (stream)
    left join lateral (
        select submitter_reference, mark from decisions where report_id = own.report_id
        order by revision desc, ruling desc limit 1
    ) d on true
    cross join lateral (
        select coalesce(array_agg(held.recipient order by held.recipient), '{}') as names,
               coalesce(array_agg(held.recipient order by held.recipient)
                        filter (where (held.revision, held.ruling) = (1, 0)), '{}') as unlabelled from (
            select distinct on (recipient) recipient, withdrawal, revision, ruling from referrals
            where report_id = own.report_id order by recipient, revision desc, ruling desc
        ) held where not held.withdrawal
    ) holders
    order by own.report_id
""")
_OF_MEMBER: Final = text("""
    select distinct report_id from decisions
    where submitter = :member and ruling = 0 and at >= :since order by report_id
""")
_ASSESSED: Final = """
    select report_id, content_id, array_agg(distinct member order by member) as members, max(number) as last
    from item_acts done where kind = 'assess' and refused in ('', 'label.recalled') and {where}
    group by report_id, content_id order by report_id, content_id
"""
_LABELS_ON: Final = text(_ASSESSED.format(where="report_id = cast(:report as uuid) and content_id = :content"))
_LABELS_OF: Final = text(
    _ASSESSED.format(
        where="""member = :member and exists (
        select 1 from returns said join ledger_blocks block on block.stream = said.stream
        where said.return_id = done.return_id and block.settled_at >= :since
        and said.log_offset >= block.first_offset and said.log_offset < block.first_offset + length(block.outcomes))"""
    )
)
_DISREGARD: Final = text("""
    update item_acts set refused = :code where report_id = cast(:report as uuid) and content_id = :content
    and kind = 'assess' and refused = '' and number <= :last and member = any(cast(:members as text[]))
""")
