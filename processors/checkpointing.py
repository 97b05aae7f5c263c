"""What a worker tells of the audit log every few seconds: when it was last signed, and up to when all of it is."""

from tocsin.runtime import metrics
from tocsin.runtime.audit.standing import standing_of
from tocsin.runtime.database import Database


class CheckpointWatch:
    """One per exchange: the returns worker has it, after the sequencer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, now_ms: int) -> None:
        """Publish both times; old ones of a worker that hangs alarm too. May raise Temporary."""
        with self._database.transaction() as connection:
            found = standing_of(connection)
        metrics.AUDIT_CHECKPOINT.set(found.signed_at_seconds)
        metrics.AUDIT_SIGNED.set(now_ms / 1000 - found.age_seconds)
