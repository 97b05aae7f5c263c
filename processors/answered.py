"""The referrals that a slice of returns answers, as the ledger has them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from processors.telling import Known
from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate


def answered(connection: Connection, ids: Sequence[ReferralId]) -> Mapping[str, Known]:
    """Those of these ids that were made, by id."""
    return {str(row.referral_id): _known(row) for row in connection.execute(_REFERRALS, {"ids": list(ids)})}


def _known(row: Row[Any]) -> Known:
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


_REFERRALS: Final = text("""
    select r.referral_id, r.report_id, r.recipient, r.submitter, r.submitter_reference,
           r.jurisdiction, r.tier, r.state, r.withdrawal, r.submitted_at,
           coalesce(own.log_offset, 0) as log_offset, coalesce(own.revision, r.revision) as latest,
           coalesce(s.topic_id, '') as topic_id, coalesce(s.topic, '') as topic, coalesce(s.partition, 0) as partition,
           holders.names as holders
    from referrals r
    left join lateral (
        select stream, log_offset, revision from report_revisions
        where report_id = r.report_id and not withdrawn and log_offset >= 0 order by revision desc limit 1
    ) own on true
    left join streams s on s.stream = own.stream
    cross join lateral (
        select coalesce(array_agg(held.recipient), '{}') as names from (
            select distinct on (recipient) recipient, withdrawal from referrals all_
            where all_.report_id = r.report_id order by recipient, revision desc, ruling desc
        ) held where not held.withdrawal
    ) holders
    where r.referral_id = any(cast(:ids as uuid[]))
""")
"""With where the report lies and who has it, for what has to be decided again."""
