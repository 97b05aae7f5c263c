"""A member's home without a stack: the client's own small broker, a small registry, the sample policy."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.topics import escalated_topic, submitted_topic
from tests.builders.registry import SmallRegistry
from tocsin.cli.main import main
from tocsin.policy.bundle import SAMPLE
from tocsin.runtime.registry import RecordCodec, SchemaDirectory, subjects
from tocsin.runtime.settings import RegistrySettings

MEMBER = MemberId("plat-a")
NOBODY = "127.0.0.1:1"
_TOPICS = (submitted_topic(MEMBER), escalated_topic(MEMBER))


class Terminal(io.TextIOWrapper):
    """A standard input at which somebody sits."""

    def isatty(self) -> bool:
        return True


class Ended:
    """How a command ended, and what it said."""

    def __init__(self, code: int, said: str) -> None:
        self.code = code
        self.said = said


class Office:
    """One member's settings folder, and the two services that its commands ask."""

    def __init__(self, home: Path, bootstrap: str, registry: SmallRegistry) -> None:
        self.home = home
        self.bootstrap = bootstrap
        self.registry = registry
        self.policy = SAMPLE
        self.certificate: Path | None = None

    def settle(self, bootstrap: str = "") -> None:
        """Write the settings file, by default of the broker that answers."""
        (self.home / "config").mkdir(exist_ok=True)
        kafka = f'bootstrap = "{bootstrap or self.bootstrap}"\nplaintext = true\n'
        if self.certificate:
            kafka += f'certificate = "{self.certificate}"\n'
        (self.home / "config" / f"{MEMBER}.toml").write_text(
            f'principal = "{MEMBER}"\nstate = "{self.home / "state"}"\npolicy = "{self.policy}"\n'
            f'[kafka]\n{kafka}[registry]\nurl = "{self.registry.url}"\ncache = "{self.home / "cache"}"\n'
        )

    def run(self, capture: pytest.CaptureFixture[str], *words: str, stdin: bytes = b"") -> Ended:
        """One command as the member, in this process."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            patch.chdir(self.home)
            with pytest.raises(SystemExit) as ended:
                main([*words, "--as", MEMBER, "--home", str(self.home)])
        said = capture.readouterr()
        return Ended(int(ended.value.code or 0), said.out + said.err)

    def published(self) -> list[ReportSubmitted | Withdrawal]:
        """Everything that lies on the member's topics, in order of arrival by topic."""
        settings = RegistrySettings(url=self.registry.url, cache=self.home / "cache")
        codec = RecordCodec(SchemaDirectory(settings))
        found = [codec.loads(value, ReportSubmitted, Withdrawal) for value in self.values()]
        return [record for record in found if isinstance(record, ReportSubmitted | Withdrawal)]

    def values(self) -> list[bytes]:
        """Everything up to the present end of every partition."""
        asked = {"bootstrap.servers": self.bootstrap, "group.id": "test", "enable.partition.eof": True, "log_level": 0}
        consumer = Consumer(asked)
        places = [
            TopicPartition(topic, number, OFFSET_BEGINNING)
            for topic in _TOPICS
            for number in consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ]
        consumer.assign(places)
        values, ends = [], 0
        while ends < len(places):
            record = consumer.poll(10)
            assert record is not None, "the small broker does not answer"
            ends += record.error() is not None
            values += [record.value() or b""] if record.error() is None else []
        consumer.close()
        return values


@contextmanager
def an_office(home: Path) -> Iterator[Office]:
    """A member's office, its services answering; nothing of another test lies on its broker."""
    cluster = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    for topic in _TOPICS:
        cluster.list_topics(topic, timeout=10)  # asking makes it
    registry = SmallRegistry(subjects())
    office = Office(home, f"{broker.host}:{broker.port}", registry)
    office.settle()
    try:
        yield office
    finally:
        registry.close()
        cluster.purge()


def any_json(**changes: Any) -> dict[str, Any]:
    """One object of the jsonl feed, marked as a test."""
    return {"submitter_reference": "case-1", "incident_types": ["csam"], "mark": "test"} | changes
