"""Sealing on the real stack: what names a person is its recipient's alone to read, and to hold against a signature."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec.structs import replace

from consumers.provenance import Finding, Provenance
from schemas.codec import encode
from schemas.disclosure import Audience
from schemas.records.identifiers import MemberId, report_id_of
from schemas.records.referral import Referral
from schemas.records.values import NexusKind
from schemas.sealing import personal_part
from schemas.topics import OPS, TRIAGE, referral_topic, submitted_topic
from tests import dumps
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.reports import a_nexus_claim, a_personal_part, an_account
from tocsin import Publisher, Subscriber
from tocsin.runtime import settings
from tocsin.runtime.keys.sealing import sealed_for, sealing_key
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.stack.demo.crew import Crew
from tocsin.stack.ledger import balance_of

pytestmark = pytest.mark.stack
MEMBER, POLICE = MemberId("plat-a"), MemberId("de-police")
MARKER = "marker-5b1e-nobody"
TRIAGE_NORMAL = ("triage", "--lane", "normal")
WAIT_SECONDS = 60


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def crew(stack: Any, tmp_path: Path) -> Iterator[Crew]:
    with a_crew(stack.home, tmp_path) as crew:
        crew.start("normal", TRIAGE_NORMAL)
        yield crew


def tocsin(stack: Any, *words: str) -> str:
    return commands.said(stack.home, *words)


def publish(stack: Any, reference: str, value: str = MARKER) -> None:
    personal = a_personal_part(accounts=(an_account(value=value),))
    nexus = (a_nexus_claim(country="DE", kind=NexusKind.SUSPECT),)
    with Publisher(stack.config(MEMBER)) as publisher:
        publisher.publish(a_draft(submitter_reference=reference, personal=personal, nexus=nexus))


def settled(stack: Any) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while any(line.topic == submitted_topic(MEMBER) and line.waiting for line in balance_of(stack.home).lines):
        assert time.monotonic() < deadline, "not settled in time"
        time.sleep(0.2)


def on_topics(stack: Any) -> list[tuple[str, bytes]]:
    """Every byte of every record of every topic, the broker's own included; read side by side."""
    consumer = Consumer(stack.client(OPS) | {"group.id": "ops.marker", "enable.auto.commit": False})
    left = dict(_ranges(consumer))
    consumer.assign([TopicPartition(topic, partition, first) for (topic, partition), (first, _) in left.items()])
    found, deadline = [], time.monotonic() + WAIT_SECONDS
    while left:
        assert time.monotonic() < deadline, f"not read to the end: {sorted(left)}"
        for record in consumer.consume(1_000, timeout=1):
            assert record.error() is None
            headers: Any = record.headers() or []
            topic, partition = record.topic() or "", record.partition() or 0
            found.append(
                (topic, b"".join((record.key() or b"", record.value() or b"", *(v or b"" for _, v in headers))))
            )
            if (record.offset() or 0) + 1 >= left.get((topic, partition), (0, 0))[1]:
                left.pop((topic, partition), None)
    consumer.close()
    return found


def _ranges(consumer: Consumer) -> Iterator[tuple[tuple[str, int], tuple[int, int]]]:
    """First offset and end of each partition that holds anything."""
    for name, topic in consumer.list_topics(timeout=10).topics.items():
        for partition in topic.partitions:
            first, end = consumer.get_watermark_offsets(TopicPartition(name, partition), timeout=10)
            if first < end:
                yield (name, partition), (first, end)


def in_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and MARKER.encode() in file.read_bytes())


def dumped(stack: Any) -> bytes:
    """The whole database, as whoever runs it can read it."""
    return dumps.run(stack, "pg_dump")


def disclosed_to_police(stack: Any, reference: str) -> list[str]:
    """The keys that a disclosure of a personal part was sealed to, as the audit log has it."""
    words = ("disclosures", "--report", reference, "--member", POLICE, "--json")
    (told,) = map(json.loads, tocsin(stack, *words).splitlines())
    assert "sealed" in told["fields"]
    keys: list[str] = told["sealed_to"]
    return keys


