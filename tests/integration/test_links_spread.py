"""A report that is taken back or disputed: whoever was told of a link to it is told, and what comes later knows it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from sqlalchemy import text

from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId, ReportId, report_id_of
from schemas.records.triage import LinkState, ReportTriaged
from schemas.topics import OPS, TRIAGED, status_topic
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.reports import an_item
from tests.builders.waiting import patiently as until
from tocsin.publisher import Publisher
from tocsin.runtime import settings
from tocsin.runtime.database import database_of
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.stack.demo.crew import Crew

pytestmark = pytest.mark.stack
RECIPIENT, FIRST, SECOND, THIRD = (MemberId(name) for name in ("nl-hotline", "plat-a", "ngo-b", "fr-hotline"))


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def crew(stack: Any, tmp_path: Path) -> Iterator[Crew]:
    with a_crew(stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        crew.start("returns", ("returns",))
        yield crew


def tocsin(stack: Any, *words: str) -> str:
    done = commands.tocsin(stack.home, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def handed_on(stack: Any) -> list[str]:
    """The referrals of which the recipient's sink was told that a linked report stands no more."""
    folder = settings.load(stack.config(RECIPIENT)).state / "delivered"
    return [json.loads(file.read_text())["notice"]["referral_id"] for file in folder.glob("*.notice.json")]


def publish(stack: Any, member: MemberId, reference: str) -> ReportTriaged:
    item = an_item(url="https://files.example.test/spread/1", hashes=())
    with Publisher(stack.config(member)) as publisher:
        publisher.publish(a_draft(submitter_reference=reference, items=(item,)))
    report = report_id_of(member, reference)
    found: ReportTriaged = until(
        lambda: next((t for t in read(stack, TRIAGED, ReportTriaged) if t.report_id == report), None)
    )
    return found


def read(stack: Any, topic: str, record: type) -> list[Any]:
    codec = RecordCodec(SchemaDirectory(settings.load(stack.config(OPS)).registry))
    consumer = Consumer(stack.client(OPS) | {"group.id": "ops.spread", "enable.auto.commit": False})
    found: list[Any] = []
    for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        consumer.assign([TopicPartition(topic, partition, 0)])
        for _ in range(end):
            message = consumer.poll(10)
            assert message is not None
            found.append(codec.loads(message.value(), record))
    consumer.close()
    return found


def told(stack: Any, report: ReportId) -> list[str]:
    """What the recipient was told of links of its referral of that report."""
    statuses: list[Status] = read(stack, status_topic(RECIPIENT), Status)
    return [s.code for s in statuses if s.kind is StatusKind.LINK_CHANGED and s.report_id == report]


def warned(stack: Any, *words: str) -> str:
    """What a command says beside its output."""
    command = [sys.executable, "-m", "tocsin", *words, "--home", str(stack.home)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr  # noqa: S603  # our own words


def referral_of(stack: Any, report: ReportId) -> str:
    database = database_of(settings.load(stack.config(OPS)))
    query = text("select referral_id from referrals where report_id = :report and recipient = :member")
    with database.transaction() as connection:
        found = connection.execute(query, {"report": report, "member": RECIPIENT}).scalar_one()
    database.close()
    return str(found)


def states(triaged: ReportTriaged) -> dict[ReportId, LinkState]:
    return {link.report_id: link.state for link in triaged.links}


def test_a_withdrawal_and_a_dispute_spread_one_link_far_and_no_farther(stack: Any, crew: Crew) -> None:
    first, second = publish(stack, FIRST, "spread-1"), publish(stack, SECOND, "spread-2")
    assert (states(second), second.corroboration) == ({first.report_id: LinkState.STANDS}, 1)
    tocsin(stack, "withdraw", "spread-1", "--as", FIRST, "--reason", "submitted_in_error")
    assert until(lambda: told(stack, second.report_id)) == ["link.retracted"]
    tocsin(stack, "deliver", RECIPIENT, "--once")
    answer = ("--as", RECIPIENT, "--outcome", "not_illegal")
    tocsin(stack, "answer", referral_of(stack, second.report_id), *answer)
    tocsin(stack, "deliver", RECIPIENT, "--once")
    until(lambda: disputed(stack, second.report_id))
    assert referral_of(stack, second.report_id) in handed_on(stack)
    assert referral_of(stack, second.report_id) in tocsin(stack, "subscribe", RECIPIENT, "--notices")
    assert "--notices shows them" in warned(stack, "subscribe", RECIPIENT), "whoever looks at referrals only"
    third = publish(stack, THIRD, "spread-3")
    assert (states(third), third.corroboration) == (
        {first.report_id: LinkState.RETRACTED, second.report_id: LinkState.DISPUTED},
        0,
    )
    crew.stop(grace_seconds=15)
    crew.start("returns", ("returns",))  # what was told is not told again
    time.sleep(6)
    assert told(stack, second.report_id) == ["link.retracted"]
    assert told(stack, first.report_id) == []


def disputed(stack: Any, report: ReportId) -> bool:
    database = database_of(settings.load(stack.config(OPS)))
    query = text("select count(*) from disputes where report_id = :report")
    with database.transaction() as connection:
        found = connection.execute(query, {"report": report}).scalar_one()
    database.close()
    return bool(found)
