"""After an erasure nothing of a report is in any file of an exchange, and a copy of its ciphertext opens for nobody.

On a stack of its own: topics lose their records, tables are written anew, the database comes back from a backup.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from schemas.failures import Unreadable
from schemas.records.identifiers import KeyId, MemberId, report_id_of
from schemas.records.report import ReportSubmitted
from schemas.records.values import NexusKind
from schemas.sealing import binding_in_report, personal_part, unseal
from schemas.topics import OPS, PROCESSES, TRIAGE, submitted_topic, topic_table
from tests import dumps
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.reports import a_hosting, a_nexus_claim, a_personal_part, a_source_url, an_account, an_item
from tests.builders.waiting import patiently as until
from tocsin import Publisher
from tocsin.runtime.keys.files import KeyFolder, Use
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import load
from tocsin.stack.charter import sample_charter
from tocsin.stack.ledger import balance_of
from tocsin.stack.local import LocalStack
from tocsin.stack.postgres import DATABASE

pytestmark = pytest.mark.stack
MEMBER, POLICE, HOTLINE = MemberId("plat-a"), MemberId("de-police"), MemberId("nl-hotline")
RECIPIENTS = (POLICE, HOTLINE)
TWO_SINKS: Final = """
[[sinks]]
kind = "directory"
name = "people"
format = "csv"
path = "{state}/people"

[[sinks]]
kind = "database"
name = "casework"
url = "sqlite:///{state}/casework.sqlite"
"""
PLAIN, SEALED = "marker-plain-91c4", "marker-sealed-91c4"
REFERENCE = f"{PLAIN}-reference"
REPORT = report_id_of(MEMBER, REFERENCE)
WHO = ("--by", "A. Operator", "--reason", "file 1 of a test")
SHORT: Final = {"retention.ms": "1000", "segment.ms": "1000", "file.delete.delay.ms": "0"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    stack = LocalStack(tmp_path_factory.mktemp("marker") / "home", brief=True)
    try:
        stack.up(sample_charter())
        yield stack
    finally:
        stack.down()


def tocsin(stack: Any, *words: str) -> str:
    done = commands.tocsin(stack.home, *words)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def written(path: Path) -> bytes:
    """What was ever written to a file; Kafka's indexes are mostly holes, and reading those takes minutes."""
    with path.open("rb") as file:
        end, at, found = file.seek(0, os.SEEK_END), 0, []
        while at < end:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            found.append(os.pread(file.fileno(), at - start, start))
    return b"".join(found)


def places(folder: Path, *needles: bytes) -> set[str]:
    """Where any of them stands, by the first part of each file's path."""
    found = set()
    for path in folder.rglob("*"):
        try:
            if path.is_file() and any(needle in written(path) for needle in needles):
                found.add(path.relative_to(folder).parts[0])
        except FileNotFoundError:
            continue
    return found


def publish(stack: Any) -> None:
    page = f"https://example.test/{PLAIN}"
    draft = a_draft(
        submitter_reference=REFERENCE,
        source_url=a_source_url(url=f"{page}/page"),
        items=(an_item(url=f"{page}/item", hosting=a_hosting()),),
        personal=a_personal_part(accounts=(an_account(value=SEALED),)),
        nexus=(a_nexus_claim(country="DE", kind=NexusKind.SUSPECT),),
    )
    with Publisher(stack.config(MEMBER)) as publisher:
        publisher.publish(draft)
    until(lambda: not any(line.waiting for line in balance_of(stack.home).lines))


def deliver(stack: Any) -> None:
    """One recipient has a folder of its inbox, the other a folder of its own and a database."""
    sinks = TWO_SINKS.format(state=stack.home / "state" / HOTLINE)
    (stack.home / "config" / f"{HOTLINE}.delivery.toml").write_text(sinks, "utf-8")
    for recipient in RECIPIENTS:
        tocsin(stack, "deliver", recipient, "--once")


def confirmed(stack: Any) -> int:
    """How many recipients have said that they erased it."""
    return tocsin(stack, "erase", "--report", REPORT, "--dry-run").count("confirmed")


def copied(stack: Any) -> ReportSubmitted:
    """What a copy of the broker's disk has of it: the record as its submitter sealed it."""
    codec = RecordCodec(SchemaDirectory(load(stack.config(OPS)).registry))
    consumer = Consumer(stack.client(OPS) | {"group.id": "ops.copy", "enable.auto.commit": False})
    topic = submitted_topic(MEMBER)
    consumer.assign(
        [TopicPartition(topic, part, 0) for part in consumer.list_topics(topic, 10).topics[topic].partitions]
    )
    try:
        record = consumer.poll(20)
        assert record is not None
        found = codec.loads(record.value(), ReportSubmitted)
        assert isinstance(found, ReportSubmitted)
        return found
    finally:
        consumer.close()


