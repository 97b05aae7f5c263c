"""ICCAM's state rules on the real stack: real Returns of several members, a refusal that is told, and replays."""

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import OFFSET_END, TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy import Connection, text

from processors.returns import Claimed, Finished, ReturnStages, ReturnTools
from schemas.records.answers import LabelAdded, Outcome, Return
from schemas.records.identifiers import ContentId, CountryCode, MemberId, ReportId, report_id_of
from schemas.records.report import Label
from schemas.records.ruling import Ruling, RulingCause
from schemas.topics import RULINGS, returns_topic, submitted_topic
from tests.builders import commands
from tests.builders.answers import a_label, an_outcome_return
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.policy import the_sample
from tests.builders.reports import a_hosting, a_source_url, an_item
from tocsin.policy.policies import OnePolicy
from tocsin.publisher import Publisher
from tocsin.runtime import settings
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger import holds
from tocsin.runtime.ledger.amendments import amendments_of, causes_of
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.transport.slices import RawRecord, Slice
from tocsin.stack.ledger import balance_of
from tocsin.stack.ruling import tell_of_hold

pytestmark = pytest.mark.stack
SUBMITTER, HOTLINE, OTHER, POLICE = (
    MemberId(name) for name in ("fr-hotline", "nl-hotline", "de-hotline-a", "nl-police")
)
NATIONAL = Label(scheme="iccam", label="national")
DE = CountryCode("DE")
A_DESCRIBED_PAGE = a_source_url(commerciality="non_commercial", payment_methods=("none",))


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def database(stack: Any) -> Iterator[Database]:
    database = database_of(settings.load(stack.config("ops")))
    yield database
    database.close()


