"""PostgreSQL away while reports flow: both lanes wait, nothing is lost, and all of it is settled when it is back."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.records.identifiers import MemberId
from schemas.topics import escalated_topic, submitted_topic
from tests.builders.drafts import a_draft
from tests.builders.reports import an_escalation
from tocsin.publisher import Publisher
from tocsin.stack.charter import sample_charter
from tocsin.stack.demo.crew import Crew
from tocsin.stack.ledger import balance_of

pytestmark = pytest.mark.stack
MEMBER = MemberId("fr-hotline")
AWAY_SECONDS = 12.0
"""Longer than a slice may wait before the process says that it is not ready."""


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def crew(stack: Any, tmp_path: Path) -> Iterator[Crew]:
    with Crew(stack.home, tmp_path) as started:
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


def until(holds: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.5)


def test_a_database_that_is_away_delays_reports_and_loses_none(stack: Any, crew: Crew) -> None:
    before = settled(stack)
    publish(stack, "before", 20)
    until(lambda: sum(settled(stack).values()) == sum(before.values()) + 20)
    stack.postgres.daemon.kill()
    publish(stack, "during", 20)
    time.sleep(AWAY_SECONDS)
    assert crew.ended() == {}, "waiting is no reason to end"
    stack.up(sample_charter())
    until(lambda: sum(settled(stack).values()) == sum(before.values()) + 40)
    assert {topic: count - before[topic] for topic, count in settled(stack).items()} == {
        submitted_topic(MEMBER): 20,
        escalated_topic(MEMBER): 20,
    }
