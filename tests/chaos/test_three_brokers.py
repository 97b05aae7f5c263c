"""Three brokers in short: a submitter's journal against a rolling restart, one broker lost, two lost, and all back."""

import shutil
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from schemas.failures import Temporary
from schemas.records.identifiers import MemberId
from schemas.topics import OPS, submitted_topic
from tests.builders.drafts import a_draft
from tests.builders.reports import a_hash, an_item
from tocsin.publisher import Publisher
from tocsin.runtime.ledger.reading import broker_offsets
from tocsin.runtime.settings import load
from tocsin.stack.charter import sample_charter
from tocsin.stack.local import LocalStack

pytestmark = [pytest.mark.chaos, pytest.mark.stack]
MEMBER = MemberId("fr-hotline")
EACH = 10


@pytest.fixture
def three() -> Iterator[LocalStack]:
    """A stack whose records lie on three brokers, of which two must have each."""
    home = Path(tempfile.mkdtemp(prefix="tocsin-three-"))
    stack = LocalStack(home, brief=True, brokers=3)
    try:
        stack.up(sample_charter())
        yield stack
    finally:
        for broker in stack.brokers:
            broker.daemon.kill()  # a polite end of three takes long, and nobody needs what they have
        stack.down()
        shutil.rmtree(home, ignore_errors=True)


def take(publisher: Publisher, name: str) -> None:
    """Ten reports more; they are on disk, and sent where the brokers are there."""
    digests = (sha256(f"{name}-{number}".encode()).hexdigest() for number in range(EACH))
    drafts = [
        a_draft(submitter_reference=digest, items=(an_item(content_id=digest, hashes=(a_hash(value=digest),)),))
        for digest in digests
    ]
    taken, problems = publisher.publish_all(drafts)
    assert (len(taken), problems) == (EACH, ())


def sent(stack: LocalStack, name: str) -> None:
    """By a process that waits for the brokers no longer than three seconds."""
    with Publisher(stack.config(MEMBER), wait_seconds=3) as publisher:
        take(publisher, name)
        publisher.flush()


def on_topic(stack: LocalStack) -> int:
    offsets = broker_offsets(load(stack.config(OPS)).kafka, [submitted_topic(MEMBER)])
    return sum(end for _, end in offsets.values())


def test_with_one_of_three_lost_all_is_taken_with_two_lost_nothing_is_confirmed_and_with_all_back_nothing_is_missing(
    three: LocalStack,
) -> None:
    with Publisher(three.config(MEMBER), wait_seconds=30) as publisher:
        for broker in three.brokers:
            broker.stop()
            take(publisher, f"rolling-{broker.name}")
            publisher.flush()
            three.revive()
        first, second, _ = three.brokers
        first.daemon.kill()
        take(publisher, "one lost")
        publisher.flush()
        assert on_topic(three) == 4 * EACH
        second.daemon.kill()
    with pytest.raises(Temporary):
        sent(three, "two lost")
    three.revive()
    with Publisher(three.config(MEMBER), wait_seconds=60) as publisher:
        publisher.flush()
    assert on_topic(three) == 5 * EACH
