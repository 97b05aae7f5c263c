"""What a worker tells of the ledger every few minutes: how many records it was led past without an outcome."""

import logging
from typing import Final

from tocsin.runtime import metrics
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.holes import missing_records

_LOG: Final = logging.getLogger(__name__)
EVERY_MS: Final = 300_000
"""Every block is looked at: not for every few seconds."""


class LedgerWatch:
    """One per exchange: the returns worker has it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._due_ms = 0

    def __call__(self, now_ms: int) -> None:
        """Publish the number where it is time to look again. May raise Temporary."""
        if now_ms < self._due_ms:
            return
        with self._database.transaction() as connection:
            missing = missing_records(connection)
        self._due_ms = now_ms + EVERY_MS
        metrics.LEDGER_MISSING.set(missing)
        metrics.LEDGER_READ.set(now_ms / 1000)
        if missing:
            _LOG.error("The ledger has holes: tocsin ledger names them", extra={"facts": {"count": missing}})
