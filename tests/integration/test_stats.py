"""`tocsin stats` on the real database: what is counted of reports, and that erasing them changes no figure."""

import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from schemas.records.identifiers import ContentId, JurisdictionCode, MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.erasing import erase
from tocsin.runtime.ledger.items import ItemMade
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import DecisionMade, ReferralMade, Settlement, settle, stream_of
from tocsin.runtime.settings import load

pytestmark = pytest.mark.stack
TOPIC, SUBMITTER = "test.stats", MemberId("test-stats")
COUNT = 6
REPORTS = tuple(ReportId(str(uuid4())) for _ in range(COUNT))
MADE_BY_TEST = (
    "insert into report_revisions (report_id, revision, member, withdrawn, digest, stream, log_offset, claim_number) "
    "values (:report, 1, :member, false, 'd', :stream, :offset, 0)"
)
ANSWERED = (
    "insert into returns (return_id, referral_id, member, kind, at, by_person, stream, log_offset) "
    "select 'stats-' || referral_id || :kind, referral_id, recipient, :kind, submitted_at + interval '40 seconds', "
    "false, stream, log_offset from referrals where submitter = :submitter"
)
REMOVED = (
    "insert into item_acts (return_id, position, report_id, content_id, member, kind, value, refused, at) "
    "select 'stats-' || report_id, 0, report_id, content_id, 'nl-hotline', 'act', 'removed', '', "
    "now() + interval '2 hours' from items where report_id = any(cast(:reports as uuid[])) on conflict do nothing"
)
TABLES = ("decisions", "referrals", "returns", "ledger_blocks", "report_revisions")


@pytest.fixture
def database(stack: Any) -> Iterator[Database]:
    opened = database_of(load(stack.config(MemberId("ops"))))
    yield opened
    with opened.transaction() as connection:
        mine = "select stream from streams where topic = 'test.stats'"
        connection.execute(text("delete from kept_measures where submitter = :submitter"), {"submitter": SUBMITTER})
        connection.execute(text("delete from decisions where submitter = :submitter"), {"submitter": SUBMITTER})
        for table in TABLES[1:]:
            connection.execute(text(f"delete from {table} where stream in ({mine})"))  # noqa: S608  # our own names
        connection.execute(text(f"delete from streams where stream in ({mine})"))  # noqa: S608  # as above
    opened.close()


def _decision(report: ReportId, mark: str) -> DecisionMade:
    return DecisionMade(
        report_id=report,
        revision=1,
        submitter=SUBMITTER,
        submitter_reference=f"case-{report}",
        mark=mark,
        tier="URGENT",
        completeness=60,
        labels=("iwf:A", "sap:4"),
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
        submitted_ms=1_790_000_000_000,
        landed=Coordinate(topic="referrals.nl.nl-hotline.v1", partition=0, offset=offset),
    )


def _item(report: ReportId) -> ItemMade:
    return ItemMade(report_id=report, content_id=ContentId("i1"), revision=1, hosting_country="NL")


def _settled(database: Database) -> None:
    """Six reports that one hotline got, and a test report beside them."""
    tests = (ReportId(str(uuid4())),)
    made = Settlement(
        topic_id=f"{TOPIC}-id",
        topic=TOPIC,
        partition=0,
        first_offset=0,
        outcomes=(Outcome.ROUTED,) * (COUNT + 1),
        referrals=tuple(_referral(report, offset) for offset, report in enumerate(REPORTS)),
        decisions=(*(_decision(report, "LIVE") for report in REPORTS), _decision(tests[0], "TEST")),
        items=tuple(map(_item, REPORTS)),
    )
    with database.transaction() as connection:
        stream = stream_of(connection, made.topic_id, made.topic, 0, 0)
        for offset, report in enumerate(REPORTS):
            row = {"report": report, "member": SUBMITTER, "stream": stream, "offset": offset}
            connection.execute(text(MADE_BY_TEST), row)
        settle(connection, made)
        for kind in ("DELIVERED", "OUTCOME"):
            connection.execute(text(ANSWERED), {"kind": kind, "submitter": SUBMITTER})
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
    assert [(row["label"], row["country"], row["tier"]) for row in before] == [
        ("iwf:A", "NL", "URGENT"),
        ("sap:4", "NL", "URGENT"),
    ]
    figures = {name: before[0][name] for name in ("reports", "referrals", "delivered_median", "answered_share")}
    assert figures == {"reports": "6", "referrals": "6", "delivered_median": "40", "answered_share": "1"}
    assert (before[0]["removed_share"], 7100 < float(before[0]["removed_median"]) < 7300) == ("1", True)
    with database.transaction() as connection:
        assert all(erase(connection, report) for report in REPORTS)
        assert not any(erase(connection, report) is None for report in REPORTS), "twice changes nothing"
    assert _stats(stack, *asked) == before
    with database.transaction() as connection:
        kept = connection.execute(text("select case_id from kept_measures where submitter = 'test-stats'")).all()
        labels = connection.execute(text("select distinct labels from decisions where submitter = 'test-stats'")).all()
    assert len(kept) == COUNT
    assert not {str(row.case_id) for row in kept} & set(REPORTS)
    assert {row.labels for row in labels} <= {"", "iwf:A sap:4"}, "only the test report, which is not erased, has any"


def test_groups_that_are_too_small_are_not_told(stack: Any, database: Database) -> None:
    _settled(database)
    (row,) = _stats(stack, "--by", "submitter", "--smallest", "7")
    assert (row["hidden"], row["reports"], row["delivered_median"]) == ("yes", "", "")
