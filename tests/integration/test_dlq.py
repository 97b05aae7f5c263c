"""`tocsin dlq` on the real stack: noise becomes dead letters, which a person shows, sends again or drops."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from schemas.framing import frame
from schemas.records.identifiers import MemberId
from schemas.topics import OPS, dead_letter_topic, submitted_topic
from tests.builders.reports import a_report
from tests.builders.signing import a_signer
from tests.builders.waiting import patiently as until
from tocsin.policy.store.trust import new_key
from tocsin.runtime import settings
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.stack.demo.crew import Crew
from tocsin.stack.ledger import balance_of

pytestmark = pytest.mark.stack
MEMBER, MASKED = MemberId("gb-hotline"), MemberId("ngo-b")
TOPIC = submitted_topic(MEMBER)
SOON = ("segment.ms", "file.delete.delay.ms")
PICTURE = b"\x89PNG\r\n\x1a\n a picture it may be"


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


def dlq(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return tocsin(stack, "dlq", *words)


def tocsin(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", *words, "--home", str(stack.home)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)  # noqa: S603  # our own words


def listed(stack: Any, *words: str, member: MemberId = MEMBER) -> list[dict[str, Any]]:
    lines = dlq(stack, "list", "--json", "--member", member, "--limit", "10000", *words).stdout.splitlines()
    return [json.loads(line) for line in lines]


def counted(stack: Any, outcome: str) -> int:
    (line,) = [line for line in balance_of(stack.home).lines if line.topic == TOPIC]
    assert line.balances
    return line.outcomes.get(outcome, 0)


@pytest.fixture
def noise(stack: Any, tmp_path: Path) -> Iterator[None]:
    """Five records that no Tocsin made between two good ones, all of them settled."""
    codec = RecordCodec(SchemaDirectory(settings.load(stack.config("ops")).registry))
    report = a_report(submitter=MEMBER, submitter_reference="good")
    whole = codec.dumps(report)
    values = [whole, whole[:40], frame(987_654) + whole[5:], b"", b"no frame", whole + b"x", whole]
    producer, signer = Producer(stack.client(MEMBER)), a_signer(stack.config(MEMBER))
    for value in values:
        headers: Any = signer.headers(type(report), value)
        producer.produce(TOPIC, value=value, key=b"noise", headers=headers)
    assert producer.flush(30) == 0
    with Crew(stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        _until_settled(stack)
        yield


@pytest.mark.usefixtures("noise")
def test_noise_is_listed_shown_retried_and_dropped_and_the_ledger_balances(stack: Any, tmp_path: Path) -> None:
    found = listed(stack)
    codes = {letter["code"] for letter in found}
    assert len(found) == 5
    assert {"schema.unknown_id", "value.not_framed"} <= codes
    assert all(letter["value_sha256"] for letter in found)
    assert all(re.fullmatch(r"[a-z0-9.-]+/\d+/\d+", letter["id"]) for letter in found)

    first, second, third, *_ = [letter["id"] for letter in found]
    shown = dlq(stack, "show", first, "--by", "R. Reader", "--purpose", "noise of a test").stdout
    read = tocsin(stack, "disclosures", "--person", "R. Reader").stdout
    assert f"R. Reader looked at the dead letter {first} (tocsin dlq show). Purpose: noise of a test." in read
    assert "value.sha256" in shown
    assert first.split("/")[2] in shown

    refused = counted(stack, "refused")
    would = dlq(stack, "drop", first, "--by", "A. Operator", "--reason", "noise of a test", "--dry-run")
    assert (would.returncode, would.stdout.splitlines()[-1]) == (0, "1 would be dropped.")
    assert (counted(stack, "refused"), counted(stack, "dropped")) == (refused, 0)
    dropped = dlq(stack, "drop", first, "--by", "A. Operator", "--reason", "noise of a test")
    assert (dropped.returncode, dropped.stdout) == (0, "1 dropped.\n")
    assert (counted(stack, "refused"), counted(stack, "dropped")) == (refused - 1, 1)
    assert "A. Operator" in dlq(stack, "show", first).stdout

    said = tocsin(stack, "disclosures", "--person", "A. Operator").stdout
    assert f"A. Operator dropped the dead letter {first} (" in said
    assert "(tocsin dlq drop). Reason: noise of a test." in said

    again = dlq(stack, "retry", second, "--by", "A. Operator")
    assert (again.returncode, again.stdout) == (0, "1 sent again.\n")
    _until_settled(stack)
    assert counted(stack, "refused") == refused
    assert len(listed(stack, "--state", "retried")) == 1

    twice = dlq(stack, "drop", first, "--by", "A. Operator", "--reason", "again")
    assert (twice.returncode, "dlq.not_open" in twice.stderr) == (1, True)
    assert dlq(stack, "drop", first, "--by", "A", "--reason", "again", "--dry-run").returncode == 1
    _two_people_drop_what_one_cannot(stack, third, tmp_path)


def _two_people_drop_what_one_cannot(stack: Any, name: str, folder: Path) -> None:
    """In a home whose settings name people who sign."""
    trust, config = folder / "trust.toml", folder / "home" / "config"
    people = {who: f'[signer.{who}]\npublic_key = "{new_key(folder / who)}"\n' for who in ("anna", "ben")}
    trust.write_text('first = "none"\n' + "".join(people.values()), "utf-8")
    config.mkdir(parents=True)
    own = Path(stack.config(OPS)).read_text("utf-8")
    (config / "ops.toml").write_text(f'policy_trust = "{trust}"\n{own}', "utf-8")
    pens = {
        who: ("--petition", str(folder / "petition"), "--signer", who, "--key", str(folder / who)) for who in people
    }

    def drop(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tocsin", "dlq", "drop", *words, "--home", str(folder / "home")]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)  # noqa: S603  # our own words

    alone = drop(name, "--by", "anna", "--reason", "noise")
    assert (alone.returncode, "petition.needed" in alone.stderr) == (1, True), alone
    assert drop(name, "--reason", "noise", *pens["anna"]).returncode == 0
    assert "promotion.same_signer" in drop(*pens["anna"]).stderr
    assert name in {letter["id"] for letter in listed(stack)}
    granted = drop(*pens["ben"])
    assert (granted.returncode, granted.stdout) == (0, "1 dropped.\n"), granted
    assert name not in {letter["id"] for letter in listed(stack)}
    for person in people:
        said = tocsin(stack, "disclosures", "--person", person).stdout
        assert f"anna and ben dropped the dead letter {name}" in said


def test_what_was_masked_cannot_be_sent_again_and_the_rest_of_the_batch_is(stack: Any, tmp_path: Path) -> None:
    values = [PICTURE, b"no frame"]
    producer = Producer(stack.client(MASKED))
    for value in values:
        producer.produce(submitted_topic(MASKED), value=value, key=b"masked")
    assert producer.flush(30) == 0
    with Crew(stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        _until_settled(stack, submitted_topic(MASKED))
    plain, masked = [
        letter["id"] for letter in sorted(listed(stack, member=MASKED), key=lambda letter: letter["masked"])
    ]
    done = dlq(stack, "retry", masked, plain, "--by", "A. Operator")
    assert (done.returncode, done.stdout) == (1, "1 sent again.\n")
    assert f"{masked}: " in done.stderr
    assert "dlq.masked" in done.stderr

    # docs/runbooks/an-imagery-incident.md, from its third step on
    topic, partition, offset = masked.rsplit("/", 2)
    assert holding(stack, PICTURE) == [topic]
    delete_before(stack, topic, int(partition), int(offset) + 1)
    assert holding(stack, PICTURE) == []
    (line,) = [line for line in balance_of(stack.home).lines if line.topic == topic]
    assert line.balances
    assert on_disk(stack, PICTURE), "the broker gives it out no more, and has it still"
    with Crew(stack.home, tmp_path / "later") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        delete_before(stack, topic, int(partition), a_segment_later(stack, topic, int(partition)))
    until(lambda: not on_disk(stack, PICTURE))
    with_segments_that_end(stack, topic, AlterConfigOpType.DELETE, None)
    assert dlq(stack, "drop", masked, "--by", "A. Operator", "--reason", "imagery").returncode == 0
    proof = dlq(stack, "show", masked).stdout
    assert all(word in proof for word in (topic, sha256(PICTURE).hexdigest(), "dropped by A. Operator: imagery")), proof
    assert f"dropped the dead letter {masked}" in tocsin(stack, "disclosures", "--person", "A. Operator").stdout


def on_disk(stack: Any, value: bytes) -> list[str]:
    """Files of the broker with it in them, as they lie there, those that it is about to delete among them."""
    return [str(file) for file in stack.home.glob("kafka*/**/*.log*") if value in _content(file)]


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:  # the broker has deleted it meanwhile
        return b""


def delete_before(stack: Any, topic: str, partition: int, offset: int) -> None:
    """The broker gives out nothing of the partition that is older."""
    behind, admin = TopicPartition(topic, partition, offset), AdminClient(stack.client(OPS))
    assert admin.delete_records([behind])[behind].result(30)


def a_segment_later(stack: Any, topic: str, partition: int) -> int:
    """Where the segment begins that a later record is the first of, once everything before it is settled."""
    soon = [ConfigEntry(name, "1000", incremental_operation=AlterConfigOpType.SET) for name in SOON]
    resource, admin = (
        ConfigResource(ResourceType.TOPIC, topic, incremental_configs=soon),
        AdminClient(stack.client(OPS)),
    )
    admin.incremental_alter_configs([resource])[resource].result(30)
    time.sleep(2)  # longer than a segment takes records now
    producer, begun = Producer(stack.client(MASKED)), []
    producer.produce(topic, value=b"no frame", partition=partition, on_delivery=lambda _, record: begun.append(record))
    assert producer.flush(30) == 0
    _until_settled(stack, topic)
    return begun[0].offset() or 0


def with_segments_that_end(stack: Any, topic: str, what: AlterConfigOpType, milliseconds: str | None) -> None:
    """After so long; or, deleted, as every topic's do."""
    changes = [ConfigEntry(name, milliseconds, incremental_operation=what) for name in SOON]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=changes)
    admin = AdminClient(stack.client(OPS))
    admin.incremental_alter_configs([resource])[resource].result(30)


