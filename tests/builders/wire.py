"""Triage over the real index and ledger, and every wait for PostgreSQL as libpq traces it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from msgspec.structs import replace
from sqlalchemy import event

from processors.index.postgres import PostgresIndex
from processors.referring import Desk
from processors.triage import Tools, TriageStages
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.ruling import Ruling
from schemas.records.values import Coordinate
from schemas.topics import RULINGS, submitted_topic
from tests.builders.identity import KEYS, VEIL
from tests.builders.reports import a_report
from tocsin.policy.bundle import SAMPLE, load
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.amendments import LedgerFindings
from tocsin.runtime.ledger.standings import LedgerStandings
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

SLICE: Final = 5
NOW_MS: Final = 1_795_000_000_000
CODEC: Final = RecordCodec(FixedDirectory())
SUBMITTED: Final = submitted_topic(a_report().submitter)
_KIND: Final = 3
_AWAITED: Final = ("Sync", "Query")
Record = ReportSubmitted | Withdrawal | Ruling


class Wire:
    """Every wait for an answer, of every connection of a database, as libpq traces them."""

    def __init__(self, database: Database, file: Path) -> None:
        self._file = file
        self._sink = file.open("ab")
        event.listen(database.engine, "connect", self._trace)

    def waits(self) -> int:
        """So far."""
        lines = (line.split("\t") for line in self._file.read_text().splitlines())
        return sum(line[1] == "F" and line[3].strip() in _AWAITED for line in lines if len(line) > _KIND)

    def close(self) -> None:
        """Nothing is traced after it."""
        self._sink.close()

    def _trace(self, connection: Any, _record: object) -> None:
        connection.pgconn.trace(self._sink.fileno())


class Worker:
    """The stages of triage over the real index and ledger, on topics of its own."""

    def __init__(self, database: Database) -> None:
        desk = Desk(bundle=load(SAMPLE), keys=KEYS, personal_schema_id=8)
        tools = Tools(
            desk=desk,
            veil=VEIL,
            codec=CODEC,
            standings=LedgerStandings(database),
            findings=LedgerFindings(database=database),
            look_up=self._look_up,
        )
        self.stages = TriageStages(tools, PostgresIndex(database), database, {})
        self.topic_id = str(uuid4())
        self._log: dict[tuple[str, int], RawRecord] = {}
        self._ends: dict[str, int] = {}

    def runs(self, number: int) -> None:
        """The slice of that number, from 0 on, of reports without items."""
        self.takes(SUBMITTED, map(self.plain, range(number * SLICE, (number + 1) * SLICE)), number * SLICE)

    def plain(self, number: int, **changes: Any) -> ReportSubmitted:
        """One of this worker's own reports."""
        return replace(a_report(submitter_reference=f"{self.topic_id}-{number}"), **({"items": ()} | changes))

    def takes(self, topic: str, records: Iterable[Record], first: int | None = None) -> None:
        """One slice of these, behind what the topic had, or again from there."""
        first = self._ends.get(topic, 0) if first is None else first
        raw = tuple(_raw(offset, record) for offset, record in enumerate(records, first))
        self._log |= {(topic, one.offset): one for one in raw}
        self._ends[topic] = first + len(raw)
        piece = Slice(topic_id=self._topic_id(topic), topic=topic, partition=0, records=raw)
        finished = self.stages.finish(self.stages.claim(self.stages.decide(piece)))
        places = (Coordinate(topic="t", topic_id="i", offset=offset) for offset in range(len(finished.records)))
        self.stages.settle(finished, tuple(places))

    def place(self, offset: int) -> Coordinate:
        """Where a report of this worker lies."""
        return Coordinate(topic_id=self.topic_id, topic=SUBMITTED, partition=0, offset=offset)

    def _topic_id(self, topic: str) -> str:
        return f"{self.topic_id}-rulings" if topic == RULINGS else self.topic_id

    def _look_up(self, places: Iterable[Coordinate]) -> dict[Coordinate, RawRecord]:
        return {place: self._log[place.topic, place.offset] for place in places}


Kind = Callable[[Worker, int], tuple[str, list[Record]]]
"""One slice of a kind of records: its topic, and its records."""


def _raw(offset: int, record: Record) -> RawRecord:
    return RawRecord(offset=offset, timestamp_ms=NOW_MS, key=b"k", value=CODEC.dumps(record), headers=())
