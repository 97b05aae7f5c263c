"""The balance of a home: every input topic of its policy, read as `ops`."""

from pathlib import Path

from schemas.topics import escalated_topic, returns_topic, submitted_topic
from tocsin.policy.bundle import Bundle
from tocsin.policy.bundle import load as load_policy
from tocsin.runtime.database import database_of
from tocsin.runtime.ledger.balance import Balance
from tocsin.runtime.ledger.reading import read_balance
from tocsin.runtime.settings import load


def balance_of(home: Path) -> Balance:
    """The balance of a home now; raises Temporary where broker or database are away."""
    settings = load(home / "config" / "ops.toml")
    database = database_of(settings)
    try:
        return read_balance(database, settings.kafka, input_topics(load_policy(settings.policy)))
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