def opened(stack: Any, report: ReportSubmitted) -> list[str]:
    """What the keys that the exchange holds, all of them, make of the sealed part."""
    (part,) = report.sealed
    found = []
    for principal in PROCESSES:
        folder = KeyFolder(stack.keys.folder(principal))
        for name in folder.names(Use.SEAL):
            try:
                plain = unseal(part, binding_in_report(part, report), folder.sealing(KeyId(name)))
            except Unreadable:
                continue
            inside = personal_part(plain)
            found.append(inside.accounts[0].value if inside else "")
    return found


def let_segments_go(stack: Any) -> None:
    """As time does it, only sooner: every topic keeps a record for a second."""
    admin = AdminClient(stack.client(OPS))
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            spec.name,
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in SHORT.items()
            ],
        )
        for spec in topic_table(sample_charter().members)
    ]
    for done in admin.incremental_alter_configs(resources).values():
        done.result(30)


def dumped(stack: Any, file: Path) -> None:
    """A backup of the database as whoever runs it makes one."""
    dumps.run(stack, "pg_dump", "--format=custom", "--file", str(file))


def restored(stack: Any, file: Path) -> None:
    """The database as that backup has it, and nothing of what came after."""
    dumps.run(stack, "pg_restore", "--clean", "--if-exists", "--single-transaction", "--exit-on-error", str(file))


def erasures(stack: Any) -> str:
    """What the doctor says of them."""
    found = json.loads(commands.tocsin(stack.home, "doctor", "--json").stdout)
    (finding,) = (one for one in found if one["part"] == "erasures")
    return f"{finding['level']} {finding['next_command']}".strip()


def exchange_keys(stack: Any) -> None:
    """The key that it was sealed to is exchanged, and destroyed as after its time."""
    (old,) = stack.keys.private(TRIAGE).names(Use.SEAL)
    tocsin(stack, "keys", "rotate", "--as", TRIAGE, "--use", "seal")
    tocsin(stack, "keys", "revoke", old, "--reason", "superseded")
    gone = tocsin(
        stack, "keys", "destroy", "--as", TRIAGE, old, "--at-once", "--by", "D. Keeper", "--reason", "file 1 of a test"
    )
    assert f"{old} of {TRIAGE} is destroyed" in gone
    said = f"D. Keeper destroyed the sealing key {old} of {TRIAGE} (tocsin keys destroy). Reason: file 1 of a test."
    assert said in tocsin(stack, "disclosures", "--person", "D. Keeper")


def test_a_planted_marker_is_found_nowhere_after_an_erasure_and_its_ciphertext_opens_for_nobody(
    stack: Any, tmp_path: Path
) -> None:
    with a_crew(stack.home, stack.home / "logs" / "crew") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        crew.start("returns", ("returns",))
        publish(stack)
        deliver(stack)
        report = copied(stack)
        needles = (PLAIN.encode(), SEALED.encode(), report.sealed[0].ciphertext)
        with stack.postgres.connect(database="tocsin") as connection:
            connection.execute("analyze")
            connection.execute("checkpoint")
        assert places(stack.home, *needles) == {"kafka", "postgresql", "state"}
        assert places(stack.home / "state", PLAIN.encode()) >= {MEMBER, *RECIPIENTS}
        assert places(stack.home / "state" / HOTLINE, PLAIN.encode()) >= {"people", "casework.sqlite"}
        assert opened(stack, report) == [SEALED]
        backup = tmp_path / "backup"
        dumped(stack, backup)

        tocsin(stack, "erase", "--report", REPORT, *WHO)
        deliver(stack)
        tocsin(stack, "sent", "--as", MEMBER)
        until(lambda: confirmed(stack) == len(RECIPIENTS))
        let_segments_go(stack)
        assert until(lambda: places(stack.home, *needles) == {"postgresql"}), "in dead rows and the log of writes"
        assert "log of writes: what was written before is removed" in tocsin(stack, "erase", "--scrub")
        until(lambda: not places(stack.home, *needles))
        assert erasures(stack) == "ok"

    restored(stack, backup)
    assert places(stack.home, *needles) == {"postgresql"}
    assert erasures(stack) == "fail tocsin erase --again"
    with a_crew(stack.home, stack.home / "logs" / "crew") as crew:
        crew.start("late-returns", ("returns",))
        until(lambda: "erase.came_back" in crew.log("late-returns").read_text())
    assert "1 had come back and are erased again" in tocsin(stack, "erase", "--again")
    assert erasures(stack) == "ok"
    tocsin(stack, "erase", "--scrub")
    assert places(stack.home, *needles) == set()
    with stack.postgres.connect(database=DATABASE) as connection:
        held = connection.execute("select submitter_reference, retain_until from decisions").fetchall()
    assert held == [("", None)], "the row stays, what it said does not"

    exchange_keys(stack)
    assert opened(stack, report) == []
