"""A worker says every few seconds that it runs, and with which digest keys, topics and rules."""

import contextlib

from msgspec.structs import replace

from schemas.failures import Temporary
from tocsin.policy.policies import Policies
from tocsin.runtime.database import Database
from tocsin.runtime.ledger import workers
from tocsin.runtime.ledger.workers import Worker


class Presence:
    """One per process; asked with the other watches."""

    def __init__(self, worker: Worker, policies: Policies, database: Database) -> None:
        self._worker = worker
        self._policies = policies
        self._database = database

    def __call__(self, now_ms: int) -> None:
        """Say it. May raise Temporary."""
        spoken = replace(self._worker, policy=self._policies.at(now_ms).digest)
        with self._database.transaction() as connection:
            workers.speak(connection, spoken)

    def leave(self) -> None:
        """At a clean end; where the ledger is away, its silence says the same a little later."""
        with contextlib.suppress(Temporary), self._database.transaction() as connection:
            workers.leave(connection, self._worker.instance)
