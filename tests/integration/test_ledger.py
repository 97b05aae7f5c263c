"""What fails the ledger beside a missing offset, and since when the terms of its sums are there."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer
from sqlalchemy import text

from processors.balancing import EVERY_MS, LedgerWatch
from schemas.failures import Broken
from schemas.records.identifiers import MemberId, report_id_of
from schemas.topics import escalated_topic
from tocsin.runtime import metrics, settings
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import Settlement, Unrouted
from tocsin.runtime.ledger.settling import settle, settled_until, stream_of
from tocsin.runtime.transport.cluster import topic_ids_of

pytestmark = pytest.mark.stack
MEMBER, OTHER = MemberId("plat-a"), MemberId("gb-hotline")
REPORT = report_id_of(MEMBER, "nobody-has-it")
TOPIC = "test.ledger"
"""In no table of inputs: only the report that nobody has is looked at."""


@pytest.fixture
def database(stack: Any) -> Iterator[Database]:
    opened = database_of(settings.load(stack.config("ops")))
    yield opened
    with opened.transaction() as connection:
        connection.execute(text("delete from unrouted where report_id = :id"), {"id": REPORT})
        connection.execute(text("delete from report_revisions where report_id = :id"), {"id": REPORT})
    opened.close()


def answer(stack: Any) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "tocsin", "ledger", "--json", "--home", str(stack.home)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603  # our own words
    return done.returncode, json.loads(done.stdout)


def ledger(stack: Any) -> tuple[int, list[str]]:
    code, found = answer(stack)
    return code, found["urgent_without_recipient"]


def test_an_urgent_report_that_nobody_has_fails_the_ledger_until_a_later_revision_settles_it(
    stack: Any, database: Database
) -> None:
    assert ledger(stack) == (0, [])
    alone = Unrouted(
        log_offset=0,
        report_id=REPORT,
        revision=1,
        submitter=MEMBER,
        submitter_reference="nobody-has-it",
        mark="LIVE",
        outcome=Outcome.WAITING_PERSON,
        tier="URGENT",
        reasons=("route.nobody",),
    )
    made = Settlement(
        topic_id="t", topic=TOPIC, partition=0, first_offset=0, outcomes=(Outcome.WAITING_PERSON,), unrouted=(alone,)
    )
    with database.transaction() as connection:
        settle(connection, made)
    assert ledger(stack) == (3, [f"{MEMBER} nobody-has-it"])
    with database.transaction() as connection:
        stream = stream_of(connection, "t", TOPIC, 0, 0)
        later = {"id": REPORT, "member": MEMBER, "stream": stream, "digest": b"d"}
        connection.execute(_LATER, later)
    assert ledger(stack) == (0, [])


def test_a_record_that_is_routed_to_nobody_and_the_age_of_what_waits_are_shown(stack: Any, database: Database) -> None:
    """A settlement that lost its referrals: every offset is accounted for, and one recipient has nothing."""
    topic = escalated_topic(OTHER)
    producer = Producer(stack.client(OTHER))
    for _ in range(3):
        producer.produce(topic, b"whatever", partition=0)
    assert producer.flush(30) == 0
    topic_id = topic_ids_of(settings.load(stack.config("ops")).kafka, [topic])[topic]
    with database.transaction() as connection:
        routed = Settlement(topic_id=topic_id, topic=topic, partition=0, first_offset=0, outcomes=(Outcome.ROUTED,))
        settle(connection, routed)
        stream = stream_of(connection, topic_id, topic, 0, 0)
        connection.execute(_CLAIMED, {"id": REPORT, "member": MEMBER, "stream": stream, "digest": b"d"})
    code, found = answer(stack)
    assert (code, found["routed_without_referral"]) == (3, [f"{topic}[0]@0"])
    (line,) = [line for line in found["lines"] if line["topic"] == topic]
    assert (line["balances"], line["waiting"], set(line["oldest"])) == (True, 2, {"routed", "waiting"})
    with database.transaction() as connection:
        connection.execute(text("delete from ledger_blocks where stream = :stream"), {"stream": stream})
        connection.execute(text("delete from streams where stream = :stream"), {"stream": stream})


def test_a_ledger_that_does_not_know_a_partition_takes_no_slice_from_its_middle(database: Database) -> None:
    """As one of an older backup does: what came before would count as settled, and nobody would decide it."""
    late = Settlement(topic_id="m", topic="test.middle", partition=0, first_offset=5, outcomes=(Outcome.REFUSED,))
    with pytest.raises(Broken, match="hole"), database.transaction() as connection:
        settle(connection, late)
    with database.transaction() as connection:
        assert settled_until(connection, {"m"}) == {}


def test_records_that_were_passed_over_are_counted_until_they_are_settled(stack: Any, database: Database) -> None:
    """Others use the stack: what counts is what comes on top."""
    topic, counted = "test.holes", metrics.REGISTRY.get_sample_value

    def settled(first: int) -> float:
        made = Settlement(topic_id="h", topic=topic, partition=0, first_offset=first, outcomes=(Outcome.REFUSED,) * 2)
        with database.transaction() as connection:
            settle(connection, made)
        LedgerWatch(database)(2_000)
        return counted("tocsin_ledger_missing_records") or 0.0

    before = settled(0)
    with database.transaction() as connection:
        stream = stream_of(connection, "h", topic, 0, 0)
        connection.execute(_PASSED_OVER, {"stream": stream})
    watch = LedgerWatch(database)
    watch(1_000)
    assert counted("tocsin_ledger_missing_records") == before + 3
    assert counted("tocsin_ledger_read_timestamp_seconds") == 1.0
    with database.transaction() as connection:
        connection.execute(text("delete from ledger_blocks where stream = :stream"), {"stream": stream})
        connection.execute(text("delete from streams where stream = :stream"), {"stream": stream})
    watch(1_000 + EVERY_MS - 1)
    assert counted("tocsin_ledger_missing_records") == before + 3, "it is not yet time to look again"
    watch(1_000 + EVERY_MS)
    assert counted("tocsin_ledger_missing_records") == before


_PASSED_OVER = text(
    "insert into ledger_blocks (stream, first_offset, outcomes) values (:stream, 5, decode('01', 'hex'))"
)
_CLAIMED = text(
    "insert into report_revisions (report_id, revision, member, withdrawn, digest, stream, log_offset, claim_number) "
    "values (:id, 1, :member, false, :digest, :stream, 0, nextval('claim_numbers'))"
)
_LATER = text(
    "insert into report_revisions (report_id, revision, member, withdrawn, digest, stream, log_offset, claim_number) "
    "values (:id, 2, :member, true, :digest, :stream, 1, nextval('claim_numbers'))"
)
