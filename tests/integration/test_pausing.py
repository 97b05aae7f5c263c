"""A member that sends more bad records than it may is paused alone, told so, and read on when they are settled."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from schemas.records.identifiers import MemberId
from schemas.topics import submitted_topic
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.waiting import until
from tocsin.policy.bundle import SAMPLE, load
from tocsin.publisher import Publisher
from tocsin.stack.demo.crew import Crew
from tocsin.stack.ledger import balance_of

pytestmark = pytest.mark.stack
FLOODING, OTHER = MemberId("de-hotline-c"), MemberId("de-hotline-b")
UNDER_WAY_SECONDS = 2.0
"""A fetch that began before the pause may still bring what was published since; it waits for less than this."""


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def crew(stack: Any, tmp_path: Path) -> Iterator[Crew]:
    with a_crew(stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        yield crew


def waiting(stack: Any, member: MemberId) -> int:
    return next(line.waiting for line in balance_of(stack.home).lines if line.topic == submitted_topic(member))


def publish(stack: Any, member: MemberId, reference: str) -> None:
    with Publisher(stack.config(member)) as publisher:
        publisher.publish(a_draft(submitter_reference=reference))


def tocsin(stack: Any, *words: str) -> str:
    done = commands.tocsin(stack.home, *words)
    done.check_returncode()
    return done.stdout + done.stderr


def test_a_member_over_its_limit_waits_alone_until_its_letters_are_settled(stack: Any, crew: Crew) -> None:
    limit = load(SAMPLE).members[FLOODING].dead_letter_limit_per_hour
    producer = Producer(stack.client(FLOODING) | {"linger.ms": 5})
    for _ in range(limit + 1):
        producer.produce(submitted_topic(FLOODING), b"no frame")
    assert producer.flush(30) == 0
    until(lambda: "pausing a topic" in crew.log("normal").read_text())
    time.sleep(UNDER_WAY_SECONDS)
    publish(stack, FLOODING, "behind")
    publish(stack, OTHER, "beside")
    until(lambda: waiting(stack, OTHER) == 0)
    assert waiting(stack, FLOODING) == 1
    sent = tocsin(stack, "sent", "--as", FLOODING)
    assert "member.paused" in sent
    assert "value.not_framed" in sent, "and why"
    tocsin(stack, "dlq", "drop", "--code", "value.not_framed", "--by", "A. Tester", "--reason", "a flood of a test")
    until(lambda: waiting(stack, FLOODING) == 0)
