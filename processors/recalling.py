"""What a worker tells of recalls every few seconds: how many nobody has acknowledged, and which of them are late."""

import logging
from datetime import UTC, datetime
from typing import Final

from tocsin.runtime import metrics
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.recalls import recalls, tally

_LOG: Final = logging.getLogger(__name__)


class RecallWatch:
    """One per exchange: the returns worker has it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told: frozenset[str] = frozenset()

    def __call__(self, now_ms: int) -> None:
        """Publish the numbers, and say each late recall once. May raise Temporary."""
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        with self._database.transaction() as connection:
            found = recalls(connection, open_only=True)
        counted = tally(found, now)
        metrics.RECALLS_OPEN.set(counted.open)
        metrics.RECALLS_LATE.set(counted.late)
        metrics.RECALLS_OLDEST.set(counted.oldest_seconds)
        late = {str(one.referral_id): one for one in found if one.is_late(now)}
        for referral_id in sorted(late.keys() - self._told):
            facts = {"referral_id": referral_id, "member": late[referral_id].member}
            _LOG.error("A recall is not acknowledged: tocsin recalls --open", extra={"facts": facts})
        self._told = frozenset(late)
