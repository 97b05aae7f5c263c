"""Everything that may arrive on a member's topic, on the real stack: each bad record gets its own sentence, alone."""

import asyncio
import base64
import hashlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import OFFSET_END, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, OffsetSpec

from benchmarks.measuring import peak_bytes
from schemas.codec import MAX_SUBMITTED_BYTES
from schemas.framing import frame
from schemas.records.answers import Return, ReturnKind
from schemas.records.identifiers import CountryCode, MemberId, ReferralId, ReportId
from schemas.records.report import ReportSubmitted
from schemas.records.values import Text
from schemas.topics import submitted_topic
from tests.builders import commands
from tests.builders.batches import bombs, sent
from tests.builders.commands import a_crew
from tests.builders.reports import a_hosting, a_report, a_source_url, an_instant, an_item
from tests.builders.signing import a_signer
from tocsin.runtime import settings
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.stack.demo.crew import Crew
from tocsin.stack.ledger import balance_of

pytestmark = pytest.mark.stack
MEMBER = MemberId("de-hotline-a")
TOPIC = submitted_topic(MEMBER)
PAYLOAD = base64.b64encode(base64.b64encode(hashlib.shake_256(b"seed").digest(600))).decode()
"""Random bytes, encoded twice."""


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def codec(stack: Any) -> RecordCodec:
    return RecordCodec(SchemaDirectory(settings.load(stack.config("ops")).registry))


