"""`tocsin dlq` on the real stack: noise becomes dead letters, which a person shows, sends again or drops."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from schemas.framing import frame
from schemas.records.identifiers import MemberId
from schemas.topics import OPS, RETENTION_MS, dead_letter_topic, submitted_topic
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.reports import a_report
from tests.builders.signing import a_signer
from tests.builders.waiting import patiently as until
from tocsin.policy.store.trust import new_key
from tocsin.runtime import settings
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
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
    return commands.tocsin(stack.home, *words)


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
    with a_crew(stack.home, tmp_path) as crew:
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

    again = dlq(stack, "retry", second, "--by", "A. Operator", "--reason", "the decoder was mended")
    assert (again.returncode, again.stdout) == (0, "1 sent again.\n")
    said = tocsin(stack, "disclosures", "--person", "A. Operator").stdout
    assert f"A. Operator sent again the record of the dead letter {second} (" in said
    assert "(tocsin dlq retry). Reason: the decoder was mended." in said
    assert "retried by A. Operator: the decoder was mended" in dlq(stack, "show", second).stdout
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
        return commands.tocsin(folder / "home", "dlq", "drop", *words)

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
    copies = [copied(stack, submitted_topic(MASKED), tmp_path / "before")]
    producer = Producer(stack.client(MASKED))
    for value in values:
        producer.produce(submitted_topic(MASKED), value=value, key=b"masked")
    assert producer.flush(30) == 0
    with a_crew(stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        _until_settled(stack, submitted_topic(MASKED))
    plain, masked = [
        letter["id"] for letter in sorted(listed(stack, member=MASKED), key=lambda letter: letter["masked"])
    ]
    done = dlq(stack, "retry", masked, plain, "--by", "A. Operator", "--reason", "a test")
    assert (done.returncode, done.stdout) == (1, "1 sent again.\n")
    said = tocsin(stack, "disclosures", "--person", "A. Operator").stdout
    assert f"the record of the dead letter {plain} " in said
    assert f"the record of the dead letter {masked} " not in said, "what was refused was not done"
    assert f"{masked}: " in done.stderr
    assert "dlq.masked" in done.stderr

    # docs/runbooks/an-imagery-incident.md
    topic, partition, offset = masked.rsplit("/", 2)
    excuse = ("--by", "A. Operator", "--reason", "imagery on its topic")
    assert tocsin(stack, "member", "suspend", MASKED, *excuse).returncode == 0
    assert refusal(stack, topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    _says_whom_to_tell(stack, masked, tmp_path / "named")
    _is_kept_until_it_is_ended(stack, topic)
    copies.append(copied(stack, topic, tmp_path / "within"))
    delete_before(stack, topic, int(partition), int(offset) + 1)
    assert holding(stack, PICTURE) == []
    (line,) = [line for line in balance_of(stack.home).lines if line.topic == topic]
    assert line.balances
    assert on_disk(stack, PICTURE), "the broker gives it out no more, and has it still"
    assert tocsin(stack, "member", "resume", MASKED, *excuse).returncode == 0
    with a_crew(stack.home, tmp_path / "later") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        delete_before(stack, topic, int(partition), a_segment_later(stack, topic, int(partition)))
    until(lambda: not on_disk(stack, PICTURE))
    copies.append(copied(stack, topic, tmp_path / "after"))
    _backups_without_it(copies, f"{topic}-{partition}", int(offset))
    configured(stack, topic, AlterConfigOpType.DELETE, None)
    assert dlq(stack, "drop", masked, "--by", "A. Operator", "--reason", "imagery").returncode == 0
    proof = dlq(stack, "show", masked).stdout
    assert all(word in proof for word in (topic, sha256(PICTURE).hexdigest(), "dropped by A. Operator: imagery")), proof
    assert f"dropped the dead letter {masked}" in tocsin(stack, "disclosures", "--person", "A. Operator").stdout


def _is_kept_until_it_is_ended(stack: Any, topic: str) -> None:
    """Police want the record, and whoever upgrades or adds a member meanwhile takes it from nobody."""
    configured(stack, topic, AlterConfigOpType.SET, "-1", names=("retention.ms",))
    kept = f"= topic {topic}: kept whatever its age"
    assert kept in tocsin(stack, "acl", "apply").stdout
    assert tocsin(stack, "provision", "--only", "topics").returncode == 0
    assert (retention(stack, topic), holding(stack, PICTURE)) == ("-1", [topic])
    mistyped = tocsin(stack, "acl", "apply", "--end-keeping", f"{topic}x")
    assert (mistyped.returncode, retention(stack, topic)) == (2, "-1"), mistyped
    ended = tocsin(stack, "acl", "apply", "--end-keeping", topic)
    assert f"~ topic {topic}: configuration" in ended.stdout, ended
    assert retention(stack, topic) == str(RETENTION_MS)
    assert topic not in tocsin(stack, "acl", "plan").stdout


def _backups_without_it(copies: list[Path], place: str, offset: int) -> None:
    """The file that may hold it is found by its name, in each backup, and nobody looks into it."""
    held = [copy for copy in copies if any(PICTURE in file.read_bytes() for file in copy.rglob("*.log"))]
    assert [copy.name for copy in held] == ["within"]
    suspect = [file for copy in copies if (file := segment_of(copy / place, offset))]
    assert [file.parent.parent.name for file in suspect] == ["before", "within"], "of the first its time says no"
    for file in suspect:
        file.unlink()
    assert not any(PICTURE in file.read_bytes() for copy in copies for file in copy.rglob("*.log"))


def segment_of(folder: Path, offset: int) -> Path | None:
    """Named after the first offset in it: the greatest one that is not above."""
    return max((file for file in folder.glob("*.log") if int(file.stem) <= offset), default=None)


def copied(stack: Any, topic: str, folder: Path) -> Path:
    """As a backup of the broker's disk has the topic."""
    for source in stack.home.glob(f"kafka*/**/{topic}-*"):
        (folder / source.name).mkdir(parents=True)
        for file in source.glob("*.log"):
            shutil.copy2(file, folder / source.name)
    return folder


