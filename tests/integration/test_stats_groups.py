"""`tocsin stats` on the real database: months, groups by each dimension, frozen baselines, progress of objectives."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from schemas.records.identifiers import MemberId, ReportId
from tests.builders.measured import Case, forgotten, settled
from tocsin.cli.measuring.baseline import thawed
from tocsin.cli.stats import command
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.erasing import erase
from tocsin.runtime.settings import load

pytestmark = pytest.mark.stack
TOPIC, SUBMITTER = "test.stats.groups", "stats-groups"
EACH = 6
"""Of each kind: one more than the smallest group that is told of."""
NL_HOTLINE = Case(
    at=datetime(2021, 1, 1, tzinfo=UTC),
    delivered_seconds=120,
    recipients=("nl/nl-hotline",),
    countries=("NL",),
    labels=("iwf:A", "sap:4"),
    tier="URGENT",
)
"""In the first instant of the quarter."""
DE_BOTH = Case(
    at=datetime(2021, 3, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    delivered_seconds=60,
    recipients=("de/de-hotline-a", "de/de-police"),
    countries=("DE", "NL"),
    labels=("iwf:B",),
    tier="HIGH",
)
"""In its last, at two members and in two countries."""
LATER = Case(
    at=datetime(2021, 4, 1, tzinfo=UTC),
    delivered_seconds=30,
    recipients=("nl/nl-hotline",),
    countries=("NL",),
    labels=(),
    tier="URGENT",
)
"""In the first instant of the next quarter."""
FIRST = "6", "6", "120"
LAST = "6", "12", "60"
BOTH = "12", "18", "60"
GROUPED: dict[str, list[tuple[str, ...]]] = {
    "month": [("2021-01", *FIRST), ("2021-03", *LAST)],
    "member": [("de-hotline-a", "6", "6", "60"), ("de-police", "6", "6", "60"), ("nl-hotline", *FIRST)],
    "submitter": [(SUBMITTER, *BOTH)],
    "jurisdiction": [("de", *LAST), ("nl", *FIRST)],
    "country": [("DE", *LAST), ("NL", *BOTH)],
    "label": [("iwf:A", *FIRST), ("iwf:B", *LAST), ("sap:4", *FIRST)],
    "tier": [("HIGH", *LAST), ("URGENT", *FIRST)],
    "month,tier": [("2021-01", "URGENT", *FIRST), ("2021-03", "HIGH", *LAST)],
}
"""Of the first quarter: reports, referrals, median until delivered; who is in two groups is counted in each."""
MONTHS = {"month", "month,tier"}
"""A baseline is of all its months together."""
OBJECTIVES = """
[[objectives]]
name = "Urgent reports are there sooner"
owner = "programme office"
[[objectives.results]]
measure = "delivered_median"
group = {tier = "URGENT"}
target = 20
by = 2021-03-01
owner = "operations"
[[objectives.results]]
measure = "delivered_median"
group = {member = "nl-hotline"}
target = 30
by = 2099-05-31
owner = "operations"
[[objectives.results]]
measure = "labelled_share"
target = 1
by = 2099-05-31
owner = "hotlines"
"""


@pytest.fixture(scope="module")
def database(stack: Any) -> Iterator[Database]:
    """With reports of years ago, from which on this stack nobody else has any."""
    opened = database_of(load(stack.config(MemberId("ops"))))
    settled(opened, SUBMITTER, TOPIC, [case for case in (NL_HOTLINE, DE_BOTH, LATER) for _ in range(EACH)])
    yield opened
    forgotten(opened, SUBMITTER, TOPIC)
    opened.close()


def stats(stack: Any, *words: str) -> str:
    done = CliRunner().invoke(command, ["--home", str(stack.home), *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def rows(told: str, by: str) -> list[tuple[str, ...]]:
    """The groups of a CSV, and three of their figures."""
    names = (*by.split(","), "reports", "referrals", "delivered_median")
    return [tuple(row[name] for name in names) for row in csv.DictReader(io.StringIO(told))]


@pytest.mark.parametrize("by", GROUPED)
def test_a_quarter_is_grouped_by_each_dimension(stack: Any, database: Database, by: str) -> None:
    assert rows(stats(stack, "--csv", "--quarter", "2021Q1", "--by", by), by) == GROUPED[by]


@pytest.mark.parametrize(
    ("asked", "months"),
    [
        (("--from", "2021-01", "--until", "2021-01"), ["2021-01"]),
        (("--from", "2021-02", "--until", "2021-03"), ["2021-03"]),
        (("--from", "2021-01", "--until", "2021-04"), ["2021-01", "2021-03", "2021-04"]),
        (("--until", "2021-02"), []),
        (("--quarter", "2021Q2"), ["2021-04"]),
        (("--quarter", "2020Q4"), []),
    ],
)
def test_months_that_are_asked_for_are_counted_from_their_first_instant_to_their_last_and_no_others(
    stack: Any, database: Database, asked: tuple[str, ...], months: list[str]
) -> None:
    told = rows(stats(stack, "--csv", "--by", "month", *asked), "month")
    assert [row[:2] for row in told] == [(month, "6") for month in months]


def test_a_quarter_is_held_against_the_one_that_was_frozen_and_objectives_say_how_far_they_are(
    stack: Any, database: Database, tmp_path: Path
) -> None:
    before, objectives, page = tmp_path / "before.json", tmp_path / "objectives.toml", tmp_path / "improved.html"
    objectives.write_text(OBJECTIVES, "utf-8")
    stats(stack, "--quarter", "2021Q1", "--freeze", str(before))
    asked = ("--quarter", "2021Q2", "--by", "tier", "--baseline", str(before), "--objectives", str(objectives))
    told = stats(stack, *asked, "--html", str(page))
    heading = "delivered, median"
    assert f"{heading}: 2.0 min -> 30.0 s, target 20.0 s until 2021-03-01 (operations): 90 % of the way, LATE" in told
    assert f"{heading}: 2.0 min -> 30.0 s, target 30.0 s until 2099-05-31 (operations): reached" in told
    assert "100 % -> 0 %, target 100 % until 2099-05-31 (hotlines): went back" in told
    assert "30.0 s (was 2.0 min)" in page.read_text("utf-8")


def test_what_was_frozen_has_every_dimension_and_is_the_same_when_its_reports_are_erased(
    stack: Any, database: Database, tmp_path: Path
) -> None:
    reports = settled(
        database, "stats-frozen", "test.stats.frozen", [replace(DE_BOTH, at=datetime(2020, 2, 3, tzinfo=UTC))] * EACH
    )
    try:
        before, after = tmp_path / "before.json", tmp_path / "after.json"
        stats(stack, "--quarter", "2020Q1", "--freeze", str(before))
        _erased(database, reports)
        stats(stack, "--quarter", "2020Q1", "--freeze", str(after))
        assert {table.by for table in thawed(before).tables} == {(), *((by,) for by in GROUPED if by not in MONTHS)}
        assert thawed(after).tables == thawed(before).tables
        assert thawed(before).value("reports", {"country": "DE"}) == EACH
    finally:
        forgotten(database, "stats-frozen", "test.stats.frozen")


def _erased(database: Database, reports: tuple[ReportId, ...]) -> None:
    with database.transaction() as connection:
        assert all(erase(connection, report) for report in reports)
