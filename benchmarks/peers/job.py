"""The job that every peer does: the production steps on slices of signed reports, with the index in PostgreSQL.

A peer decides how records reach the steps, how outputs leave, and what is committed when. This file imports neither
Faust nor Quix, so that each peer stands in a virtual environment of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Message, Producer, TopicCollection
from confluent_kafka.admin import AdminClient
from msgspec import Struct

from processors.index.postgres import PostgresIndex
from processors.keyring import keyring
from processors.referring import Desk
from processors.steps.deduplicate.near import Veil
from processors.triage import Tools, TriageStages
from schemas.records.identifiers import MemberId
from schemas.records.report import PersonalPart
from schemas.records.values import Coordinate
from schemas.topics import submitted_topic
from tocsin.policy.bundle import load
from tocsin.runtime import settings
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import KafkaSettings, Settings
from tocsin.runtime.transport.runner import Stages
from tocsin.runtime.transport.slices import OutRecord, RawRecord, Slice

MEMBER: Final = MemberId("plat-a")
INPUT: Final = submitted_topic(MEMBER)
SLICE_RECORDS: Final = 500
GATHER_SECONDS: Final = 0.05
"""How long whoever makes batches waits for company: production's value, given to every peer that waits at all."""
SESSION_SECONDS: Final = 8
"""Production's value, given to every peer: what a killed process costs must not be a default's word."""
_FLUSH_SECONDS: Final = 60.0
_POOL: Final = 8


class Job(Struct, frozen=True):
    """What a peer is given."""

    kafka: KafkaSettings
    stages: Stages[Any, Any, Any]
    database: Database
    group: str
    ids: Mapping[str, str]
    """Topic ids: part of every coordinate."""

    def do(self, piece: Slice) -> Any:
        """Everything before producing."""
        return self.stages.finish(self.stages.claim(self.stages.decide(piece)))

    def static_member(self) -> dict[str, Any]:
        """Properties of a confluent-kafka consumer that comes back without a rebalance, as production's does."""
        return {
            "group.instance.id": self.group,
            "session.timeout.ms": SESSION_SECONDS * 1000,
            "heartbeat.interval.ms": 1000,
        }


def job_of(home: Path, group: str) -> Job:
    """The production steps of the stack at `home`."""
    process = settings.load(home / "config" / "ops.toml")
    database = database_of(process, _POOL)
    return Job(process.kafka, triage_stages(process, database), database, group, topic_ids(process.kafka))


def triage_stages(process: Settings, database: Database) -> TriageStages:
    """The production steps with PostgreSQL."""
    directory, secrets = SchemaDirectory(process.registry), keyring(process.state)
    desk = Desk(bundle=load(process.policy), keys=secrets.keys, personal_schema_id=directory.id_of(PersonalPart))
    tools = Tools(
        desk=desk, veil=Veil(secrets.near), codec=RecordCodec(directory), directory=directory_of(process.trust)
    )
    return TriageStages(tools, PostgresIndex(database), database, {})


def topic_ids(kafka: KafkaSettings) -> Mapping[str, str]:
    """The id that the broker gave the input topic."""
    admin = AdminClient(kafka.client())  # kept: an answer ends with its client
    answer = admin.describe_topics(TopicCollection([INPUT]))
    return {INPUT: str(answer[INPUT].result(_FLUSH_SECONDS).topic_id)}


def slices(messages: Sequence[Message], ids: Mapping[str, str]) -> list[Slice]:
    """What one `consume` brought, by partition."""
    by_place: dict[tuple[str, int], list[RawRecord]] = {}
    for message in messages:
        if message.error() is None:
            place = (message.topic() or "", message.partition() or 0)
            by_place.setdefault(place, []).append(_raw(message))
    return [
        Slice(topic_id=ids[topic], topic=topic, partition=partition, records=tuple(records))
        for (topic, partition), records in by_place.items()
    ]


def _raw(message: Message) -> RawRecord:
    key, value = message.key(), message.value()
    headers: Any = message.headers() or ()
    return RawRecord(
        offset=message.offset() or 0,
        timestamp_ms=message.timestamp()[1],
        key=key if isinstance(key, bytes) else None,
        value=value if isinstance(value, bytes) else None,
        headers=tuple(headers),
    )


def produced(producer: Producer, records: Sequence[OutRecord]) -> tuple[Coordinate, ...]:
    """Produce, wait for every delivery report, and say where each record landed."""
    landed: list[Coordinate] = [Coordinate()] * len(records)

    def reported(index: int) -> Callable[[Any, Message], None]:
        def report(error: Any, message: Message) -> None:
            if error is not None:
                raise SystemExit(f"Not delivered: {error}")
            landed[index] = Coordinate(
                topic=message.topic() or "", partition=message.partition() or 0, offset=message.offset() or 0
            )

        return report

    for index, record in enumerate(records):
        headers: Any = list(record.headers)
        producer.produce(record.topic, record.value, record.key, headers=headers, on_delivery=reported(index))
    producer.flush(_FLUSH_SECONDS)
    return tuple(landed)
