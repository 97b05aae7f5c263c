"""Until when the exchange keeps a report, decided once with it; and the sweep of what is past (ADR 0028)."""

import logging
from typing import Final

from processors.decision import Decision
from schemas.records.report import ReportSubmitted
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import day_of
from tocsin.policy.retention import Kept
from tocsin.runtime import metrics
from tocsin.runtime.database import Database
from tocsin.runtime.ledger import erasing

MOST_AT_ONCE: Final = 200
"""A slice that waits for the database behind a sweep waits for no more than this."""
EVERY_MS: Final = 60_000
_STAGE: Final = "retention"
_LOG: Final = logging.getLogger(__name__)


def retain_until_ms(decision: Decision, bundle: Bundle) -> int:
    """By the table of the bundle in force, and never longer than the submitter said; the same for every replay."""
    proposed, report = decision.proposed, decision.proposed.report
    submitter, stated = bundle.members.get(report.submitter), report.governance.retain_until
    about = Kept(
        outcome=decision.outcome.name.lower(),
        mark=report.mark,
        sector=submitter.sector if submitter else None,
        labels=_labels(report),
    )
    stated_ms = stated.epoch_ms if stated else None
    return bundle.retention.until_ms(about, day_of(proposed.now_ms), proposed.now_ms, stated_ms)


def _labels(report: ReportSubmitted) -> frozenset[str]:
    found = (*report.annotations, *report.incident_types, *(code for item in report.items for code in item.annotations))
    return frozenset(found)


class Sweep:
    """One per exchange: the returns worker has it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._due_ms = 0

    def __call__(self, now_ms: int) -> None:
        """Once a minute a batch; the next one at once where that was full. May raise Temporary."""
        if now_ms < self._due_ms:
            return
        with self._database.transaction() as connection:
            count = erasing.sweep(connection, MOST_AT_ONCE)
        self._due_ms = now_ms if count == MOST_AT_ONCE else now_ms + EVERY_MS
        if count:
            metrics.record_left(_STAGE, "let_go", count)
            _LOG.info("Reports are past their retention: their content is gone.", extra={"facts": {"count": count}})
