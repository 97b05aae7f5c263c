"""How often a slice of reports waits for PostgreSQL: counted on the wire, where every `Sync` and `Query` is a wait."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace
from sqlalchemy import event, text

from processors.index.postgres import PostgresIndex
from processors.referring import Desk
from processors.triage import Tools, TriageStages
from schemas.failures import Broken
from schemas.records.values import Coordinate
from schemas.topics import submitted_topic
from tests.builders.identity import KEYS, VEIL
from tests.builders.reports import a_report
from tocsin.policy.bundle import SAMPLE, load
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.standings import LedgerStandings
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.settings import load as settings_of
from tocsin.runtime.transport.slices import RawRecord, Slice

pytestmark = pytest.mark.stack
MOST = 3
"""Standings, claim and settlement; BEGIN and COMMIT travel with the statements between them, and are counted too."""
SLICE = 5
NOW_MS = 1_795_000_000_000
_KIND = 3
_AWAITED = ("Sync", "Query")
CODEC = RecordCodec(FixedDirectory())


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
    """The stages of triage over the real index and ledger, on a topic of its own."""

    def __init__(self, database: Database) -> None:
        desk = Desk(bundle=load(SAMPLE), keys=KEYS, personal_schema_id=8)
        tools = Tools(desk=desk, veil=VEIL, codec=CODEC, standings=LedgerStandings(database))
        self.stages = TriageStages(tools, PostgresIndex(database), database, {})
        self.topic_id = str(uuid4())

    def runs(self, number: int) -> None:
        """The slice of that number, from 0 on."""
        first = number * SLICE
        raw = (_raw(offset, f"{self.topic_id}-{offset}") for offset in range(first, first + SLICE))
        piece = Slice(
            topic_id=self.topic_id, topic=submitted_topic(a_report().submitter), partition=0, records=tuple(raw)
        )
        finished = self.stages.finish(self.stages.claim(self.stages.decide(piece)))
        places = (Coordinate(topic="t", topic_id="i", offset=offset) for offset in range(len(finished.records)))
        self.stages.settle(finished, tuple(places))


def _raw(offset: int, reference: str) -> RawRecord:
    value = CODEC.dumps(replace(a_report(submitter_reference=reference), items=()))
    return RawRecord(offset=offset, timestamp_ms=NOW_MS, key=b"k", value=value, headers=())


@pytest.fixture
def database(stack: Any) -> Iterator[Database]:
    database = database_of(settings_of(stack.config("triage")))
    yield database
    database.close()


@pytest.fixture
def books(stack: Any) -> Iterator[Database]:
    """The ledger as ops may read it; triage cannot read the audit log."""
    database = database_of(settings_of(stack.config("ops")))
    yield database
    database.close()


@pytest.fixture
def wire(database: Database, tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(database, tmp_path / "trace")
    yield wire
    database.close()
    wire.close()


@pytest.fixture
def worker(database: Database) -> Worker:
    return Worker(database)


def test_a_slice_of_new_reports_waits_for_the_database_no_more_than_three_times(wire: Wire, worker: Worker) -> None:
    for number in range(8):  # from its fifth time on the driver has prepared a statement
        worker.runs(number)
    before = wire.waits()
    for number in range(8, 12):
        worker.runs(number)
    assert 0 < wire.waits() - before <= 4 * MOST


def test_what_is_settled_in_one_trip_is_what_the_ledger_has(books: Database, worker: Worker) -> None:
    for number in range(3):
        worker.runs(number)
    assert settled(books, worker) == (3 * SLICE, 3 * SLICE, 3)


def test_a_replay_of_slices_changes_nothing(books: Database, worker: Worker) -> None:
    for number in (0, 1, 0, 1, 2):
        worker.runs(number)
    assert settled(books, worker) == (3 * SLICE, 3 * SLICE, 3)


def test_a_hole_is_refused_and_nothing_of_its_slice_is_recorded(books: Database, worker: Worker) -> None:
    worker.runs(0)
    with pytest.raises(Broken) as failure:
        worker.runs(2)
    assert failure.value.code == "ledger.hole"
    assert settled(books, worker) == (SLICE, SLICE, 1)


def test_a_ledger_that_was_set_back_takes_no_slice_under_the_number_that_a_stream_had_before(
    books: Database, worker: Worker
) -> None:
    """A restored backup may have given that number to another stream."""
    worker.runs(0)
    with books.transaction() as connection:
        connection.execute(_RENAMED, {"topic_id": worker.topic_id, "other": f"other-{worker.topic_id}"})
    with pytest.raises(Broken, match="hole"):
        worker.runs(1)


def test_connections_that_the_server_closed_meanwhile_are_replaced_without_a_failure(
    stack: Any, books: Database, worker: Worker
) -> None:
    worker.runs(0)
    with stack.postgres.connect(database="tocsin") as other:
        other.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'triage'")
    worker.runs(1)
    assert settled(books, worker)[0] == 2 * SLICE


def settled(books: Database, worker: Worker) -> tuple[int, int, int]:
    """Up to which offset, how many outcomes, and how many audit entries."""
    with books.transaction() as connection:
        row = connection.execute(_SETTLED, {"topic_id": worker.topic_id}).one()
    return int(row.next_offset), int(row.outcomes), int(row.entries)


_RENAMED = text("update streams set topic_id = :other where topic_id = :topic_id")
_SETTLED = text("""
    select next_offset,
           (select sum(length(outcomes)) from ledger_blocks b where b.stream = s.stream) as outcomes,
           (select count(*) from audit_openings o where o.stream = s.stream) as entries
    from streams s where topic_id = :topic_id
""")
