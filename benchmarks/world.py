"""The stack of a benchmark: topics filled once, a ledger that is emptied before every run."""

import hashlib
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from sqlalchemy import text

from benchmarks.peers.job import INPUT, MEMBER
from schemas.records.identifiers import ContentId, CountryCode, MemberId
from schemas.records.report import ContentItem, Hosting, ReportSubmitted
from schemas.topics import submitted_topic
from tests.builders.reports import a_hash, a_hosting, a_report, a_source_url, an_item
from tests.builders.signing import a_signer
from tocsin.runtime import settings
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.stack.charter import sample_charter
from tocsin.stack.local import Charter, LocalStack

OUTPUT: Final = "bench.out"
PARTITIONS: Final = 2
_COUNTRIES: Final = ("NL", "DE", "FR", "GB", "US", "NO")
_WAIT_SECONDS: Final = 60.0


class World:
    """A local stack of its own, with reports of one member, or of some, waiting on their topics."""

    def __init__(self, home: Path) -> None:
        self.stack = LocalStack(home)
        self.home = home
        self._opened = ExitStack()

    def up(self, charter: Charter | None = None) -> None:
        """Start, with the sample's members or others, and make the topic that pass-through writes to."""
        self._opened.callback(self.stack.down)
        self.stack.up(charter or sample_charter())
        self.config = settings.load(self.stack.config("ops"))
        self.database: Database = database_of(self.config)
        self._opened.callback(self.database.close)
        self.codec = RecordCodec(SchemaDirectory(self.config.registry))
        admin = AdminClient(self.stack.client("ops"))
        admin.create_topics([NewTopic(OUTPUT, PARTITIONS)])[OUTPUT].result(_WAIT_SECONDS)
        self._passed_before = 0
        self._signers = {MEMBER: a_signer(self.stack.config(MEMBER))}
        self._consumer = Consumer(self.stack.client("ops") | {"group.id": "ops.bench", "enable.auto.commit": False})
        self._opened.callback(self._consumer.close)

    def down(self) -> None:
        """Stop whatever was started."""
        self._opened.close()

    def fill(self, count: int, first: int = 0, member: MemberId = MEMBER, items: int = 1) -> None:
        """Put unique reports onto a member's topic."""
        producer = Producer(self.stack.client("ops") | {"linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
        for report in reports(count, first, member, items):
            value, headers = self.signed(report)
            producer.produce(submitted_topic(member), key=report.report_id, value=value, headers=headers)
            producer.poll(0)
        if producer.flush(_WAIT_SECONDS):
            raise SystemExit("The broker did not take all reports.")

    def signed(self, report: ReportSubmitted) -> tuple[bytes, Any]:
        """As its submitter sends it."""
        value, member = self.codec.dumps(report), report.submitter
        if member not in self._signers:
            self._signers[member] = a_signer(self.stack.config(member))
        return value, self._signers[member].headers(ReportSubmitted, value)

    def forget(self, kept: Collection[str] = ()) -> None:
        """Empty the ledger and the sightings, so that every run does the same work; `kept` are tables to spare."""
        with self.database.transaction() as connection:
            names = [name for name in connection.execute(_TABLES).scalars() if name not in kept]
            connection.execute(text(f"truncate {', '.join(names)} restart identity cascade"))
        self._passed_before = self._ends()

    def settled(self) -> int:
        """Records that the ledger has."""
        with self.database.transaction() as connection:
            return int(connection.execute(_SETTLED).scalar_one())

    def refused(self) -> int:
        """Reports that this run refused; an engine that refuses does less work than it is measured for."""
        with self.database.transaction() as connection:
            return int(connection.execute(_REFUSED).scalar_one())

    def passed(self) -> int:
        """Records that this run put onto the output topic."""
        return self._ends() - self._passed_before

    def waiting(self) -> int:
        """Records on the input topic."""
        return sum(end - start for start, end in self.ends(INPUT).values())

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        """The first and the next offset of each partition."""
        partitions = self._consumer.list_topics(topic, timeout=_WAIT_SECONDS).topics[topic].partitions
        return {
            number: self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_WAIT_SECONDS)
            for number in partitions
        }

    def _ends(self) -> int:
        return sum(end for _, end in self.ends(OUTPUT).values())


@contextmanager
def a_world(charter: Charter | None = None) -> Iterator[World]:
    """One that is up, in a home of its own that is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    world = World(home)
    try:
        world.up(charter)
        yield world
    finally:
        world.down()
        shutil.rmtree(home, ignore_errors=True)


def reports(count: int, first: int = 0, member: MemberId = MEMBER, items: int = 1) -> Iterator[ReportSubmitted]:
    """Unique reports of so many items each, hosted in six countries; no number may be given to two members."""
    for number in range(first, first + count):
        name = f"bench-{number}"
        hosting = a_hosting(country=CountryCode(_COUNTRIES[number % len(_COUNTRIES)]))
        yield a_report(
            submitter=member,
            submitter_reference=name,
            source_url=a_source_url(url=f"https://forum.example.test/{name}", hosting=hosting),
            items=tuple(_item(name, place, hosting) for place in range(1, items + 1)),
        )


def _item(name: str, place: int, hosting: Hosting) -> ContentItem:
    """With an address and a digest that no other has."""
    own = name if place == 1 else f"{name}-{place}"
    return an_item(
        content_id=ContentId(f"item-{place}"),
        url=f"https://files.example.test/{own}",
        hosting=hosting,
        hashes=(a_hash(value=hashlib.sha256(own.encode()).hexdigest()),),
    )


_TABLES: Final = text("select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'")
_SETTLED: Final = text("select coalesce(sum(length(outcomes)), 0) from ledger_blocks")
_REFUSED: Final = text("select count(*) from dead_letters")
