"""ICCAM's state rules on the real stack: real Returns of several members, a refusal that is told, and replays."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from processors.returns import Claimed, Finished, ReturnStages, ReturnTools
from schemas.records.answers import LabelAdded, Outcome, Return
from schemas.records.identifiers import ContentId, CountryCode, ReportId
from schemas.records.report import Label
from schemas.records.ruling import Ruling, RulingCause
from schemas.topics import RULINGS, returns_topic
from tests.builders.answers import a_label, an_outcome_return
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.item_acts import (
    DE,
    HOTLINE,
    NATIONAL,
    POLICE,
    SUBMITTER,
    acts,
    answer,
    at_work,
    published,
    the_books,
    tocsin,
)
from tests.builders.policy import the_sample
from tests.builders.reports import a_hosting, a_source_url, an_item
from tocsin.policy.policies import OnePolicy
from tocsin.publisher import Publisher
from tocsin.runtime import settings
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger import holds
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.transport.slices import RawRecord, Slice

pytestmark = pytest.mark.stack
A_DESCRIBED_PAGE = a_source_url(commerciality="non_commercial", payment_methods=("none",))


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
