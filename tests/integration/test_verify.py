"""A recipient verifies the submitter's word on the real stack, and finds the field that somebody changed on the way."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace

from consumers.provenance import Provenance
from schemas.disclosure import Audience
from schemas.records.identifiers import MemberId, report_id_of
from schemas.records.referral import Referral
from schemas.topics import OPS, referral_topic
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.reports import a_hosting, an_item
from tocsin import Publisher, Subscriber
from tocsin.runtime import settings
from tocsin.runtime.registry import RecordCodec, SchemaDirectory

pytestmark = pytest.mark.stack
SUBMITTER, RECIPIENT = MemberId("fr-hotline"), MemberId("nl-hotline")


@pytest.fixture
def stack(busy_stack: Any, tmp_path: Path) -> Iterator[Any]:
    with a_crew(busy_stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        yield busy_stack


def arrived(stack: Any, reference: str) -> list[Referral]:
    """What the recipient reads of that report, oldest first."""
    report_id = report_id_of(SUBMITTER, reference)
    with Subscriber(stack.config(RECIPIENT)) as subscriber:
        until_ms = time.time_ns() // 1_000_000
        return [one for one in subscriber.read(until_ms=until_ms) if one.report_id == report_id]


def once_there(stack: Any, reference: str, count: int) -> list[Referral]:
    deadline = time.monotonic() + 60
    while len(found := arrived(stack, reference)) < count:
        assert time.monotonic() < deadline, "not referred in time"
        time.sleep(0.5)
    return found


def meddle(stack: Any, referral: Referral) -> None:
    """As whoever may write to every topic."""
    codec = RecordCodec(SchemaDirectory(settings.load(stack.config(OPS)).registry))
    value = codec.dumps(referral, Audience.HOTLINE)
    producer = Producer(stack.client(OPS))
    producer.produce(referral_topic(referral.jurisdiction, RECIPIENT), value=value, key=referral.referral_id.encode())
    assert producer.flush(30) == 0


def verify(stack: Any, file: Path) -> tuple[int, list[dict[str, Any]]]:
    done = commands.tocsin(stack.home, "verify", str(file), "--json")
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_recipient_verifies_each_field_and_finds_the_one_that_was_changed(stack: Any, tmp_path: Path) -> None:
    with Publisher(stack.config(SUBMITTER)) as publisher:
        publisher.publish(a_draft(submitter_reference="verify-1", items=(an_item(hosting=a_hosting()),)))
    (sent,) = once_there(stack, "verify-1", 1)
    meddle(stack, replace(sent, items=(replace(sent.items[0], url="https://elsewhere.example.test/1"),)))
    with Subscriber(stack.config(RECIPIENT)) as subscriber:
        found = [subscriber.provenance(one) for one in once_there(stack, "verify-1", 2)]
    assert [one.provenance for one in found] == [Provenance.VERIFIED, Provenance.ALTERED]
    assert {"items[0].url", "items[0].hosting", "mark", "submitter_reference"} <= set(found[0].signed)
    assert found[1].altered == ("items[0].url",)
    file = tmp_path / "referrals.jsonl"
    lines = commands.said(stack.home, "subscribe", RECIPIENT, "--json")
    file.write_text("".join(f"{line}\n" for line in lines.splitlines() if sent.referral_id in line), "utf-8")
    code, told = verify(stack, file)
    assert (code, [one["finding"]["provenance"] for one in told]) == (3, ["verified", "altered"])
    assert "items[0].url" in told[1]["sentence"]
