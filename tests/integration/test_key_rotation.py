"""The digest key is exchanged while two workers run: a content is recognised whichever of them meets it."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from schemas.records.identifiers import MemberId
from schemas.records.triage import ReportTriaged
from schemas.records.values import Novelty
from schemas.topics import OPS, TRIAGED, submitted_topic
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.reports import an_item
from tests.builders.waiting import until
from tocsin.publisher import Publisher
from tocsin.runtime import settings
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.transport.cluster import ClusterReader
from tocsin.stack.demo.crew import Crew

pytestmark = pytest.mark.stack
MEMBER = MemberId("nl-hotline")
URL = "https://files.example.test/rotation/1"


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def crew(stack: Any, tmp_path: Path) -> Iterator[Crew]:
    with a_crew(stack.home, tmp_path) as crew:
        yield crew


def start(crew: Crew, instance: str) -> None:
    crew.start(instance, ("triage", "--lane", "normal", "--instance", instance))


def until_both_have_partitions(stack: Any) -> None:
    reader = ClusterReader(settings.load(stack.config(OPS)).kafka)

    def both() -> bool:
        members = [share for found in reader.described(["triage.normal"]).values() for share in found.members]
        return sum(submitted_topic(MEMBER) in {topic for topic, _ in share} for share in members) == 2

    until(both, what="two workers never shared the member's topic")
    reader.close()


def keyring(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return commands.tocsin(stack.home, "keyring", *words)


def publish(stack: Any, *references: str) -> None:
    with Publisher(stack.config(MEMBER)) as publisher:
        for reference in references:
            publisher.publish(a_draft(submitter_reference=reference, items=(an_item(url=URL, hashes=()),)))


def novelties(stack: Any, *references: str) -> list[Novelty]:
    """What triage said of each, in the order asked."""
    deadline = time.monotonic() + 90
    while True:
        found = _triaged(stack)
        if set(references) <= found.keys():
            return [found[reference].novelty for reference in references]
        assert time.monotonic() < deadline, f"{len(found)} triaged"
        time.sleep(1)


def _triaged(stack: Any) -> dict[str, ReportTriaged]:
    codec = RecordCodec(SchemaDirectory(settings.load(stack.config(OPS)).registry))
    consumer = Consumer(stack.client(OPS) | {"group.id": "ops.rotation", "enable.auto.commit": False})
    found: dict[str, ReportTriaged] = {}
    for partition in consumer.list_topics(TRIAGED, timeout=10).topics[TRIAGED].partitions:
        _, end = consumer.get_watermark_offsets(TopicPartition(TRIAGED, partition), timeout=10)
        consumer.assign([TopicPartition(TRIAGED, partition, 0)])
        for _ in range(end):
            message = consumer.poll(10)
            assert message is not None
            triaged = codec.loads(message.value(), ReportTriaged)
            assert isinstance(triaged, ReportTriaged)
            if triaged.submitter == MEMBER:
                found[triaged.submitter_reference] = triaged
    consumer.close()
    return found


def test_a_content_is_recognised_before_during_and_after_the_exchange(stack: Any, crew: Crew) -> None:
    start(crew, "a")
    publish(stack, "rotation-0")
    assert novelties(stack, "rotation-0") == [Novelty.NEW]
    assert keyring(stack, "rotate", "--by", "R. Keeper", "--reason", "a key a year").returncode == 0
    start(crew, "b")
    until_both_have_partitions(stack)
    during = [f"rotation-{number}" for number in range(1, 13)]  # over all partitions, so that both workers get some
    publish(stack, *during)
    assert set(novelties(stack, *during)) == {Novelty.SEEN}
    refused = keyring(stack, "retire", "digest-0001", "--by", "N. Nobody")
    assert (refused.returncode, "triage-normal-a without it" in refused.stderr) == (1, True), refused.stderr
    crew.stop(grace_seconds=15)
    assert keyring(stack, "retire", "digest-0001", "--by", "R. Keeper").returncode == 0
    said = commands.said(stack.home, "disclosures", "--person", "R. Keeper")
    added = "R. Keeper added a digest key, under which triage recognises contents (tocsin keyring rotate)."
    assert f"{added} Reason: a key a year." in said
    assert "R. Keeper deleted the digest key digest-0001 (tocsin keyring retire)." in said
    assert "N. Nobody" not in commands.said(stack.home, "disclosures", "--person", "N. Nobody"), "it was refused"
    start(crew, "a")
    publish(stack, "rotation-last")
    assert novelties(stack, "rotation-last") == [Novelty.SEEN]
