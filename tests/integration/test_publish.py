"""`tocsin publish` on the real stack: journal, lanes, rejects and a broker that is away."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from schemas.headers import read_headers
from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.topics import OPS, TRIAGE, escalated_topic, submitted_topic
from tests.builders.drafts import a_row
from tocsin.runtime import settings
from tocsin.runtime.registry import RecordCodec, SchemaDirectory

pytestmark = pytest.mark.stack
SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "xarf"


def tocsin(stack: Any, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", *words, "--home", str(stack.home)]
    done = subprocess.run(command, check=False, capture_output=True, input=stdin, timeout=120)  # noqa: S603  # our own words
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def records(stack: Any, topic: str) -> list[Message]:
    """Everything on a topic, as triage may read it."""
    consumer = Consumer(stack.client(TRIAGE) | {"group.id": "triage.test", "enable.auto.commit": False})
    found: list[Message] = []
    for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        consumer.assign([TopicPartition(topic, partition, 0)])
        seen = 0
        while seen < end:
            message = consumer.poll(10)
            assert message is not None
            assert message.error() is None
            found.append(message)
            seen += 1
    consumer.close()
    return found


def published(stack: Any, topic: str) -> dict[str, ReportSubmitted | Withdrawal]:
    codec = RecordCodec(SchemaDirectory(settings.load(stack.config(OPS)).registry))
    found: dict[str, ReportSubmitted | Withdrawal] = {}
    for message in records(stack, topic):
        if message.headers() is None:
            continue  # what another test wrote there is none of Tocsin's
        record = codec.loads(message.value(), ReportSubmitted, Withdrawal)
        assert isinstance(record, ReportSubmitted | Withdrawal)
        found[f"{record.submitter_reference}/{record.revision}"] = record
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = [
        a_row(submitter_reference="good-1", mark="test"),
        a_row(submitter_reference="bad", mark="test", declared_country="XQ"),
        a_row(submitter_reference="urgent", mark="test", escalation={"reason_code": "imminent_danger"}),
    ]
    path = tmp_path / "reports.jsonl"
    path.write_bytes(b"\n".join(json.dumps(row).encode() for row in rows))
    return path


def test_good_lines_go_through_and_the_others_come_back_to_be_corrected(stack: Any, file: Path) -> None:
    done = tocsin(stack, "publish", str(file), "--as", "fr-hotline")
    assert done.returncode == 1
    assert "2 taken (1 urgent), 2 sent." in done.stdout
    assert "line 2, declared_country" in done.stderr
    assert "good-1/1" in published(stack, submitted_topic(MemberId("fr-hotline")))
    assert "urgent/1" in published(stack, escalated_topic(MemberId("fr-hotline")))
    rejects = file.with_name("reports.jsonl.rejected.jsonl")
    corrected = json.loads(rejects.read_text()) | {"declared_country": "NL"}
    again = tocsin(stack, "publish", "-", "--as", "fr-hotline", stdin=json.dumps(corrected).encode())
    assert (again.returncode, "1 taken" in again.stdout) == (0, True)


def test_publishing_again_sends_nothing_twice_and_headers_name_the_event(stack: Any, file: Path) -> None:
    for _ in range(2):
        tocsin(stack, "publish", str(file), "--as", "de-hotline-b", "--test")
    (record,) = records(stack, submitted_topic(MemberId("de-hotline-b")))
    event = read_headers(record.headers())  # type: ignore[arg-type]  # the client's annotation allows texts as well
    assert event.source == "de-hotline-b"
    assert event.event_id.endswith("/1")
    assert record.key() is not None


def test_a_correction_and_a_withdrawal_follow_as_revisions(stack: Any, tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    for command, platform in (("publish", "first"), ("correct", "second")):
        path.write_text(json.dumps(a_row(submitter_reference="corrected", platform=platform, mark="test")))
        assert tocsin(stack, command, str(path), "--as", "us-hotline").returncode == 0
    again = tocsin(stack, "correct", str(path), "--as", "us-hotline")
    assert (again.returncode, "[report.not_changed]" in again.stderr) == (1, True), again.stderr
    taken_back = tocsin(stack, "withdraw", "corrected", "--as", "us-hotline", "--reason", "submitted_in_error")
    assert (taken_back.returncode, "revision 3" in taken_back.stdout) == (0, True)
    found = published(stack, submitted_topic(MemberId("us-hotline")))
    assert isinstance(found["corrected/2"], ReportSubmitted)
    assert isinstance(found["corrected/3"], Withdrawal)
    twice = tocsin(stack, "withdraw", "corrected", "--as", "us-hotline", "--reason", "other")
    assert (twice.returncode, "report.already_withdrawn" in twice.stderr) == (1, True)


def test_without_broker_reports_wait_and_are_sent_later(stack: Any, tmp_path: Path, file: Path) -> None:
    away = tmp_path / "home" / "config"
    away.mkdir(parents=True)
    text = stack.config("de-hotline-c").read_text()
    tocsin(stack, "publish", "-", "--as", "de-hotline-c", stdin=json.dumps(a_row(mark="test")).encode())  # ids on disk
    (away / "de-hotline-c.toml").write_text(text.replace(stack.kafka.bootstrap, "localhost:1"))
    words = ("publish", str(file), "--as", "de-hotline-c", "--wait-seconds", "1")
    command = [sys.executable, "-m", "tocsin", *words, "--home", str(tmp_path / "home")]
    failed = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603  # our own words
    assert (failed.returncode, "2 reports wait safely" in failed.stderr) == (4, True)
    assert "good-1/1" not in published(stack, submitted_topic(MemberId("de-hotline-c")))
    later = tocsin(stack, "publish", "--as", "de-hotline-c")
    assert "0 taken (0 urgent), 2 sent." in later.stdout
    assert "good-1/1" in published(stack, submitted_topic(MemberId("de-hotline-c")))


def test_many_escalations_in_one_file_are_asked_about_first(stack: Any, tmp_path: Path) -> None:
    rows = [a_row(submitter_reference=f"e{n}", mark="test", escalation={"reason_code": "other"}) for n in range(21)]
    path = tmp_path / "many.jsonl"
    path.write_bytes(b"\n".join(json.dumps(row).encode() for row in rows))
    refused = tocsin(stack, "publish", str(path), "--as", "de-hotline-a")
    assert (refused.returncode, "escalation.not_confirmed" in refused.stderr) == (1, True)
    assert tocsin(stack, "publish", str(path), "--as", "de-hotline-a", "--yes").returncode == 0


def test_another_members_certificate_is_refused_before_anything_is_sent(stack: Any, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    text = stack.config("plat-a").read_text().replace('principal = "plat-a"', 'principal = "ngo-b"')
    (config / "ngo-b.toml").write_text(text)
    command = [sys.executable, "-m", "tocsin", "publish", "--as", "ngo-b", "--home", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603  # our own words
    assert (done.returncode, "identity.wrong_member" in done.stderr) == (4, True)


@pytest.mark.parametrize("member", ["nl-police", "nobody"])
def test_who_does_not_submit_publishes_nothing(stack: Any, member: str) -> None:
    done = tocsin(stack, "publish", "--as", member)
    assert done.returncode in {1, 4}
    assert "member.not_submitter" in done.stderr or "missing" in done.stderr


def test_a_dry_run_and_a_validation_publish_nothing(stack: Any, file: Path) -> None:
    dry = tocsin(stack, "publish", str(file), "--as", "gb-hotline", "--dry-run")
    assert (dry.returncode, "2 good (1 urgent), 1 to correct." in dry.stdout) == (1, True)
    assert tocsin(stack, "sent", "--as", "gb-hotline").stdout == ""


def test_the_lines_of_the_readme_publish_a_report(stack: Any) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    code = readme.partition("```python\n")[2].partition("```")[0]
    assert len(code.strip().splitlines()) <= 11
    exec(code.replace(".tocsin/config/plat-a.toml", str(stack.config("plat-a"))), {})  # noqa: S102  # our own README
    assert "CASE-2026-0001/1" in published(stack, submitted_topic(MemberId("plat-a")))
