"""Who got or lost which report within one slice: the ledger knows it only once the slice is settled."""

from msgspec.structs import replace

from processors.answering import prior_of
from processors.examined import Examined
from processors.index.port import Knowledge, PriorRecipient
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.referral import Referral


class Holders:
    """Who got or lost which report within one slice."""

    def __init__(self) -> None:
        self._changes: dict[ReportId, dict[MemberId, PriorRecipient | None]] = {}

    def note(self, referrals: tuple[Referral, ...]) -> None:
        """These were just made."""
        for made in referrals:
            held = None if made.withdrawn else prior_of(made)
            self._changes.setdefault(made.report_id, {})[made.recipient] = held

    def added_to(self, known: Knowledge, entry: Examined) -> Knowledge:
        """The knowledge of a record, with what its own slice did before."""
        record = entry.withdrawal or (entry.proposed and entry.proposed.report)
        changes = self._changes.get(record.report_id) if record else None
        if not changes:
            return known
        recipients = {prior.member: prior for prior in known.recipients} | changes
        return replace(known, recipients=tuple(prior for prior in recipients.values() if prior is not None))
