"""What a worker tells of the queue every few seconds: how much waits, since when, and what cannot wait any longer."""

import logging
from datetime import UTC, datetime
from typing import Final

from tocsin.policy.policies import Policies
from tocsin.runtime import metrics
from tocsin.runtime.database import Database
from tocsin.runtime.ledger import holds, queue
from tocsin.runtime.ledger.queue import Alert

_LOG: Final = logging.getLogger(__name__)
_GRAVE: Final = (Alert.URGENT_WITHOUT_RECIPIENT, Alert.OVERDUE)


class PolicyWatch:
    """Publishes which policy this process uses, and since when; one per process."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self._digest = ""

    def __call__(self, now_ms: int) -> None:
        """Look which bundle is in force."""
        bundle = self._policies.at(now_ms)
        if bundle.digest != self._digest:
            self._digest = bundle.digest
            metrics.describe_policy(bundle.digest, bundle.policy_version().parts, now_ms)


class QueueWatch:
    """One per exchange: the returns worker has it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told: frozenset[int] = frozenset()

    def __call__(self, now_ms: int) -> None:
        """Remind of holds that end, publish the numbers, and say each grave entry once. May raise Temporary."""
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        with self._database.transaction() as connection:
            holds.remind(connection)
            entries = queue.waiting(connection)
        for alert, count in queue.alarms(entries, now).items():
            metrics.QUEUE.labels(alert.name.lower()).set(count)
        metrics.QUEUE_OLDEST.set(min((entry.at.timestamp() for entry in entries), default=0))
        grave = {entry.number: entry for entry in entries if entry.alert(now) in _GRAVE}
        for number in sorted(grave.keys() - self._told):
            facts = {"number": number, "alert": grave[number].alert(now), "causes": grave[number].reasons}
            _LOG.error("An entry of the queue cannot wait any longer: tocsin queue list", extra={"facts": facts})
        self._told = frozenset(grave)
