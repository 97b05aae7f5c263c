"""PostgreSQL away for a minute: what is escalated goes on, the rest waits, and all of it is settled when it is back."""

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from schemas.records.identifiers import JurisdictionCode, MemberId
from schemas.records.referral import Referral
from schemas.records.values import Novelty
from schemas.topics import OPS, escalated_topic, referral_topic, submitted_topic, urgent_topic
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.reports import an_escalation
from tests.builders.waiting import patiently as until
from tocsin.publisher import Publisher
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import load
from tocsin.stack.charter import sample_charter
from tocsin.stack.demo.crew import Crew
from tocsin.stack.ledger import balance_of

pytestmark = pytest.mark.stack
MEMBER = MemberId("fr-hotline")
RECIPIENT = MemberId("nl-hotline")
AWAY_SECONDS = 60.0
"""Much longer than the escalated lane waits for the index."""


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def crew(stack: Any, tmp_path: Path) -> Iterator[Crew]:
    with a_crew(stack.home, tmp_path) as started:
        started.start("escalated", ("triage", "--lane", "escalated"))
        started.start("normal", ("triage", "--lane", "normal"))
        yield started


def publish(stack: Any, prefix: str, count: int) -> None:
    with Publisher(stack.config(MEMBER)) as publisher:
        for number in range(count):
            escalation = an_escalation() if number % 2 else None
            publisher.publish(a_draft(submitter_reference=f"{prefix}-{number}", escalation=escalation))


def settled(stack: Any) -> dict[str, int]:
    lines = {line.topic: line for line in balance_of(stack.home).lines}
    topics = (submitted_topic(MEMBER), escalated_topic(MEMBER))
    assert all(lines[topic].balances for topic in topics)
    return {topic: sum(lines[topic].outcomes.values()) for topic in topics}


def referred(stack: Any, prefix: str) -> dict[str, set[Novelty]]:
    """References that the hotline has on its topics, and the novelties that it was told of each."""
    codec = RecordCodec(SchemaDirectory(load(stack.config(OPS)).registry))
    found: dict[str, set[Novelty]] = defaultdict(set)
    for name in (referral_topic, urgent_topic):
        for value in values_on(stack, name(JurisdictionCode("nl"), RECIPIENT)):
            referral = codec.loads(value, Referral)
            assert isinstance(referral, Referral)
            if referral.submitter_reference.startswith(prefix):
                found[referral.submitter_reference].add(referral.novelty)
    return dict(found)


def values_on(stack: Any, topic: str) -> Iterator[bytes | None]:
    consumer = Consumer(stack.client(OPS) | {"group.id": "ops.outage", "enable.auto.commit": False})
    for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        consumer.assign([TopicPartition(topic, partition, 0)])
        for _ in range(end):
            message = consumer.poll(10)
            assert message is not None
            yield message.value()
    consumer.close()


def test_a_database_that_is_away_for_a_minute_delays_the_normal_lane_and_neither_lane_loses_anything(
    stack: Any, crew: Crew
) -> None:
    before = settled(stack)
    publish(stack, "before", 20)
    until(lambda: sum(settled(stack).values()) == sum(before.values()) + 20)
    assert referred(stack, "before"), "the registry needs the database too: schemas are learnt before"
    stack.postgres.daemon.kill()
    went_away = time.monotonic()
    publish(stack, "during", 20)
    escalated = {f"during-{number}" for number in range(1, 20, 2)}
    until(lambda: referred(stack, "during").keys() == escalated, seconds=AWAY_SECONDS)
    assert set.union(*referred(stack, "during").values()) == {Novelty.UNKNOWN}, "sent without the index, and said so"
    publish(stack, "later", 2)
    until(lambda: referred(stack, "later").keys() == {"later-1"}, seconds=AWAY_SECONDS)
    time.sleep(max(0.0, went_away + AWAY_SECONDS - time.monotonic()))
    assert crew.ended() == {}, "waiting is no reason to end"
    stack.up(sample_charter())
    until(lambda: sum(settled(stack).values()) == sum(before.values()) + 42)
    assert {topic: count - before[topic] for topic, count in settled(stack).items()} == {
        submitted_topic(MEMBER): 21,
        escalated_topic(MEMBER): 21,
    }
    assert len(referred(stack, "during")) == 20, "the normal lane has gone on"
