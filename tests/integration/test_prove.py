"""A proof on real Kafka holds where nothing is wrong, and names each planted loss, double and foreign referral."""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer
from msgspec.structs import replace

from schemas.records.identifiers import JurisdictionCode, MemberId, ReferralId
from schemas.records.referral import Referral
from schemas.records.triage import Recipient, ReportTriaged
from schemas.topics import TRIAGED, referral_topic, submitted_topic
from tests.builders.batches import bombs, sent
from tests.builders.commands import a_crew
from tests.builders.referrals import a_referral
from tests.chaos.publishing import Publishing, Wanted, unique_reports
from tests.chaos.verdict import RECIPIENTS
from tocsin.cli.ledger import command
from tocsin.runtime.proof.evidence import Finding
from tocsin.runtime.proof.reading import Raw, TopicReader
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings, load
from tocsin.stack.charter import sample_charter
from tocsin.stack.ledger import balance_of
from tocsin.stack.local import LocalStack

pytestmark = pytest.mark.stack

Named = tuple[str, str]
"""A finding, and the id that it names."""
REPORTS = 12
HOSTILE = MemberId("de-hotline-a")
REFUSED = 7
"""Records of the hostile batches."""
MOST_BYTES = 512 * 1024 * 1024
HOTLINE, POLICE = map(MemberId, RECIPIENTS["NL"])
NL = JurisdictionCode("nl")


class Exchange:
    """A home in which a few reports went all the way, and the means to plant faults in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ops: Settings = load(home / "config" / "ops.toml")
        self.codec = RecordCodec(SchemaDirectory(self.ops.registry))

    @property
    def sink(self) -> Path:
        """Where the hotline takes delivery."""
        return self.home / "state" / HOTLINE / "delivered"

    def prove(self) -> tuple[int, set[Named]]:
        """The exit code of `tocsin ledger --prove --json`, and each finding with what it names."""
        result = CliRunner().invoke(command, ["--home", str(self.home), "--prove", "--json"])
        proof = json.loads(result.stdout)["proof"]
        return result.exit_code, {(each["finding"], each["what"]) for each in proof["discrepancies"]}

    def produce(self, topic: str, value: bytes) -> None:
        """Write past triage, as `ops` may."""
        producer = Producer(self.ops.kafka.client() | {"log_level": 0})
        producer.produce(topic, value=value)
        assert producer.flush(10) == 0

    def records(self, topic: str) -> list[Raw]:
        reader = TopicReader(self.ops)
        try:
            return list(reader.read((topic,)))
        finally:
            reader.close()

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Read or change the hotline's inbox."""
        with closing(sqlite3.connect(self.home / "state" / HOTLINE / "inbox.sqlite")) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def delivered(self, number: int) -> str:
        """The id of one of the referrals that the hotline has."""
        (key,) = self.rows("select key from deliveries where kind = 'referral' order by key limit 1 offset ?", number)[
            0
        ]
        return str(key)


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    """Own stack: faults on topics cannot be taken back, and the ledger of other tests must not see them."""
    home = Path(tempfile.mkdtemp(prefix="tocsin-prove-"))
    stack = LocalStack(home, brief=True)
    try:
        stack.up(sample_charter())
        taken = asyncio.run(sent(stack.client(HOSTILE), submitted_topic(HOSTILE), *bombs().values()))
        assert set(taken) == {""}
        _run_reports_through(home)
        yield Exchange(home)
    finally:
        stack.down()
        shutil.rmtree(home, ignore_errors=True)


def _run_reports_through(home: Path) -> None:
    publishing = Publishing(home)
    for report in unique_reports(Wanted(reports=REPORTS, countries=("NL",), seed=1, seconds=0)):
        publishing.send(report)
    assert not publishing.finish().failures
    with a_crew(home, home / "logs") as crew:
        for lane in ("normal", "escalated"):
            crew.start(lane, ("triage", "--lane", lane))
        for member in (HOTLINE, POLICE):
            crew.start(member, ("deliver", member))
        deadline_seconds = time.monotonic() + 60
        folders = [home / "state" / member / "delivered" for member in (HOTLINE, POLICE)]
        while sum(len(list(folder.glob("*.json"))) for folder in folders) < 2 * REPORTS or _unsettled(home):
            assert time.monotonic() < deadline_seconds, "reports did not reach the sinks"
            crew.require_all()
            time.sleep(0.2)


def _unsettled(home: Path) -> int:
    """How many records of the hostile member wait."""
    return sum(line.waiting for line in balance_of(home).lines if line.topic == submitted_topic(HOSTILE))


