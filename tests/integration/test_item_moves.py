"""What moved or was labelled otherwise, on the real stack: who has the report then, and what a recall takes back."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import OFFSET_END, TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy import Connection, text

from schemas.records.identifiers import ContentId, CountryCode, MemberId, ReportId, report_id_of
from schemas.topics import submitted_topic
from tests.builders.drafts import a_draft
from tests.builders.item_acts import (
    DE,
    HOTLINE,
    NATIONAL,
    POLICE,
    acts,
    answer,
    at_work,
    referrals_of,
    the_books,
    tocsin,
)
from tests.builders.reports import a_hosting, an_item
from tocsin.publisher import Publisher
from tocsin.runtime import settings
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.amendments import amendments_of, causes_of
from tocsin.stack.ledger import balance_of
from tocsin.stack.ruling import tell_of_hold

pytestmark = pytest.mark.stack


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def database(stack: Any) -> Iterator[Database]:
    with the_books(stack) as database:
        yield database


@pytest.fixture
def workers(stack: Any, tmp_path: Path) -> Iterator[None]:
    with at_work(stack, tmp_path):
        yield


def holders(
    database: Database, report: ReportId, awaited: set[str], since: tuple[int, int] = (1, 0)
) -> dict[str, bool]:
    """Who has the report, and who had it and was told (True), once those have it since that revision and ruling."""
    deadline = time.monotonic() + 90
    while True:
        with database.transaction() as connection:
            rows = connection.execute(_HELD, {"id": report}).all()
        found = {row.recipient: row.withdrawal for row in rows}
        if awaited <= {row.recipient for row in rows if not row.withdrawal and (row.revision, row.ruling) >= since}:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


_HELD = text(
    "select distinct on (recipient) recipient, withdrawal, revision, ruling from referrals where report_id = :id "
    "order by recipient, revision desc, ruling desc"
)
SWORN = ("--by", "A. Operator", "--reason", "a test")
FRENCH, GERMAN = {"fr-hotline", "fr-police"}, {"de-hotline-a", "de-police"}


@pytest.mark.usefixtures("workers")
def test_another_label_is_told_and_what_moved_goes_to_where_it_lies_now_and_no_later_ruling_takes_it_back(
    stack: Any, database: Database
) -> None:
    submitter, hotline, began = MemberId("gb-hotline"), MemberId("fr-hotline"), datetime.now(UTC).isoformat()
    item = an_item(hosting=a_hosting(country=CountryCode("FR")), labels=(NATIONAL,))
    with Publisher(stack.config(submitter)) as publisher:
        publisher.publish(a_draft(submitter_reference="moved-1", source_url=None, items=(item,)))
    report = report_id_of(submitter, "moved-1")
    referrals = referrals_of(database, report)
    assert referrals.keys() >= FRENCH
    assert tocsin(stack, "deliver", hotline, "--once").returncode == 0
    answer(stack, hotline, referrals[hotline], "--assessed", "baseline")
    assert holders(database, report, FRENCH, since=(1, 1)) == dict.fromkeys(referrals, False), (
        "nobody else is concerned"
    )
    answer(stack, hotline, referrals[hotline], "--hosted-in", "DE")
    answer(stack, hotline, referrals[hotline], "--assign-to", "DE")
    found = holders(database, report, GERMAN)
    assert all(found[name] for name in FRENCH), "they are recalled"
    with database.transaction() as connection:
        assert causes_of(connection, [_moving(connection, report)]) != {}
    later = tell_of_hold(settings.load(stack.config("ops")), report, "A. Operator")
    assert later == 1, "the German hotline reads it again"
    found = holders(database, report, GERMAN)
    assert all(found[name] for name in FRENCH), "a ruling that knows nothing of the move does not undo it"
    with Publisher(stack.config(submitter)) as publisher:
        publisher.correct(a_draft(submitter_reference="moved-1", source_url=None, items=(item,), platform="another"))
    found = holders(database, report, GERMAN, since=(2, 0))
    assert all(found[name] for name in FRENCH), "nor does a revision that nobody has looked for since"
    repair = tocsin(stack, "reroute", "--where", f"report={report}", *SWORN, "--dry-run")
    assert "1 reports fit; 0 have other recipients" in repair.stdout, repair.stderr
    _label_is_taken_back(stack, database, (report, item.content_id, hotline), began)
    done = tocsin(stack, "recall", "member", submitter, "--since", began, *SWORN)
    assert (done.returncode, f"report {report} of {submitter}, which de-hotline-a" in done.stdout) == (0, True), done
    assert all(holders(database, report, set()).values()), "everybody is told to give it up"
    assert tocsin(stack, "ledger").returncode == 0


def _label_is_taken_back(
    stack: Any, database: Database, about: tuple[ReportId, ContentId, MemberId], began: str
) -> None:
    report, content, hotline = about
    line = f"what {hotline} said of item {content} of report {report}, which de-hotline-a"
    for words in (("label", f"{report}/{content}"), ("member", hotline, "--since", began)):
        would = tocsin(stack, "recall", *words, "--dry-run")
        assert (would.returncode, line in would.stdout) == (0, True), would
    assert "recall.nothing" in tocsin(stack, "recall", "label", f"{report}/another", *SWORN).stderr
    done = tocsin(stack, "recall", "label", f"{report}/{content}", *SWORN)
    assert (done.returncode, line in done.stdout) == (0, True), done
    holders(database, report, GERMAN, since=(2, 1))
    with database.transaction() as connection:
        (found,) = amendments_of(connection, [report])[report]
    assert (found.classification, found.hosting_country) == ("", DE), "what moved stays where it is"
    listed = tocsin(stack, "recalls", "--member", "de-hotline-a", "--json").stdout.splitlines()
    assert [one["is_label"] for one in map(json.loads, listed) if one["report_id"] == report] == [True]
    assert acts(database, report, 1)[0] == (hotline, "baseline", "label.recalled")


@pytest.mark.usefixtures("workers")
def test_where_the_record_is_gone_each_copy_that_may_have_the_label_goes_back_as_a_whole(
    stack: Any, database: Database
) -> None:
    submitter = MemberId("us-hotline")
    dutch: set[str] = {HOTLINE, POLICE}
    item = an_item(hosting=a_hosting(country=CountryCode("NL")), labels=(NATIONAL,))
    with Publisher(stack.config(submitter)) as publisher:
        publisher.publish(a_draft(submitter_reference="gone-1", source_url=None, items=(item,)))
    report = report_id_of(submitter, "gone-1")
    referrals = referrals_of(database, report)
    assert referrals.keys() == dutch
    assert tocsin(stack, "deliver", HOTLINE, "--once").returncode == 0
    answer(stack, HOTLINE, referrals[HOTLINE], "--assessed", "baseline")
    holders(database, report, dutch, since=(1, 1))
    delete_what_is_settled(stack, submitted_topic(submitter))
    line = f"what {HOTLINE} said of item {item.content_id} of report {report}, which {HOTLINE}, {POLICE} may have"
    label = ("recall", "label", f"{report}/{item.content_id}", *SWORN)
    for words in ((*label, "--dry-run"), label):
        done = tocsin(stack, *words)
        assert (done.returncode, line in done.stdout) == (0, True), done
    assert holders(database, report, set()) == dict.fromkeys(dutch, True)
    told = tocsin(stack, "sent", "--as", submitter, "--reference", "gone-1", "--json").stdout
    assert "recall.send_again" in told, "the report stands, and a correction goes to everybody anew"
    assert tocsin(stack, "ledger").returncode == 0


def delete_what_is_settled(stack: Any, topic: str) -> None:
    """As retention does after 28 days."""
    deadline = time.monotonic() + 60
    while any(line.waiting for line in balance_of(stack.home).lines if line.topic == topic):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    client = AdminClient(stack.client("ops"))
    partitions = client.list_topics(topic, timeout=30).topics[topic].partitions
    deleted = client.delete_records([TopicPartition(topic, number, OFFSET_END) for number in partitions])
    assert all(each.result(30) for each in deleted.values())


def _moving(connection: Connection, report: ReportId) -> str:
    return str(
        connection.execute(
            text("select return_id from item_acts where report_id = :id and kind = 'reassign'"), {"id": report}
        ).scalar_one()
    )