@pytest.fixture
def crew(stack: Any, tmp_path: Path) -> Iterator[Crew]:
    with a_crew(stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        yield crew


def mine(reference: str, **changes: Any) -> ReportSubmitted:
    return a_report(submitter=MEMBER, submitter_reference=reference, **changes)


def elsewhere(country: str) -> dict[str, Any]:
    there = a_hosting(country=CountryCode(country))
    return {"source_url": a_source_url(hosting=there), "items": (an_item(hosting=there),)}


def outcomes(stack: Any) -> dict[str, int]:
    (line,) = [line for line in balance_of(stack.home).lines if line.topic == TOPIC]
    assert line.balances
    return dict(line.outcomes) | {"waiting": line.waiting}


def settled_after(stack: Any, before: dict[str, int]) -> dict[str, int]:
    """How many more of each outcome there are, once nothing waits."""
    deadline = time.monotonic() + 60
    while (now := outcomes(stack))["waiting"]:
        assert time.monotonic() < deadline, "not settled in time"
        time.sleep(0.5)
    return {name: count - before.get(name, 0) for name, count in now.items() if count != before.get(name, 0)}


def send(stack: Any, *values: bytes, partition: int = -1) -> None:
    """Onto the partition that the key says, unless another is named."""
    producer, signer = Producer(stack.client(MEMBER)), a_signer(stack.config(MEMBER))
    for value in values:
        headers: Any = signer.headers(ReportSubmitted, value)
        producer.produce(TOPIC, value=value, key=b"one partition", headers=headers, partition=partition)
    assert producer.flush(30) == 0


def letters(stack: Any) -> list[dict[str, Any]]:
    done = commands.tocsin(stack.home, "dlq", "list", "--json", "--member", MEMBER)
    done.check_returncode()
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.usefixtures("crew")
def test_each_bad_record_is_refused_for_its_own_reason_and_the_good_ones_around_it_go_on(
    stack: Any, codec: RecordCodec
) -> None:
    whole = codec.dumps(mine("bad-0", platform="platform"))
    answer = Return(
        return_id="r",
        referral_id=ReferralId("2b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e33"),
        report_id=ReportId("2b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e33"),
        member=MEMBER,
        kind=ReturnKind.DELIVERED,
        at=an_instant(),
    )
    bad = {
        "record.truncated": whole[:60],
        "schema.unknown_id": frame(987_654) + whole[5:],
        "record.wrong_type": codec.dumps(answer),
        "value.empty": b"",
        "value.not_framed": b"\x89PNG\r\n\x1a\n no frame",
        "record.too_large": whole + b"x" * MAX_SUBMITTED_BYTES,
        "record.malformed": whole.replace(b"platform", b"platf\xffrm"),
        "report.date_in_future": codec.dumps(mine("bad-1", detected_at=an_instant(4_000_000_000_000))),
        "report.wrong_submitter": codec.dumps(a_report(submitter=MemberId("ngo-b"), submitter_reference="bad-2")),
        "report.wrong_id": codec.dumps(mine("bad-3", report_id=ReportId("no id at all"))),
        "firewall.data_uri": codec.dumps(mine(f"data:image/png;base64,{PAYLOAD[:60]}")),
    }
    before, earlier = outcomes(stack), letters(stack)
    good = [codec.dumps(mine(f"good-{number}")) for number in range(len(bad) + 1)]
    interleaved = [good[0]]
    for number, value in enumerate(bad.values(), 1):
        interleaved += [value, good[number]]
    send(stack, *interleaved)
    assert settled_after(stack, before) == {"routed": len(good), "refused": len(bad)}
    found = {letter["code"]: letter for letter in letters(stack) if letter not in earlier}
    assert set(found) == set(bad)
    for code, value in bad.items():
        assert (found[code]["value_bytes"], found[code]["value_sha256"]) == (
            len(value),
            hashlib.sha256(value).hexdigest(),
        )
    assert {code for code, letter in found.items() if letter["masked"]} == {"firewall.data_uri", "value.not_framed"}


@pytest.mark.usefixtures("crew")
def test_what_is_odd_but_no_reason_to_refuse_goes_on(stack: Any, codec: RecordCodec) -> None:
    before = outcomes(stack)
    long_url = "https://files.example.test/" + "a" * 10_000
    send(
        stack,
        codec.dumps(mine("odd-code", incident_types=("no-such-code",))),
        codec.dumps(mine("odd-url", items=(an_item(url=long_url),))),
        codec.dumps(mine("odd-memo", memo=Text(text=PAYLOAD))),
        codec.dumps(mine("odd-memo-2", memo=Text(text=f"see data:image/png;base64,{PAYLOAD}"))),
    )
    assert settled_after(stack, before) == {"routed": 4}, "an encoded text is taken out, and the report goes on"
    before = outcomes(stack)
    send(stack, codec.dumps(mine("odd-country", **elsewhere("ZZ"))))
    assert "refused" not in settled_after(stack, before), "a country that nobody knows waits for a person"
    before = outcomes(stack)
    send(stack, codec.dumps(mine("reused")), codec.dumps(mine("reused", platform="another case")))
    assert settled_after(stack, before) == {"routed": 1, "stale": 1}


def test_five_megabytes_never_reach_a_topic(stack: Any) -> None:
    failures: list[KafkaError | None] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        failures.append(error)

    producer = Producer(stack.client(MEMBER) | {"message.max.bytes": 10_000_000})
    producer.produce(TOPIC, value=b"x" * 5_000_000, on_delivery=delivered)
    assert producer.flush(30) == 0
    assert [failure.code() for failure in failures if failure] == [KafkaError.MSG_SIZE_TOO_LARGE]


WORKER_BYTES = 512 * 1024 * 1024


def test_batches_of_a_hostile_client_are_refused_record_by_record_and_stop_nobody(
    crew: Crew, stack: Any, codec: RecordCodec
) -> None:
    before, hostile, earlier = outcomes(stack), bombs(), letters(stack)
    send(stack, codec.dumps(mine("before the bombs")), partition=0)
    first = end_of(stack) - 1
    answers = asyncio.run(sent(stack.client(MEMBER), TOPIC, *hostile.values()))
    assert dict(zip(hostile, answers, strict=True)) == dict.fromkeys(hostile, "")
    send(stack, codec.dumps(mine("after the bombs")), partition=0)
    assert settled_after(stack, before) == {"routed": 2, "refused": 7}
    codes = Counter(letter["code"] for letter in letters(stack) if letter not in earlier)
    assert (codes["record.batch"], codes["record.too_large"]) == (4, 2), "each with its reason, to be seen by dlq list"
    assert crew.ended() == {}
    assert peak_bytes(crew.pid("normal")) < WORKER_BYTES
    last = end_of(stack) - 1
    again = looked_up(stack, first, last)
    assert again["offsets"] == [first, last], "what lies between them keeps nobody from a decision anew"
    assert again["with_age"] == last - first + 1, "each of them can be the first that waits"
    assert again["peak_bytes"] < WORKER_BYTES
    cleared(stack)


def end_of(stack: Any) -> int:
    """Of the partition that all of it lies on."""
    client = AdminClient(stack.client("ops"))
    place = TopicPartition(TOPIC, 0)
    return int(client.list_offsets({place: OffsetSpec.latest()})[place].result(30).offset)  # type: ignore[no-untyped-call]  # confluent-kafka's own


def looked_up(stack: Any, *offsets: int) -> dict[str, Any]:
    """What a process of its own finds there, as one that decides anew does, and the most memory that it has had."""
    words = [sys.executable, "-m", "tests.integration.looking_up", str(stack.config("ops")), TOPIC, *map(str, offsets)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=120)  # noqa: S603  # our own words
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def cleared(stack: Any) -> None:
    """No other test of this stack reads through what a plain client cannot unpack; all of it is settled."""
    behind = TopicPartition(TOPIC, 0, OFFSET_END)
    client = AdminClient(stack.client("ops"))  # named, so that it lives until the answer is there
    (deleted,) = client.delete_records([behind]).values()
    assert deleted.result(30).low_watermark > 0


def test_reports_on_a_partition_that_was_added_meanwhile_are_settled_as_well(
    crew: Crew, stack: Any, codec: RecordCodec
) -> None:
    """Last, because the topic stays as wide as it is then."""
    before, admin = outcomes(stack), AdminClient(stack.client("ops"))
    send(stack, codec.dumps(mine("before it was widened")))
    assert settled_after(stack, before) == {"routed": 1}
    added = len(admin.list_topics(TOPIC, timeout=30).topics[TOPIC].partitions)
    admin.create_partitions([NewPartitions(TOPIC, added + 1)])[TOPIC].result(30)
    send(stack, *(codec.dumps(mine(f"widened-{number}")) for number in range(10)), partition=added)
    assert settled_after(stack, before) == {"routed": 11}
    assert crew.ended() == {}