def tocsin(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return commands.tocsin(stack.home, *words)


def referrals_of(database: Database, report: ReportId) -> dict[str, str]:
    deadline = time.monotonic() + 60
    while True:
        with database.transaction() as connection:
            rows = connection.execute(
                text("select recipient, referral_id from referrals where report_id = :id"), {"id": report}
            ).all()
        if rows:
            return {row.recipient: str(row.referral_id) for row in rows}
        assert time.monotonic() < deadline
        time.sleep(0.5)


def published(stack: Any, database: Database, reference: str, *items: Any) -> tuple[ReportId, dict[str, str]]:
    with Publisher(stack.config(SUBMITTER)) as publisher:
        publisher.publish(a_draft(submitter_reference=reference, items=items))
    report = report_id_of(SUBMITTER, reference)
    return report, referrals_of(database, report)


@pytest.fixture
def workers(stack: Any, tmp_path: Path) -> Iterator[None]:
    with a_crew(stack.home, tmp_path / "logs") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        crew.start("returns", ("returns",))
        yield


def answer(stack: Any, member: MemberId, referral: str, *said: str) -> str:
    """What `tocsin answer` warns of; the answer has reached the broker when this returns."""
    done = tocsin(stack, "answer", referral, "--as", member, *said)
    assert done.returncode == 0, done.stderr
    delivered = tocsin(stack, "deliver", member, "--once")
    assert delivered.returncode == 0, delivered.stderr
    return done.stderr


def acts(database: Database, report: ReportId, count: int) -> list[tuple[str, str, str]]:
    """Who said what and which rule it broke, once so many are on record."""
    deadline = time.monotonic() + 60
    while True:
        with database.transaction() as connection:
            rows = connection.execute(
                text("select member, value, refused from item_acts where report_id = :id order by number"),
                {"id": report},
            ).all()
        if len(rows) >= count:
            return [(row.member, row.value, row.refused) for row in rows]
        assert time.monotonic() < deadline, rows
        time.sleep(0.5)


@pytest.mark.usefixtures("workers")
def test_an_item_is_assessed_moved_and_ended_by_those_who_may_and_others_are_told_why_not(
    stack: Any, database: Database, tmp_path: Path
) -> None:
    item = an_item(hosting=a_hosting(country=CountryCode("NL")), labels=(NATIONAL,))
    report, referrals = published(stack, database, "moves-1", item)
    for member in (HOTLINE, POLICE):
        assert tocsin(stack, "deliver", member, "--once").returncode == 0

    answer(stack, POLICE, referrals[POLICE], "--hold", "An inquiry is under way.", "--until", _in_a_week())
    assert _held_by(stack, database, report) == [(POLICE, "An inquiry is under way.")]
    warned = answer(stack, POLICE, referrals[POLICE], "--outcome", "removed")
    assert "item.not_assigned" in warned
    assert acts(database, report, 1) == [(POLICE, "removed", "item.not_assigned")]
    answer(stack, HOTLINE, referrals[HOTLINE], "--assign-to", "DE")
    answer(stack, HOTLINE, referrals[HOTLINE], "--hosted-in", "DE")
    answer(stack, HOTLINE, referrals[HOTLINE], "--assign-to", "DE", "--again")
    found = acts(database, report, 4)
    assert [(value, refused) for _, value, refused in found[1:]] == [
        ("DE", "item.host_first"),
        ("DE", ""),
        ("DE", ""),
    ]
    answer(stack, HOTLINE, referrals[HOTLINE], "--assessed", "not_illegal")
    assert acts(database, report, 5)[-1] == (HOTLINE, "not_illegal", "item.not_assigned")

    told = tocsin(stack, "answer", "--as", POLICE, "--list-refused").stdout
    assert referrals[POLICE] in told
    assert "item.not_assigned" in told
    assert tocsin(stack, "ledger").returncode == 0, "every return is applied or refused"
    lines = [json.loads(line) for line in (tmp_path / "logs" / "returns.log").read_text("utf-8").splitlines()]
    ours = [line for line in lines if line.get("stage") == "returns" and line.get("report_id") == report]
    assert {"delivered", "hold", "outcome"} <= {line["said"] for line in ours}, "a line for each that counts"
    refused = [line["code"] for line in lines if line.get("outcome") == "refused"]
    assert {"item.not_assigned", "item.host_first"} <= set(refused)


def _in_a_week() -> str:
    return (datetime.now(UTC) + timedelta(days=7)).isoformat()


def _held_by(stack: Any, database: Database, report: ReportId) -> list[tuple[str, str]]:
    """Who holds notices about the report and why, once its hotline has the copy that says so."""
    copies = text("select count(*) from referrals where report_id = :id and recipient = :member and ruling > 0")
    deadline = time.monotonic() + 60
    while True:
        with database.transaction() as connection:
            if connection.execute(copies, {"id": report, "member": HOTLINE}).scalar_one():
                break
        assert time.monotonic() < deadline
        time.sleep(0.5)
    delivered = settings.load(stack.config(HOTLINE)).state / "delivered"
    assert tocsin(stack, "deliver", HOTLINE, "--once").returncode == 0
    told = (json.loads(file.read_text()).get("referral", {}) for file in delivered.glob("[!.]*.json"))
    assert any(one.get("report_id") == report and "notice.held" in one["flags"] for one in told)
    listed = [json.loads(line) for line in tocsin(stack, "hold", "list", "--json").stdout.splitlines()]
    assert all("reason" not in one for one in listed), "that is a look, and this list is none"
    with database.transaction() as connection:
        held = [(str(one.owner), one.reason) for one in holds.holds(connection, report)]
    assert [owner for owner, _ in held] == [one["owner"] for one in listed if one["report_id"] == report]
    return held


@pytest.fixture
def returns(stack: Any) -> Iterator[tuple[ReturnStages, RecordCodec]]:
    process = settings.load(stack.config("returns"))
    database = database_of(process)
    codec = RecordCodec(SchemaDirectory(process.registry))
    tools = ReturnTools(codec=codec, policies=OnePolicy(the_sample()))
    yield ReturnStages(tools, database, {}, lambda: 2**60), codec
    database.close()


def a_slice(codec: RecordCodec, *answers: Return | LabelAdded) -> Slice:
    records = tuple(
        RawRecord(offset=number, timestamp_ms=1_790_000_000_000, key=None, value=codec.dumps(said), headers=())
        for number, said in enumerate(answers)
    )
    return Slice(topic_id="t", topic=returns_topic(answers[0].member), partition=0, records=records)


def test_a_replay_of_a_slice_is_answered_as_the_first_time_and_changes_nothing(
    stack: Any, database: Database, tmp_path: Path, returns: tuple[ReturnStages, RecordCodec]
) -> None:
    ended, moving = ContentId("item-1"), ContentId("item-2")
    dutch: Any = {"hosting": a_hosting(country=CountryCode("NL")), "labels": (NATIONAL,)}
    with a_crew(stack.home, tmp_path / "logs") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        items = [an_item(content_id=one, **dutch) for one in (ended, moving)]
        report, referrals = published(stack, database, "replayed-1", *items)
    stages, codec = returns
    about: Any = {"referral_id": referrals[HOTLINE], "report_id": report}
    outcomes = [Outcome(content_id=ended, action=one) for one in ("reported_to_lea", "removed", "reported_to_isp")]
    outcomes += [Outcome(content_id=moving, hosting_country=DE), Outcome(content_id=moving, assigned_country=DE)]
    said = [an_outcome_return(HOTLINE, outcome, **about) for outcome in outcomes]
    label = a_label(HOTLINE, moving, report_id=report, label=Label(scheme="iccam", label="baseline"))
    nowhere = a_label(HOTLINE, moving, report_id=ReportId("no id at all"))
    piece = a_slice(codec, label, *said, nowhere)

    def run() -> tuple[Claimed, Finished]:
        claimed = stages.claim(stages.decide(piece))
        return claimed, stages.finish(claimed)

    first, again = run(), run()
    codes = [entry.rejected and entry.rejected.code for entry in first[1].read]
    assert codes == [None, None, None, "item.ended", None, None, "label.unknown_report"]
    assert first == again
    assert acts(database, report, 6) == [
        (HOTLINE, "baseline", ""),
        (HOTLINE, "reported_to_lea", ""),
        (HOTLINE, "removed", ""),
        (HOTLINE, "reported_to_isp", "item.ended"),
        (HOTLINE, "DE", ""),
        (HOTLINE, "DE", ""),
    ]
    rulings = [codec.loads(record.value, Ruling) for record in first[1].records if record.topic == RULINGS]
    assert [(made.cause, made.occasion) for made in rulings if isinstance(made, Ruling)] == [
        (RulingCause.LABEL, f"label:{label.label_id}"),
        (RulingCause.MOVED, f"moved:{said[-1].return_id}"),
    ], "one label, one move, one ruling each, with the same id each time"


def test_a_later_revision_changes_an_item_that_nobody_has_touched_and_no_other(
    stack: Any, database: Database, tmp_path: Path, returns: tuple[ReturnStages, RecordCodec]
) -> None:
    places = [a_hosting(country=CountryCode(code)) for code in ("NL", "NL", "DE")]
    touched, untouched = ContentId("item-1"), ContentId("item-2")
    items = [an_item(content_id=one, hosting=places[0], labels=(NATIONAL,)) for one in (touched, untouched)]
    stages, codec = returns
    with a_crew(stack.home, tmp_path / "logs") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        report, referrals = published(stack, database, "revised-1", *items)
        about: Any = {"referral_id": referrals[HOTLINE], "report_id": report}
        outcome = Outcome(content_id=touched, action="reported_to_lea")
        watched = Outcome(content_id=touched, action="monitoring")
        early = an_outcome_return(HOTLINE, watched, **about)
        stages.claim(stages.decide(a_slice(codec, an_outcome_return(HOTLINE, outcome, **about), early)))
        moved = [an_item(content_id=one, hosting=places[2], labels=(NATIONAL,)) for one in (touched, untouched)]
        with Publisher(stack.config(SUBMITTER)) as publisher:
            publisher.correct(a_draft(submitter_reference="revised-1", items=tuple(moved), source_url=A_DESCRIBED_PAGE))
        assigned = _assigned(database, report, {untouched: "DE"})
    assert assigned == {touched: "NL", untouched: "DE"}
    stages.claim(stages.decide(a_slice(codec, an_outcome_return(HOTLINE, watched, **about))))
    assert acts(database, report, 3)[1:] == [
        (HOTLINE, "monitoring", "item.not_described"),
        (HOTLINE, "monitoring", ""),
    ], "what a revision says of the page is heard also where somebody has acted"


def _assigned(database: Database, report: ReportId, awaited: dict[ContentId, str]) -> dict[str, str]:
    deadline = time.monotonic() + 60
    while True:
        with database.transaction() as connection:
            rows = connection.execute(
                text("select content_id, assigned_country from items where report_id = :id"), {"id": report}
            ).all()
        found = {row.content_id: row.assigned_country for row in rows}
        if awaited.items() <= found.items():
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


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
