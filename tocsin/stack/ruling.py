"""A person's decision on what waits: written down first, then given to triage as a ruling."""

from schemas.records.identifiers import ReportId
from tocsin.runtime.database import database_of
from tocsin.runtime.ledger import queue
from tocsin.runtime.ledger.queue import Ruled
from tocsin.runtime.settings import Settings


def decide(settings: Settings, ruled: Ruled) -> None:
    """PLACEHOLDER until rulings land."""
    database = database_of(settings)
    try:
        with database.transaction() as connection:
            queue.find(connection, ruled.number)
            queue.record(connection, ruled)
    finally:
        database.close()


def tell_of_hold(settings: Settings, report: ReportId, by: str) -> None:
    """PLACEHOLDER until rulings land."""
