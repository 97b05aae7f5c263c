"""`tocsin stats` on the real database: what is counted of reports, and that erasing them changes no figure."""

import csv
import io
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from html import escape, unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from schemas.records.identifiers import ContentId, JurisdictionCode, MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate
from tests.builders.measured import MADE, forgotten
from tocsin.cli.measuring.definitions import MEASURES
from tocsin.cli.measuring.wording import figure
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.erasing import erase
from tocsin.runtime.ledger.items import ItemMade
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import DecisionMade, ReferralMade, Settlement
from tocsin.runtime.ledger.settling import settle, stream_of
from tocsin.runtime.settings import load

pytestmark = pytest.mark.stack
TOPIC, SUBMITTER = "test.stats", MemberId("test-stats")
COUNT = 6
SUBMITTED_SECONDS = 1_790_000_000
REPORTS = tuple(ReportId(str(uuid4())) for _ in range(COUNT))
FIGURES = {
    "reports": "6",
    "referrals": "6",
    "delivered_median": "40",
    "delivered_ninetieth": "40",
    "taken_up_median": "25",
    "taken_up_ninetieth": "45",
    "answered_share": "0.833333",
    "answered_median": "40",
    "answered_ninetieth": "40",
    "escalated": "6",
    "escalated_median": "20",
    "complete_share": "0.833333",
    "completeness_average": "55",
    "labelled_share": "0.833333",
    "linked_share": "0.833333",
    "links": "10",
    "items": "6",
    "removed": "6",
    "removed_share": "1",
    "law_verified_share": "",
}
"""Of six reports one was not answered, lacks something, has no label and no link; each other has two links."""
STEPS = tuple(f"{step}_median" for step in ("decided", "delivered", "taken_up", "answered", "escalated", "removed"))
ANSWERED = (
    "insert into returns (return_id, referral_id, member, kind, at, by_person, stream, log_offset) "
    "select 'stats-' || referral_id || :kind, referral_id, recipient, :kind, "
    "submitted_at + :seconds * interval '1 second', "
    "false, stream, log_offset from referrals where submitter = :submitter and log_offset < :below"
)
RETURNED = (
    ("DELIVERED", COUNT, 40),
    ("ESCALATED", COUNT, 20),
    ("OUTCOME", COUNT - 1, 40),
    ("QUESTION", COUNT, 10),
)
"""Each with how many of the referrals it came of, and after how long; a question is no answer."""
TAKEN_UP = (
    "update referrals set taken_up_at = submitted_at + log_offset * interval '10 seconds' where submitter = :submitter"
)
LINKED = (
    "insert into links (report_id, other) select report_id, gen_random_uuid() from decisions, generate_series(1, 2) "
    "where submitter = :submitter and completeness = 60 and mark = 'LIVE'"
)
REMOVED = (
    "insert into item_acts (return_id, position, report_id, content_id, member, kind, value, refused, at) "
    "select 'stats-' || report_id, 0, report_id, content_id, 'nl-hotline', 'act', 'removed', '', "
    "now() + interval '2 hours' from items where report_id = any(cast(:reports as uuid[])) on conflict do nothing"
)


@pytest.fixture
def database(stack: Any) -> Iterator[Database]:
    opened = database_of(load(stack.config(MemberId("ops"))))
    yield opened
    forgotten(opened, SUBMITTER, TOPIC)
    opened.close()


def _decision(report: ReportId, mark: str, *, is_last: bool = False) -> DecisionMade:
    """The last one lacks what an officer needs, has no label, and is linked to nothing."""
    return DecisionMade(
        report_id=report,
        revision=1,
        submitter=SUBMITTER,
        submitter_reference=f"case-{report}",
        mark=mark,
        tier="URGENT",
        completeness=30 if is_last else 60,
        missing=("uploader",) if is_last else (),
        labels=() if is_last else ("iwf:A", "sap:4"),
    )


def _referral(report: ReportId, offset: int) -> ReferralMade:
    return ReferralMade(
        referral_id=ReferralId(str(uuid4())),
        report_id=report,
        revision=1,
        submitter=SUBMITTER,
        submitter_reference=f"case-{report}",
        recipient=MemberId("nl-hotline"),
        jurisdiction=JurisdictionCode("nl"),
        tier="URGENT",
        mark="LIVE",
        withdrawal=False,
        log_offset=offset,
        submitted_ms=SUBMITTED_SECONDS * 1_000,
        landed=Coordinate(topic="referrals.nl.nl-hotline.v1", partition=0, offset=offset),
    )


def _item(report: ReportId) -> ItemMade:
    return ItemMade(report_id=report, content_id=ContentId("i1"), revision=1, hosting_country="NL")


