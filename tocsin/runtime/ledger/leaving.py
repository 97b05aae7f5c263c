"""The open cases of a member that cannot work on them any more: what somebody must look at enters the queue."""

from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, text

from schemas.records.identifiers import MemberId


class Closed(Struct, frozen=True, kw_only=True):
    """What became of the open cases."""

    queued: int
    """For a person: urgent or high, never delivered, or with nobody else."""
    ended: int
    """Referrals that wait for nothing any more, because their member has left."""


def queue_open_cases(connection: Connection, member: MemberId) -> int:
    """Put into the queue what must not lie there unseen; tells how many. Once for each referral."""
    return connection.execute(_QUEUE, {"member": member}).rowcount


def end_cases(connection: Connection, member: MemberId) -> int:
    """The member has left: none of its referrals waits for it any more; tells how many did."""
    return connection.execute(_END, {"member": member}).rowcount


_OPEN: Final = (
    "r.recipient = :member and not r.withdrawal and r.state in ('waiting', 'parked', 'expired', 'delivered') "
    "and not exists (select 1 from referrals l where l.report_id = r.report_id and l.recipient = r.recipient "
    "and l.revision > r.revision)"
)
_QUEUE: Final = text(f"""
    insert into queue (stream, log_offset, cause, report_id, revision, referral_id, recipient, submitter,
                       submitter_reference, mark, tier, reasons, recipients, deadline, ends)
    select r.stream, r.log_offset, 'left:' || r.referral_id, r.report_id, r.revision, r.referral_id, r.recipient,
           r.submitter, r.submitter_reference, r.mark, r.tier, array['queue.recipient_left'], others.n,
           case when r.tier = 'URGENT' then now() end, array['taken_up', 'refused', 'withdrawn']
    from referrals r cross join lateral (
        select count(distinct o.recipient) as n from referrals o
        where o.report_id = r.report_id and not o.withdrawal and o.recipient <> r.recipient
          and o.recipient not in (select member from suspensions)
    ) others
    where {_OPEN} and (r.tier in ('URGENT', 'HIGH') or r.state <> 'delivered' or others.n = 0)
    on conflict do nothing
""")  # noqa: S608 -- put together from our own text
_END: Final = text(f"update referrals r set state = 'left', state_at = now() where {_OPEN}")  # noqa: S608 -- as above