def holding(stack: Any, value: bytes) -> list[str]:
    """The topics of the member that still give out the value, or a piece of it."""
    consumer, found = Consumer(stack.client(OPS) | {"group.id": "ops.picture", "enable.auto.commit": False}), set()
    topics = (submitted_topic(MASKED), dead_letter_topic(submitted_topic(MASKED)))
    places = [TopicPartition(topic, partition) for topic in topics for partition in (0, 1)]
    for place in places:
        place.offset, end = consumer.get_watermark_offsets(place, timeout=10)
        consumer.assign([place])
        while consumer.position([place])[0].offset < end and place.offset < end:
            for record in consumer.consume(100, timeout=1):
                found |= {place.topic for part in (record.key(), record.value()) if value[:16] in (part or b"")}
    consumer.close()
    return sorted(found)


def test_what_does_not_exist_is_said(stack: Any) -> None:
    for name in ("nonsense", f"{TOPIC}/0/999999"):
        done = dlq(stack, "show", name)
        assert (done.returncode, "dlq.unknown" in done.stderr) == (1, True)
    assert dlq(stack, "drop", "--by", "x", "--reason", "y").returncode == 2


def _until_settled(stack: Any, topic: str = TOPIC) -> None:
    deadline = time.monotonic() + 60
    while True:
        (line,) = [line for line in balance_of(stack.home).lines if line.topic == topic]
        if not line.waiting:
            return
        assert time.monotonic() < deadline
        time.sleep(0.5)