def _settled(database: Database) -> None:
    """Six reports that one hotline got, and a test and a drill beside them."""
    others = tuple(_decision(ReportId(str(uuid4())), mark) for mark in ("TEST", "DRILL"))
    made = Settlement(
        topic_id=f"{TOPIC}-id",
        topic=TOPIC,
        partition=0,
        first_offset=0,
        outcomes=(Outcome.ROUTED,) * (COUNT + len(others)),
        referrals=tuple(_referral(report, offset) for offset, report in enumerate(REPORTS)),
        decisions=(*(_decision(report, "LIVE", is_last=report == REPORTS[-1]) for report in REPORTS), *others),
        items=tuple(map(_item, REPORTS)),
    )
    with database.transaction() as connection:
        stream = stream_of(connection, made.topic_id, made.topic, 0, 0)
        for offset, report in enumerate(REPORTS):
            row = {"report": report, "member": SUBMITTER, "stream": stream, "offset": offset}
            connection.execute(text(MADE), row)
        settle(connection, made)
        for kind, below, seconds in RETURNED:
            row = {"kind": kind, "below": below, "seconds": seconds, "submitter": SUBMITTER}
            connection.execute(text(ANSWERED), row)
        connection.execute(text(TAKEN_UP), {"submitter": SUBMITTER})
        connection.execute(text(LINKED), {"submitter": SUBMITTER})
        connection.execute(text(REMOVED), {"reports": list(REPORTS)})


def _stats(stack: Any, *words: str) -> list[dict[str, str]]:
    command = [sys.executable, "-m", "tocsin", "stats", "--csv", "--home", str(stack.home), *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)  # noqa: S603  # our own words
    return [row for row in csv.DictReader(io.StringIO(done.stdout)) if row["submitter"] == SUBMITTER]


def test_figures_stay_as_they_are_when_reports_are_erased_and_lead_to_none_of_them(
    stack: Any, database: Database
) -> None:
    _settled(database)
    asked = ("--by", "submitter,label,country,tier", "--smallest", "1")  # others on this stack may have few of a group
    before = _stats(stack, *asked)
    assert [(row["label"], row["country"], row["tier"], row["reports"]) for row in before] == [
        ("iwf:A", "NL", "URGENT", "5"),
        ("none", "NL", "URGENT", "1"),
        ("sap:4", "NL", "URGENT", "5"),
    ]
    assert not [name for name in STEPS if not before[0][name]], "each step has a time to lose"
    with database.transaction() as connection:
        assert all(erase(connection, report) for report in REPORTS)
        assert not any(erase(connection, report) is None for report in REPORTS), "twice changes nothing"
    assert _stats(stack, *asked) == before
    with database.transaction() as connection:
        kept = connection.execute(text("select case_id from kept_measures where submitter = 'test-stats'")).all()
        labels = connection.execute(text("select distinct labels from decisions where submitter = 'test-stats'")).all()
    assert len(kept) == COUNT
    assert not {str(row.case_id) for row in kept} & set(REPORTS)
    assert {row.labels for row in labels} <= {"", "iwf:A sap:4"}, "only test and drill, which are not erased, have any"


def test_each_figure_is_what_the_tables_say_and_the_page_says_the_same_as_the_csv_without_a_script(
    stack: Any, database: Database, tmp_path: Path
) -> None:
    _settled(database)
    file = tmp_path / "improved.html"
    asked = ("--by", "submitter", "--smallest", "1")  # or this group goes with one that others on this stack left
    (row,) = _stats(stack, *asked, "--html", str(file))
    assert {name: row[name] for name in FIGURES} == FIGURES, "of live reports alone: a test and a drill are beside them"
    assert 7100 < float(row["removed_median"]) < 7300
    for name in ("decided_median", "decided_ninetieth"):
        assert abs(float(row[name]) - (time.time() - SUBMITTED_SECONDS)) < 600, "it was decided just now"
    told = file.read_text("utf-8")
    (line,) = (line for line in told.split("<tr>") if line.startswith(f"<th scope='row'>{SUBMITTER}</th>"))
    cells = [unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", line)]
    assert cells == [figure(name, float(row[name]) if row[name] else None) for name in MEASURES]
    assert "<script" not in told
    assert not re.search(r"""\s(?:src|href|on\w+)=""", told), "it needs nothing else"
    assert "Months in UTC" in told
    assert "Tests and drills are left out" in told
    assert [measure.heading for measure in MEASURES.values() if f"<dt>{escape(measure.heading)}</dt>" not in told] == []


def test_groups_that_are_too_small_are_not_told(stack: Any, database: Database) -> None:
    _settled(database)
    (row,) = _stats(stack, "--by", "submitter,member", "--smallest", "7")
    assert (row["member"], row["law_verified_share"]) == ("nl-hotline", ""), "the law is of no group"
    assert (row["hidden"], row["reports"], row["delivered_median"]) == ("yes", "", "")
