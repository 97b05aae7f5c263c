"""The balance of a home: every input topic of its policy, read as `ops`."""

import time
from pathlib import Path

from schemas.records.identifiers import MemberId
from schemas.topics import RULINGS, escalated_topic, returns_topic, submitted_topic
from tocsin.policy.policies import Policies, policies, topics_of
from tocsin.runtime.audit.recording import record_act
from tocsin.runtime.audit.statements import Act
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
        rules = policies(settings.policy, settings.policy_trust)
        return read_balance(database, settings.kafka, input_topics(rules), canaries_of(rules))
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
            outcome = skip(connection, place, log_start, excuse)
            record_act(connection, _act(coordinate, outcome, excuse), time.time_ns() // 1_000_000)
            return outcome
    finally:
        database.close()


def _act(coordinate: str, outcome: Outcome, excuse: Excuse) -> Act:
    done = "took note that the broker lost" if outcome is Outcome.LOST else "set aside"
    return Act(person=excuse.by, reason=excuse.reason, command="ledger skip", what=f"{done} {coordinate}")


def canaries_of(rules: Policies) -> tuple[MemberId, ...]:
    """The members that send canaries, whenever."""
    return tuple(
        sorted({name for bundle in rules.from_now_on(0) for name, one in bundle.members.items() if one.canary})
    )


def input_topics(rules: Policies) -> tuple[str, ...]:
    """Every topic whose records the ledger accounts for, those of former and future members too."""
    members = topics_of(rules.from_now_on(0))
    reports = [topic(one.member_id) for one in members if one.submits for topic in (submitted_topic, escalated_topic)]
    return (*sorted(reports), RULINGS, *(returns_topic(one.member_id) for one in members))
