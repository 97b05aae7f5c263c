"""What halts triage is passed by name and reason alone: a record that is set aside, and records that are lost."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.records.identifiers import MemberId
from schemas.topics import OPS, submitted_topic
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.waiting import until
from tocsin.publisher import Publisher
from tocsin.runtime.ledger.reading import broker_offsets
from tocsin.runtime.settings import load
from tocsin.stack.demo.crew import Crew

pytestmark = pytest.mark.stack


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def crew(stack: Any, tmp_path: Path) -> Iterator[Crew]:
    with a_crew(stack.home, tmp_path) as crew:
        yield crew


def tocsin(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603  # our own words


def ledger(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return tocsin(stack, "ledger", "--home", str(stack.home), *words)


def line(stack: Any, member: MemberId) -> dict[str, Any]:
    answer = json.loads(ledger(stack, "--json").stdout)
    return next(line for line in answer["lines"] if line["topic"] == submitted_topic(member))


def publish(stack: Any, member: MemberId, reference: str) -> tuple[int, int]:
    """Publish one report; return partition and offset where it lies."""
    before = ends(stack, member)
    with Publisher(stack.config(member)) as publisher:
        publisher.publish(a_draft(submitter_reference=reference))
    return next((number, end - 1) for number, end in ends(stack, member).items() if end > before[number])


def ends(stack: Any, member: MemberId) -> dict[int, int]:
    kafka = load(stack.config(OPS)).kafka
    return {number: end for (_, number), (_, end) in broker_offsets(kafka, [submitted_topic(member)]).items()}


def start(crew: Crew) -> None:
    crew.start("normal", ("triage", "--lane", "normal"))


def done_by(stack: Any, person: str) -> str:
    """What the log says of somebody."""
    return tocsin(stack, "disclosures", "--person", person, "--home", str(stack.home)).stdout


def settled(stack: Any, member: MemberId) -> bool:
    return bool(line(stack, member)["waiting"] == 0)


def test_a_record_that_is_set_aside_becomes_a_dead_letter_and_the_records_around_it_go_on(
    stack: Any, crew: Crew
) -> None:
    member = MemberId("us-hotline")
    start(crew)
    publish(stack, member, "aside-0")
    until(lambda: settled(stack, member))
    crew.stop(grace_seconds=10)
    before = line(stack, member)["outcomes"]
    partition, offset = [publish(stack, member, f"aside-{number}") for number in range(1, 6)][2]
    name = f"{submitted_topic(member)}/{partition}/{offset}"
    skipped = ledger(stack, "skip", name, "--by", "A. Tester", "--reason", "halts triage")
    assert skipped.returncode == 0, skipped.stderr
    assert f"A. Tester set aside {name} (tocsin ledger skip). Reason: halts triage." in done_by(stack, "A. Tester")
    start(crew)
    until(lambda: settled(stack, member))
    found = line(stack, member)
    assert found["balances"]
    assert found["outcomes"] == before | {"routed": before["routed"] + 4, "skipped": 1}
    letters = tocsin(stack, "dlq", "list", "--json", "--code", "triage.skipped", "--home", str(stack.home)).stdout
    assert name in letters
    again = ledger(stack, "skip", name, "--by", "A. Tester", "--reason", "once more")
    assert (again.returncode, "settled already" in again.stderr) == (1, True)
    assert "once more" not in done_by(stack, "A. Tester"), "what was refused was not done"


def test_records_that_the_broker_lost_halt_triage_and_fail_the_ledger_until_a_person_takes_note(
    stack: Any, crew: Crew
) -> None:
    member = MemberId("de-hotline-b")
    topic = submitted_topic(member)
    start(crew)
    publish(stack, member, "lost-0")
    until(lambda: settled(stack, member))
    crew.stop(grace_seconds=10)
    before = ends(stack, member)
    partition, last = publish(stack, member, "lost-1")
    publish(stack, member, "kept-2")
    admin = AdminClient(stack.client(OPS))
    gone = admin.delete_records([TopicPartition(topic, partition, last + 1)])
    assert [future.result(30) for future in gone.values()]
    start(crew)
    until(lambda: crew.ended() == {"normal": 4})
    crew.stop(grace_seconds=1)
    assert ledger(stack, "--json").returncode == 3
    assert f"{topic}[{partition}]@{before[partition]}-{last}" in line(stack, member)["missing"]
    place = f"{topic}/{partition}/{before[partition]}-{last}"
    noted = ledger(stack, "skip", place, "--by", "A. Tester", "--reason", "deleted by a test")
    assert (noted.returncode, "lost" in noted.stdout) == (0, True), noted.stderr
    said = f"A. Tester took note that the broker lost {place} (tocsin ledger skip). Reason: deleted by a test."
    assert said in done_by(stack, "A. Tester")
    start(crew)
    until(lambda: settled(stack, member))
    found = line(stack, member)
    assert (found["balances"], found["outcomes"]["lost"]) == (True, 1)


@pytest.mark.parametrize("name", ["nonsense", "reports.x.v1/0/9-3", "reports.x.v1/0/0-9999999"])
def test_a_name_that_is_none_is_refused_with_a_sentence(stack: Any, name: str) -> None:
    refused = ledger(stack, "skip", name, "--by", "A. Tester", "--reason", "none")
    assert refused.returncode == 1
    assert "topic/partition/offset" in refused.stderr
