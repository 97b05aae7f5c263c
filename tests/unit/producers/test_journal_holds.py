"""A legal hold in a journal: neither the member's own day nor an order nor a purge takes what is held."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from producers.journal import entries, erasures
from producers.journal.keeping import going, let_go
from producers.journal.statuses import keep
from producers.journal.store import Journal, open_journal
from producers.journal.tables import HOLDS
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import report_id_of
from tests.builders.drafts import an_entry
from tests.builders.holds import a_hold
from tests.builders.reports import NOON_MS, a_governance, an_instant
from tests.unit.producers.test_intake import MEMBER, a_status, sent, take
from tocsin.runtime.holding import note

MARKER = "marker-4e"
REPORT = report_id_of(MEMBER, MARKER)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """With one report that the broker has, and that is past ten milliseconds later."""
    opened = open_journal(tmp_path, MEMBER)
    short = a_governance(retain_until=an_instant(NOON_MS + 10))
    take(opened, an_entry(submitter_reference=MARKER, governance=short))
    sent(opened)
    yield opened
    opened.close()


def told(journal: Journal, told_ms: int, until_ms: int | None) -> None:
    with journal.begin() as connection:
        note(connection, HOLDS, a_hold(REPORT, MEMBER, told_ms=told_ms, until_ms=until_ms))


def ordered(journal: Journal) -> None:
    order: Status = a_status(REPORT, StatusKind.ERASE)
    with journal.begin() as connection:
        keep(connection, [order])
        erasures.order(connection, [order])


def has_it(folder: Path) -> bool:
    return any(MARKER.encode() in path.read_bytes() for path in folder.iterdir())


def test_what_is_held_outlives_its_day_and_goes_when_the_hold_ends(journal: Journal, tmp_path: Path) -> None:
    told(journal, NOON_MS, NOON_MS + 30)
    assert let_go(journal, NOON_MS + 20) == 0
    assert has_it(tmp_path)
    assert let_go(journal, NOON_MS + 30) == 1
    assert not has_it(tmp_path)


def test_a_hold_that_is_released_keeps_nothing_any_more(journal: Journal, tmp_path: Path) -> None:
    told(journal, NOON_MS, NOON_MS + 30)
    told(journal, NOON_MS + 1, None)
    assert let_go(journal, NOON_MS + 20) == 1
    assert not has_it(tmp_path)


def test_an_order_is_carried_out_at_once_where_nothing_is_held(journal: Journal, tmp_path: Path) -> None:
    ordered(journal)
    assert let_go(journal, NOON_MS) == 1
    assert not has_it(tmp_path)
    assert let_go(journal, NOON_MS) == 0, "once"


def test_an_order_that_meets_a_hold_waits_for_its_end(journal: Journal, tmp_path: Path) -> None:
    told(journal, NOON_MS, NOON_MS + 30)
    ordered(journal)
    assert let_go(journal, NOON_MS + 20) == 0
    assert has_it(tmp_path)
    with journal.begin() as connection:
        assert going(connection, NOON_MS + 29) == []
        assert going(connection, NOON_MS + 30) == [REPORT]
    assert let_go(journal, NOON_MS + 30) == 1
    assert not has_it(tmp_path)


def test_a_purge_leaves_what_is_held(journal: Journal) -> None:
    told(journal, NOON_MS, NOON_MS + 30)
    with journal.begin() as connection:
        assert entries.purge(connection, NOON_MS + 1, NOON_MS + 20) == 0
        assert entries.purge(connection, NOON_MS + 1, NOON_MS + 30) == 1
