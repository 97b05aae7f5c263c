"""Which reports carry a selector, and who has them: asked by keyed digest, so that the ledger learns nothing."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Row, text

from schemas.records.identifiers import MemberId, ReferralId, ReportId


class Holder(Struct, frozen=True, kw_only=True):
    """A member that was given a report, and how that stands."""

    member: MemberId
    referral_id: ReferralId
    state: str
    """Of its latest copy; where that is a recall, `recalled` is set and this says whether it was acknowledged."""
    recalled: bool
    since: datetime


class Carrying(Struct, frozen=True, kw_only=True):
    """One report with the selector."""

    report_id: ReportId
    submitter: MemberId
    revision: int
    withdrawn: bool
    holders: tuple[Holder, ...]


def carrying(connection: Connection, digests: Sequence[bytes]) -> tuple[Carrying, ...]:
    """By report: all that carry one of these, those of which no claim learns as well (ADR 0064)."""
    rows = connection.execute(_CARRYING, {"digests": list(digests)}).all()
    return tuple(_carrying(list(group)) for _, group in groupby(rows, key=lambda row: row.report_id))


def _carrying(rows: Sequence[Row[Any]]) -> Carrying:
    first = rows[0]
    return Carrying(
        report_id=ReportId(str(first.report_id)),
        submitter=MemberId(first.member),
        revision=first.revision,
        withdrawn=first.withdrawn,
        holders=tuple(_holder(row) for row in rows if row.recipient is not None),
    )


def _holder(row: Row[Any]) -> Holder:
    return Holder(
        member=MemberId(row.recipient),
        referral_id=ReferralId(str(row.referral_id)),
        state=row.state,
        recalled=row.withdrawal,
        since=row.state_at,
    )


_CARRYING: Final = text("""
    with found as (
        select distinct on (report_id) report_id, member, revision, withdrawn from report_revisions
        where report_id in (
            select report_id from sightings where selector = any(cast(:digests as bytea[]))
            union select report_id from further_sightings where selector = any(cast(:digests as bytea[]))
        )
        order by report_id, revision desc
    ), held as (
        select distinct on (report_id, recipient) report_id, recipient, referral_id, state, state_at, withdrawal
        from referrals where report_id in (select report_id from found)
        order by report_id, recipient, revision desc, ruling desc
    )
    select f.*, h.recipient, h.referral_id, h.state, h.state_at, h.withdrawal
    from found f left join held h using (report_id) order by f.report_id, h.recipient
""")
