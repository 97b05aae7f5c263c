"""The balance of a home: every input topic of its policy, read as `ops`."""

from pathlib import Path

from schemas.topics import escalated_topic, returns_topic, submitted_topic
from tocsin.policy.bundle import Bundle
from tocsin.policy.bundle import load as load_policy
from tocsin.runtime.database import database_of
from tocsin.runtime.ledger.balance import Balance
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.reading import broker_offsets, read_balance
from tocsin.runtime.ledger.skips import Excuse, Place, skip
from tocsin.runtime.settings import load


def balance_of(home: Path) -> Balance:
    """The balance of a home now; raises Temporary where broker or database are away."""
    settings = load(home / "config" / "ops.toml")
    database = database_of(settings)
    try:
        return read_balance(database, settings.kafka, input_topics(load_policy(settings.policy)))
    finally:
        database.close()


def skip_records(home: Path, coordinate: str, excuse: Excuse) -> Outcome:
    """Set records aside; raises Refused where that is not possible, Temporary where broker or database are away."""
    place = Place.named(coordinate)
    settings = load(home / "config" / "ops.toml")
    log_start, _ = broker_offsets(settings.kafka, [place.topic]).get((place.topic, place.partition), (0, 0))
    database = database_of(settings)
    try:
        with database.transaction() as connection:
            return skip(connection, place, log_start, excuse)
    finally:
        database.close()


def input_topics(bundle: Bundle) -> tuple[str, ...]:
    """Every topic whose records the ledger accounts for."""
    reports = [
        topic(member.id)
        for member in bundle.members.values()
        if member.submits
        for topic in (submitted_topic, escalated_topic)
    ]
    return (*sorted(reports), *(returns_topic(member) for member in sorted(bundle.members)))