def retention(stack: Any, topic: str) -> str:
    """How long the broker keeps what is on the topic, in milliseconds."""
    resource, admin = ConfigResource(ResourceType.TOPIC, topic), AdminClient(stack.client(OPS))
    return str(admin.describe_configs([resource])[resource].result(30)["retention.ms"].value)


def refusal(stack: Any, topic: str) -> int | None:
    """Why the broker does not take the member's next record; None where it takes it."""
    producer, errors = Producer(stack.client(MASKED)), []
    producer.produce(topic, value=b"no frame", on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(30) == 0
    return errors[0].code() if errors[0] else None


def _says_whom_to_tell(stack: Any, name: str, folder: Path) -> None:
    """What an operator reads out, here without the officer and the police unit, there in a home that names them."""
    shown = dlq(stack, "show", name).stdout
    assert f"1. {MASKED}: by telephone, the number of the signed sheet" in shown, shown
    assert "Set police_unit of [incident_contacts] in ops.toml" in shown
    (what,) = [line for line in shown.splitlines() if line.startswith("This alone: ")]
    came, size, digest = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", len(PICTURE), sha256(PICTURE).hexdigest()
    assert re.fullmatch(f"This alone: {re.escape(name)}, {came}, {size} bytes, SHA-256 {digest}", what), what
    assert "a picture it may be" not in shown
    (folder / "config").mkdir(parents=True)
    named = '[incident_contacts]\ndata_protection_officer = "+32 2 555 01 01"\npolice_unit = "+32 2 555 01 02"\n'
    (folder / "config" / "ops.toml").write_text(Path(stack.config(OPS)).read_text("utf-8") + named, "utf-8")
    there = commands.said(folder, "dlq", "show", name)
    assert "2. data-protection officer: +32 2 555 01 01\n  3. police unit: +32 2 555 01 02\n" in there


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
    configured(stack, topic, AlterConfigOpType.SET, "1000")
    time.sleep(2)  # longer than a segment takes records now
    producer, begun = Producer(stack.client(MASKED)), []
    producer.produce(topic, value=b"no frame", partition=partition, on_delivery=lambda _, record: begun.append(record))
    assert producer.flush(30) == 0
    _until_settled(stack, topic)
    return begun[0].offset() or 0


def configured(
    stack: Any, topic: str, what: AlterConfigOpType, milliseconds: str | None, names: tuple[str, ...] = SOON
) -> None:
    """The topic's segments end after so long; or, deleted, as every topic's do."""
    changes = [ConfigEntry(name, milliseconds, incremental_operation=what) for name in names]
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
