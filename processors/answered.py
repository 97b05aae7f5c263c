"""The referrals that a slice of returns answers, as the ledger has them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text

from processors.labelling import Named
from processors.telling import Known
from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate
from tocsin.runtime.ledger.addressing import HELD
from tocsin.runtime.pipeline import Query, Rows


def answered_of(ids: Sequence[ReferralId], named: Iterable[Named] = ()) -> Query:
    """Asks for those of these ids that were made, and for what members have of the reports that they named."""
    asked = sorted(set(named))
    reports, members = [report for report, _ in asked], [member for _, member in asked]
    return Query(_REFERRALS, {"ids": list(ids), "reports": reports, "members": members})


def answered_in(rows: Rows) -> Mapping[str, Known]:
    """What `answered_of` is answered with, by id."""
    return {str(row.referral_id): _known(row) for row in rows}


def addressees_in(rows: Rows) -> Mapping[Named, ReferralId]:
    """Of those, the referral that a member has of a report that it named."""
    named = (row for row in rows if row.is_named)
    return {(ReportId(str(row.report_id)), MemberId(row.recipient)): ReferralId(str(row.referral_id)) for row in named}


def _known(row: Any) -> Known:
    return Known(
        recipient=MemberId(row.recipient),
        submitter=MemberId(row.submitter),
        submitter_reference=row.submitter_reference,
        report=Coordinate(topic_id=row.topic_id, topic=row.topic, partition=row.partition, offset=row.log_offset),
        holders=tuple(MemberId(name) for name in row.holders),
        report_id=ReportId(str(row.report_id)),
        revision=row.latest,
        jurisdiction=row.jurisdiction,
        tier=row.tier,
        state=row.state,
        withdrawal=row.withdrawal,
        submitted_ms=int(row.submitted_at.timestamp() * 1000),
    )


_REFERRALS: Final = text(f"""
    with held as materialized ({HELD})
    select r.referral_id, r.report_id, r.recipient, r.submitter, r.submitter_reference,
           r.jurisdiction, r.tier, r.state, r.withdrawal, r.submitted_at,
           coalesce(own.log_offset, 0) as log_offset, coalesce(own.revision, r.revision) as latest,
           coalesce(s.topic_id, '') as topic_id, coalesce(s.topic, '') as topic, coalesce(s.partition, 0) as partition,
           holders.names as holders, held.referral_id is not null as is_named
    from referrals r
    left join held on held.referral_id = r.referral_id
    left join lateral (
        select stream, log_offset, revision from report_revisions
        where report_id = r.report_id and not withdrawn and log_offset >= 0 order by revision desc limit 1
    ) own on true
    left join streams s on s.stream = own.stream
    cross join lateral (
        select coalesce(array_agg(recipient), '{{}}') as names from (
            select distinct on (recipient) recipient, withdrawal from referrals all_
            where all_.report_id = r.report_id order by recipient, revision desc, ruling desc
        ) latest_of_each where not withdrawal
    ) holders
    where r.referral_id = any(cast(:ids as uuid[]) || array(select referral_id from held))
""")  # noqa: S608 -- put together from our own text
"""With where the report lies and who has it, for what has to be decided again."""
