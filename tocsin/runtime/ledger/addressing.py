"""Which referral a member has of a report: whoever names the report alone is answered as if it had named that."""

from typing import Final
from uuid import UUID


def is_id(written: str) -> bool:
    """Whether the ledger can be asked for it at all: whatever a member writes may stand in an id."""
    try:
        return str(UUID(written)) == written
    except ValueError:
        return False


HELD: Final = """
    select distinct on (r.report_id, r.recipient) r.report_id, r.recipient, r.referral_id
    from unnest(cast(:reports as uuid[]), cast(:members as text[])) as asked (report_id, recipient)
    join referrals r using (report_id, recipient)
    where not r.withdrawal order by r.report_id, r.recipient, r.revision desc, r.ruling desc
"""
"""The latest one of each; nothing for a member that never got the report."""