def test_what_names_a_person_is_read_by_its_recipient_alone_while_the_keys_are_exchanged(
    stack: Any, crew: Crew
) -> None:
    publish(stack, "sealed-1")
    settled(stack)
    crew.leave("normal", 10)
    publish(stack, "sealed-under-way")
    for principal in (TRIAGE, POLICE):
        tocsin(stack, "keys", "rotate", "--as", principal, "--use", "seal")
    crew.start("normal", TRIAGE_NORMAL)
    publish(stack, "sealed-2")
    settled(stack)

    contents = on_topics(stack)
    assert {submitted_topic(MEMBER), f"referrals.de.{POLICE}.v1"} <= {topic for topic, _ in contents}
    assert [topic for topic, content in contents if MARKER.encode() in content] == []
    dump = dumped(stack)
    assert b"sealed-2" in dump
    assert MARKER.encode() not in dump
    assert in_files(stack.home) == []

    with Subscriber(stack.config(POLICE)) as subscriber:
        referrals = list(subscriber.read(until_ms=time.time_ns() // 1_000_000))
    read = [part for one in referrals for part in map(personal_part, one.sealed) if part]
    assert [one.value for part in read for one in part.accounts if one.value == MARKER] == [MARKER] * 3
    first, under_way, last = (disclosed_to_police(stack, name) for name in ("sealed-1", "sealed-under-way", "sealed-2"))
    assert first != under_way == last, "each disclosure is in the log, with the key that it was sealed to"
    tocsin(stack, "deliver", POLICE, "--once")
    found = in_files(stack.home)
    assert found
    assert {file.relative_to(stack.home / "state" / POLICE).parts[0] for file in found} == {"delivered"}


def read_by_police(stack: Any, reference: str) -> list[tuple[Referral, Finding]]:
    """What they read of a report, opened, and what they find of it by their own directory of keys."""
    report_id = report_id_of(MEMBER, reference)
    with Subscriber(stack.config(POLICE)) as subscriber:
        read = subscriber.read(until_ms=time.time_ns() // 1_000_000)
        return [(one, subscriber.provenance(one)) for one in read if one.report_id == report_id]


def meddle(stack: Any, referral: Referral) -> None:
    """As whoever reads what triage reads and may write to every topic: another account, sealed to the same member."""
    (part,) = referral.sealed
    inside = personal_part(part)
    assert inside is not None
    planted = replace(inside, accounts=(replace(inside.accounts[0], value="user-planted"),))
    key = sealing_key(stack.keys.keeper.directory(), POLICE, time.time_ns() // 1_000_000)
    assert key is not None
    sealed = sealed_for(referral, replace(part, ciphertext=encode(planted)), key)
    codec = RecordCodec(SchemaDirectory(settings.load(stack.config(OPS)).registry))
    producer = Producer(stack.client(OPS))
    value = codec.dumps(replace(referral, sealed=(sealed,)), Audience.LEA)
    producer.produce(referral_topic(referral.jurisdiction, POLICE), value=value, key=referral.referral_id.encode())
    assert producer.flush(30) == 0


@pytest.mark.usefixtures("crew")
def test_its_recipient_verifies_what_names_a_person_and_finds_the_field_that_was_changed(
    stack: Any, tmp_path: Path
) -> None:
    publish(stack, "sealed-proven", "user-proven")
    settled(stack)
    ((sent, found),) = read_by_police(stack, "sealed-proven")
    assert found.is_verified
    assert CHANGED in found.personal[0].signed
    assert CHANGED not in delivered(stack)
    (written,) = (stack.home / "state" / POLICE / "delivered").rglob(f"*{sent.referral_id}*.json")
    assert "PERSONAL PART VERIFIED" in tocsin(stack, "verify", str(written), "--as", POLICE)
    receipts = commands.tocsin(stack.home, "receipts", sent.report_id)
    assert (receipts.returncode, "personal part SEALED" in receipts.stdout) == (0, True)
    assert "its recipient alone can verify it" in receipts.stderr

    meddle(stack, sent)
    both = {one.personal[0].provenance: one for _, one in read_by_police(stack, "sealed-proven")}
    assert both.keys() == {Provenance.VERIFIED, Provenance.ALTERED}
    assert both[Provenance.ALTERED].provenance is Provenance.VERIFIED, "no field of the report itself was changed"
    assert both[Provenance.ALTERED].all_altered == (CHANGED,)
    shown = [line for line in tocsin(stack, "subscribe", POLICE).splitlines() if sent.referral_id in line]
    assert sorted("personal part verified" in line for line in shown) == [False, True]
    assert [line for line in shown if f"personal part altered: {CHANGED}" in line]
    code, told = verified(stack, sent, tmp_path / "referrals.jsonl")
    assert (code, set(told)) == (3, {"verified", "altered"})
    assert CHANGED in told["altered"]
    assert CHANGED in delivered(stack), "the inbox sounds the alarm"


CHANGED = "personal.accounts[0].value"


def delivered(stack: Any) -> str:
    """What `tocsin deliver` says; never what the field holds."""
    done = commands.tocsin(stack.home, "deliver", POLICE, "--once")
    assert done.returncode == 0
    assert not any(value in done.stdout + done.stderr for value in ("user-planted", "user-proven"))
    return done.stderr


def verified(stack: Any, sent: Referral, file: Path) -> tuple[int, dict[str, str]]:
    """How `tocsin verify` ends on what `tocsin subscribe --json` shows of a referral; its sentences by the finding."""
    lines = tocsin(stack, "subscribe", POLICE, "--json").splitlines()
    file.write_text("".join(f"{line}\n" for line in lines if sent.referral_id in line), "utf-8")
    done = commands.tocsin(stack.home, "verify", str(file), "--json")
    told = map(json.loads, done.stdout.splitlines())
    return done.returncode, {one["finding"]["personal"][0]["provenance"]: one["sentence"] for one in told}