@pytest.fixture(scope="module")
def first_proof(exchange: Exchange) -> dict[str, Any]:
    """By a process of its own, and before any fault is planted: some cannot be taken back."""
    words = [sys.executable, "-m", "tests.integration.proving", str(exchange.home)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60)  # noqa: S603  # our own words
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_proof_reads_through_what_a_hostile_client_packed_and_finds_each_of_it_answered(
    first_proof: dict[str, Any],
) -> None:
    found = first_proof
    assert (found["exit_code"], found["proof"]["discrepancies"]) == (0, [])
    assert found["proof"]["submitted"] == found["proof"]["answered"] == REPORTS + REFUSED
    assert found["peak_bytes"] < MOST_BYTES


@pytest.mark.usefixtures("first_proof")
def test_a_proof_names_every_planted_fault_and_nothing_else(exchange: Exchange) -> None:
    assert exchange.prove() == (0, set())
    with ExitStack() as planted:
        plants = (a_row_lost, a_row_doubled, a_file_lost, a_file_doubled)
        named = {planted.enter_context(plant(exchange)) for plant in plants}
        assert exchange.prove() == (3, named)
    a_replay(exchange)
    assert exchange.prove() == (0, set())
    for_good = {a_foreign_referral(exchange), a_promise_not_kept(exchange), a_referral_nobody_decided(exchange)}
    assert exchange.prove() == (3, for_good)


@contextmanager
def a_row_lost(exchange: Exchange) -> Iterator[Named]:
    """The inbox drops what it had received; what its sink still has came from somewhere."""
    key = exchange.delivered(0)
    exchange.rows("create table lost as select * from deliveries where key = ?", key)
    exchange.rows("delete from deliveries where key = ?", key)
    yield (Finding.LOST_AT_INBOX, key)
    exchange.rows("insert into deliveries select * from lost")
    exchange.rows("drop table lost")


@contextmanager
def a_row_doubled(exchange: Exchange) -> Iterator[Named]:
    """The inbox holds one referral under two keys."""
    key = exchange.delivered(1)
    exchange.rows("create table kept as select * from deliveries where key = ?", key)
    exchange.rows("update kept set key = 'again', state = 'received'")
    exchange.rows("insert into deliveries select * from kept")
    yield (Finding.DOUBLED_AT_INBOX, key)
    exchange.rows("delete from deliveries where key = 'again'")
    exchange.rows("drop table kept")


@contextmanager
def a_file_lost(exchange: Exchange) -> Iterator[Named]:
    """The sink does not hold what the inbox says was delivered."""
    key = exchange.delivered(2)
    moved = exchange.home / "moved.json"
    (exchange.sink / f"{key}.json").replace(moved)
    yield (Finding.LOST_AT_SINK, key)
    moved.replace(exchange.sink / f"{key}.json")


@contextmanager
def a_file_doubled(exchange: Exchange) -> Iterator[Named]:
    """One referral lies at the sink under two names."""
    key = exchange.delivered(3)
    again = exchange.sink / "again.json"
    shutil.copy(exchange.sink / f"{key}.json", again)
    yield (Finding.DOUBLED_AT_SINK, key)
    again.unlink()


def a_replay(exchange: Exchange) -> None:
    """The same referral twice on the recipient's topic: harmless, the inbox knows it by id."""
    raw = exchange.records(referral_topic(NL, HOTLINE))[0]
    exchange.produce(raw.place.topic, raw.value)


def a_foreign_referral(exchange: Exchange) -> Named:
    """What was made for the police lies on the hotline's topic."""
    raw = exchange.records(referral_topic(NL, POLICE))[0]
    exchange.produce(referral_topic(NL, HOTLINE), raw.value)
    referral = exchange.codec.loads(raw.value, Referral)
    return (Finding.FOREIGN_REFERRAL, referral.referral_id)


def a_promise_not_kept(exchange: Exchange) -> Named:
    """A decision names one recipient more than there are referrals."""
    triaged = exchange.codec.loads(exchange.records(TRIAGED)[0].value, ReportTriaged)
    promised = Recipient(member=HOTLINE, jurisdiction=NL, referral_id=ReferralId("never-made"))
    exchange.produce(TRIAGED, exchange.codec.dumps(replace(triaged, recipients=(*triaged.recipients, promised))))
    return (Finding.LOST_REFERRAL, "never-made")


def a_referral_nobody_decided(exchange: Exchange) -> Named:
    """A referral that no decision explains."""
    referral = a_referral(recipient=HOTLINE, jurisdiction=NL)
    exchange.produce(referral_topic(NL, HOTLINE), exchange.codec.dumps(referral))
    return (Finding.UNEXPLAINED_REFERRAL, referral.referral_id)
