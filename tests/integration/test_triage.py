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
from aiokafka.codec import gzip_encode, zstd_encode
from confluent_kafka import OFFSET_END, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from schemas.codec import MAX_SUBMITTED_BYTES
from schemas.framing import frame
from schemas.records.answers import Return, ReturnKind
from schemas.records.identifiers import CountryCode, MemberId, ReferralId, ReportId
from schemas.records.report import ReportSubmitted
from schemas.records.values import Text
from schemas.topics import submitted_topic
from tests.builders.batches import GZIP, NONE, ZSTD, a_batch, body_of, repacked, sent, with_a_gap
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
    with Crew(stack.home, tmp_path) as crew:
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
    command = [sys.executable, "-m", "tocsin", "dlq", "list", "--json", "--member", MEMBER, "--home", str(stack.home)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)  # noqa: S603  # our own words
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


BOMB_BYTES = 300_000_000
WORKER_MEGABYTES = 512


def bombs() -> dict[str, bytes]:
    """Batches that the broker takes and no client of ours writes, each with one record, or two."""
    one = a_batch(b"x")
    record = a_batch(b"\0" * BOMB_BYTES)
    texts = body_of(a_batch(b"x", headers=[("kkkk", b"1")])).replace(b"kkkk", b"\xff\xfe\xff\xfe")
    return {
        "a bomb of zstd": repacked(one, ZSTD, zstd_encode(body_of(record))),
        "a bomb of gzip": repacked(one, GZIP, gzip_encode(body_of(record))),
        "a header's key that is no text": repacked(one, NONE, texts),
        "a gap within a batch": with_a_gap(a_batch(b"first", b"second")),
        "as large as the topic takes": a_batch(b"x" * 1_048_400),
        "larger than the producer of triage takes": repacked(
            one, ZSTD, zstd_encode(body_of(a_batch(b"x" * 3_000_000)))
        ),
    }


def highest_megabytes(pid: int) -> float:
    """The most memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def test_batches_of_a_hostile_client_are_refused_record_by_record_and_stop_nobody(
    crew: Crew, stack: Any, codec: RecordCodec
) -> None:
    before, hostile, earlier = outcomes(stack), bombs(), letters(stack)
    answers = asyncio.run(sent(stack.client(MEMBER), TOPIC, *hostile.values()))
    assert dict(zip(hostile, answers, strict=True)) == dict.fromkeys(hostile, "")
    send(stack, codec.dumps(mine("after the bombs")))
    assert settled_after(stack, before) == {"routed": 1, "refused": 7}
    codes = Counter(letter["code"] for letter in letters(stack) if letter not in earlier)
    assert (codes["record.batch"], codes["record.too_large"]) == (4, 2), "each with its reason, to be seen by dlq list"
    assert crew.ended() == {}
    assert highest_megabytes(crew.pid("normal")) < WORKER_MEGABYTES
    cleared(stack)


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
