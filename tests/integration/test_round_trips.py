"""How often a slice of reports waits for PostgreSQL: counted on the wire, where every `Sync` and `Query` is a wait."""

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from sqlalchemy import text

from schemas.failures import Broken
from schemas.records.identifiers import ContentId
from schemas.records.ruling import RulingCause
from schemas.records.values import Hash
from schemas.topics import RULINGS
from tests.builders.reports import a_withdrawal, an_item
from tests.builders.rulings import a_ruling
from tests.builders.wire import SLICE, SUBMITTED, Kind, Record, Wire, Worker
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.settings import load as settings_of

pytestmark = pytest.mark.stack
MOST = 3
"""Standings, claim and settlement; BEGIN and COMMIT travel with the statements between them, and are counted too."""

REPLAYED = 10
"""Standings, claim, the settlement that is refused, and the same step by step."""


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


def items(worker: Worker, number: int) -> tuple[str, list[Record]]:
    """Reports of three items each, which others have reported too."""
    found = tuple(an_item(content_id=ContentId(f"item-{n}")) for n in range(3))
    return SUBMITTED, [worker.plain(n, items=found) for n in _own(number)]


def near_hashes(worker: Worker, number: int) -> tuple[str, list[Record]]:
    """Each with a hash of its own and one that is near to everybody's."""
    seen = Hash(algorithm="pdq", value="0" * 63 + f"{number % 16:x}")
    return SUBMITTED, [
        worker.plain(n, items=(an_item(hashes=(seen, Hash(algorithm="pdq", value=token_hex(32)))),))
        for n in _own(number)
    ]


def revisions(worker: Worker, number: int) -> tuple[str, list[Record]]:
    """The reports of the first slice, again and again corrected; with a near hash that comes with the correction."""
    seen = Hash(algorithm="pdq", value=token_hex(32))
    return SUBMITTED, [worker.plain(n, items=(an_item(hashes=(seen,)),), revision=number + 2) for n in range(SLICE)]


def retractions(worker: Worker, number: int) -> tuple[str, list[Record]]:
    """The reports of the first slice, taken back."""
    reports = (worker.plain(n) for n in range(SLICE))
    return SUBMITTED, [
        a_withdrawal(submitter_reference=one.submitter_reference, report_id=one.report_id, revision=number + 2)
        for one in reports
    ]


def labels(worker: Worker, number: int) -> tuple[str, list[Record]]:
    """What recipients found out about the reports of the first slice, as the rulings that come of it."""
    return RULINGS, [
        a_ruling(worker.plain(n), worker.place(n), cause=RulingCause.LABEL, occasion=f"label:{number}-{n}")
        for n in range(SLICE)
    ]


def recalls(worker: Worker, number: int) -> tuple[str, list[Record]]:
    """Reports of the first slice that the exchange takes back, and others that are only decided again."""
    causes = (RulingCause.RECALLED, RulingCause.REROUTE)
    return RULINGS, [
        a_ruling(worker.plain(n), worker.place(n), cause=causes[n % 2], occasion=f"{number}-{n}") for n in range(SLICE)
    ]


def _own(number: int) -> range:
    return range((number + 1) * SLICE, (number + 2) * SLICE)


@pytest.mark.parametrize("kind", [items, near_hashes, revisions, retractions, labels, recalls])
def test_a_slice_of_any_kind_waits_for_the_database_no_more_than_three_times(
    wire: Wire, worker: Worker, kind: Kind
) -> None:
    worker.runs(0)
    for number in range(8):  # the first of a stream is settled step by step, and a statement is prepared in time
        worker.takes(*kind(worker, number))
    for number in range(8, 12):
        topic, records = kind(worker, number)
        before = wire.waits()
        worker.takes(topic, records)
        assert 0 < wire.waits() - before <= MOST


def test_a_replay_waits_for_the_database_a_bounded_number_of_times(wire: Wire, worker: Worker) -> None:
    """However many records it has: the ledger is asked what it has of them, and only then told."""
    worker.runs(0)
    for number in range(8):
        worker.takes(*near_hashes(worker, number))
    before = wire.waits()
    topic, records = near_hashes(worker, 0)
    worker.takes(topic, records, first=SLICE)
    assert wire.waits() - before <= REPLAYED


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
