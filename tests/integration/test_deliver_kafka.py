"""`tocsin deliver` on real Kafka: mTLS, positions of its own, Returns, and a halt where records are missing."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from consumers.inbox import Arrival
from consumers.source import KafkaSource, Topics
from consumers.store.arrivals import Position
from schemas.failures import Failure, Temporary
from schemas.records.answers import Return, ReturnKind
from schemas.records.identifiers import JurisdictionCode, MemberId
from schemas.records.referral import Referral
from schemas.records.values import Tier
from schemas.topics import OPS, RETURNS, TRIAGE, referral_topic, returns_topic, status_topic, urgent_topic
from tests.builders.referrals import a_priority, a_referral
from tests.builders.reports import YEAR_MS, an_instant
from tocsin.runtime import settings
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.subscriber import Subscriber

pytestmark = pytest.mark.stack


class Desk:
    """One member of the sample policy: what triage writes to it, its `tocsin` commands, what it answers."""

    def __init__(self, stack: Any, member: str, jurisdiction: str) -> None:
        self.stack = stack
        self.member = MemberId(member)
        self.topic = referral_topic(JurisdictionCode(jurisdiction), self.member)
        self.urgent = urgent_topic(JurisdictionCode(jurisdiction), self.member)
        self.jurisdiction = JurisdictionCode(jurisdiction)
        self.state: Path = settings.load(stack.config(member)).state
        self.codec = RecordCodec(SchemaDirectory(settings.load(stack.config(OPS)).registry))

    def referral(self, reference: str, **changes: Any) -> Referral:
        retain = an_instant(int(time.time() * 1000) + YEAR_MS)
        return a_referral(
            reference, recipient=self.member, jurisdiction=self.jurisdiction, **({"retain_until": retain} | changes)
        )

    def send(self, values: Sequence[Referral | bytes], topic: str = "", partition: int = 0) -> None:
        producer = Producer(self.stack.client(TRIAGE) | {"enable.idempotence": True})
        for value in values:
            content = value if isinstance(value, bytes) else self.codec.dumps(value)
            producer.produce(topic or self.topic, content, partition=partition)
        assert producer.flush(30) == 0

    def tocsin(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tocsin", *words, "--home", str(self.stack.home)]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)  # noqa: S603 -- our own words

    def deliver(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.tocsin("deliver", self.member, "--once", *options)

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tocsin", "deliver", self.member, "--home", str(self.stack.home)]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 -- our own words

    def delivered(self) -> list[str]:
        return sorted(path.stem for path in (self.state / "delivered").glob("[!.]*.json"))

    def returns(self) -> list[Return]:
        consumer = Consumer(self.stack.client(RETURNS) | {"group.id": "returns.test", "enable.partition.eof": True})
        topic = returns_topic(self.member)
        partitions = sorted(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        found, ended = [], 0
        while ended < len(partitions):
            message = consumer.poll(10)
            assert message is not None
            if message.error():
                ended += 1
            else:
                found.append(self.codec.loads(message.value(), Return))
        consumer.close()
        return found


def ids(referrals: Sequence[Referral]) -> list[str]:
    return sorted(referral.referral_id for referral in referrals)


def until(holds: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def ended() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def test_referrals_reach_the_folder_and_the_exchange_is_told(stack: Any) -> None:
    desk = Desk(stack, "nl-police", "nl")
    normal = [desk.referral(f"case-{number}") for number in range(20)]
    urgent = [desk.referral("urgent", priority=a_priority(Tier.URGENT))]
    desk.send([*normal, b"no record"])
    desk.send(urgent, desk.urgent)
    result = desk.deliver()
    assert result.returncode == 0, result.stderr
    assert "21 delivered" in result.stdout
    assert desk.delivered() == ids([*normal, *urgent])
    told = [answer.referral_id for answer in desk.returns() if answer.kind is ReturnKind.DELIVERED]
    assert sorted(told) == ids([*normal, *urgent])
    assert '"code":"value.not_framed"' in result.stderr


def test_an_answer_travels_back(stack: Any) -> None:
    desk = Desk(stack, "fr-police", "fr")
    referral = desk.referral("case-1")
    desk.send([referral])
    desk.deliver()
    said = desk.tocsin("answer", referral.referral_id, "--as", desk.member, "--taken-up", "--case-number", "FR-1")
    assert said.returncode == 0, said.stderr
    assert "1 taken up" in desk.deliver().stdout
    (answer,) = [each for each in desk.returns() if each.kind is ReturnKind.TAKEN_UP]
    assert (answer.case_number, answer.by_person) == ("FR-1", True)
    unknown = desk.tocsin("answer", a_referral("x").referral_id, "--as", desk.member, "--taken-up")
    assert (unknown.returncode, "answer.unknown_referral" in unknown.stderr) == (1, True)


def test_whoever_only_reads_changes_nothing(stack: Any) -> None:
    desk = Desk(stack, "gb-police", "gb")
    referrals = [desk.referral(f"case-{number}") for number in range(3)]
    desk.send(referrals)
    shown = desk.tocsin("subscribe", desk.member, "--json")
    assert sorted(json.loads(line)["referral_id"] for line in shown.stdout.splitlines()) == ids(referrals)
    for window in (("--from", "2100-01-01T00:00:00+00:00"), ("--until", "2026-01-01T00:00:00+00:00")):
        assert desk.tocsin("subscribe", desk.member, *window).stdout == ""
    with Subscriber(stack.config(desk.member)) as subscriber:
        found = list(subscriber.read(until_ms=int(time.time() * 1000)))
    assert ids(found) == ids(referrals)
    assert "3 delivered" in desk.deliver().stdout


def test_a_killed_process_loses_nothing_and_doubles_nothing(stack: Any, ended: list[subprocess.Popen[bytes]]) -> None:
    desk = Desk(stack, "de-police", "de")
    referrals = [desk.referral(f"case-{number}") for number in range(400)]
    desk.send(referrals)
    for wanted in (40, 160):
        ended.append(desk.start())
        until(lambda wanted=wanted: len(desk.delivered()) >= wanted)
        ended[-1].kill()
        ended[-1].wait()
    result = desk.deliver()
    assert "400 delivered" in result.stdout, result.stderr
    assert desk.delivered() == ids(referrals)
    manifest = (desk.state / "delivered" / "manifest.sha256").read_text().splitlines()
    assert len(manifest) == len(set(manifest)) == 400
    told = {answer.return_id for answer in desk.returns() if answer.kind is ReturnKind.DELIVERED}
    assert len(told) == 400


def test_a_stop_signal_ends_it_cleanly_and_a_second_process_is_refused(
    stack: Any, ended: list[subprocess.Popen[bytes]]
) -> None:
    desk = Desk(stack, "us-police", "us")
    ended.append(desk.start())
    until((desk.state / "inbox.sqlite").exists)
    second = desk.deliver()
    assert second.returncode == 4
    assert "[store.in_use]" in second.stderr
    ended[-1].send_signal(signal.SIGTERM)
    assert ended[-1].wait(30) == 0


def test_records_deleted_unread_halt_it_with_their_number(stack: Any) -> None:
    desk = Desk(stack, "fr-hotline", "fr")
    desk.send([desk.referral(f"case-{number}") for number in range(5)])
    desk.send([desk.referral(f"other-{number}") for number in range(4)], partition=1)
    admin = AdminClient(stack.client(OPS))
    gone = [TopicPartition(desk.topic, 0, 3), TopicPartition(desk.topic, 1, 4)]
    for deleted in admin.delete_records(gone).values():
        deleted.result(30)
    halted = desk.deliver()
    assert halted.returncode == 4
    assert "7 records were deleted unread" in halted.stderr, "of all its partitions together"
    assert desk.delivered() == []
    accepted = desk.deliver("--accept-gap", "the operator has sent them again")
    assert "2 delivered" in accepted.stdout, accepted.stderr


def test_partitions_that_could_not_be_placed_are_asked_for_again(stack: Any) -> None:
    desk = Desk(stack, "de-hotline-b", "de")
    desk.send([desk.referral(f"case-{number}") for number in range(3)])
    trouble = [Temporary("The store is busy.", code="store.busy")]

    def positions() -> dict[tuple[str, int], Position]:
        if trouble:
            raise trouble.pop()
        return {}

    topics = Topics(referrals=(desk.topic,), status=status_topic(desk.member))
    source = KafkaSource(stack.client(desk.member), f"{desk.member}.inbox", topics, positions)
    found: list[Arrival] = []
    failures = 0
    deadline = time.monotonic() + 60
    while len(found) < 3 and time.monotonic() < deadline:
        try:
            found += source.fetch(10, 0.5)
        except Temporary:
            failures += 1
    source.close()
    assert failures == 1
    assert [arrival.place.offset for arrival in found] == [0, 1, 2]


def test_a_place_that_the_broker_has_no_more_is_asked_for_anew_and_the_gap_is_counted(stack: Any) -> None:
    desk = Desk(stack, "de-hotline-b", "de")
    desk.send([desk.referral(f"astray-{number}") for number in range(3)])
    topics = Topics(referrals=(desk.topic,), status=status_topic(desk.member))
    source = KafkaSource(stack.client(desk.member), f"{desk.member}.inbox", topics, dict)
    found: list[Arrival] = []
    while len(found) < 3:
        found += source.fetch(10, 0.5)
    everything = TopicPartition(desk.topic, found[0].place.partition, OFFSET_END)
    admin = AdminClient(stack.client(OPS))
    deleted = admin.delete_records([everything])[everything].result(30).low_watermark
    source.rewind(found)
    failures: list[Failure] = []
    until(lambda: not _reads(source, failures))
    source.close()
    assert [failure.code for failure in failures] == ["inbox.astray", "inbox.gap"]
    assert f"{deleted} records were deleted unread" in str(failures[1])


def _reads(source: KafkaSource, failures: list[Failure]) -> bool:
    """Whether it can go on; what it met is kept."""
    try:
        source.fetch(10, 0.5)
    except Failure as failure:
        failures.append(failure)
    return not failures or isinstance(failures[-1], Temporary)


def test_a_topic_that_was_made_anew_halts_it(stack: Any) -> None:
    desk = Desk(stack, "gb-hotline", "gb")
    desk.send([desk.referral("case-1")])
    assert desk.deliver().returncode == 0
    admin = AdminClient(stack.client(OPS))
    admin.delete_topics([desk.topic])[desk.topic].result(30)
    until(lambda: desk.topic not in admin.list_topics(timeout=10).topics)
    admin.create_topics([NewTopic(desk.topic, 2, 1)])[desk.topic].result(30)
    desk.send([desk.referral("case-2")])
    halted = desk.deliver()
    assert (halted.returncode, "[inbox.other_topic]" in halted.stderr) == (4, True), halted.stderr


def test_a_certificate_of_another_member_reads_nothing(stack: Any, tmp_path: Path) -> None:
    desk = Desk(stack, "us-hotline", "us")
    desk.send([desk.referral("case-1")])
    own = stack.config("us-hotline").read_text()
    foreign = own.replace("certificates/us-hotline.", "certificates/plat-a.")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "us-hotline.toml").write_text(foreign.replace(str(desk.state), str(tmp_path / "state")))
    command = [sys.executable, "-m", "tocsin", "deliver", "us-hotline", "--once", "--home", str(tmp_path)]
    halted = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)  # noqa: S603 -- our own words
    assert halted.returncode == 4
    assert "AUTHORIZATION" in halted.stderr
    assert not list((tmp_path / "state").glob("delivered/*.json"))
