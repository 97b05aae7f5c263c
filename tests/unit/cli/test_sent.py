"""`tocsin sent`: every state a report can be in is shown, found by its name, and says what to do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from producers.intake import Intake
from producers.journal import entries
from producers.journal.entries import Receipt
from producers.journal.statuses import Stage, keep
from producers.journal.store import open_journal
from schemas.records.answers import Outcome, Question, Status, StatusKind
from schemas.records.identifiers import report_id_of
from schemas.records.values import Tier
from tests.builders.drafts import a_submitter, an_entry, an_envelope
from tests.builders.reports import NOON_MS, an_instant
from tests.builders.submitting import MEMBER, Office, an_office

Capture = pytest.CaptureFixture[str]

TOLD: dict[Stage, dict[str, Any]] = {
    Stage.TRIAGED: {"tier": Tier.HIGH, "recipients": 2, "missing": ("incident_at",)},
    Stage.REFUSED: {"code": "report.date_in_future", "field": "detected_at"},
    Stage.STALE: {},
    Stage.NO_RECIPIENT: {},
    Stage.WAITING_PERSON: {},
    Stage.DELIVERED: {},
    Stage.TAKEN_UP: {"case_number": "NL-77"},
    Stage.OUTCOME: {"outcomes": (Outcome(action="removed"),)},
    Stage.WITHDRAWN: {},
}
"""What the exchange says of one report in each state that it can be told of."""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A member with one report in each state, its reference the state's name."""
    with an_office(tmp_path) as found:
        journal = open_journal(tmp_path / "state", MEMBER)
        intake = Intake(journal, a_submitter(), an_envelope(), lambda: NOON_MS)
        taken = list(intake.take(an_entry(submitter_reference=stage) for stage in Stage))
        with journal.begin() as connection:
            receipts = (Receipt(number=number, partition=0, offset=number) for number in range(2, len(taken) + 1))
            entries.confirm(connection, receipts, NOON_MS)
            keep(connection, (_status(stage) for stage in TOLD))
        journal.close()
        yield found


def _status(stage: Stage, **changes: Any) -> Status:
    facts: dict[str, Any] = {"kind": StatusKind[stage.name]} | TOLD[stage] | changes
    report_id = report_id_of(MEMBER, stage)
    return Status(status_id=f"{stage}-{facts['kind']}", member=MEMBER, report_id=report_id, at=an_instant(), **facts)


def test_every_state_is_reached_by_what_the_exchange_says() -> None:
    assert set(Stage) - set(TOLD) == {Stage.WAITING, Stage.PUBLISHED}


@pytest.mark.parametrize("stage", Stage)
def test_a_state_finds_its_reports_and_no_others(stage: Stage, office: Office, capsys: Capture) -> None:
    ended = office.run(capsys, "sent", "--offline", "--state", stage.value, "--json")
    rows = [json.loads(line) for line in ended.said.splitlines()]
    assert ended.code == 0
    assert [(row["reference"], row["stage"]) for row in rows] == [(stage.value, stage.value)]


def test_a_refusal_is_shown_with_its_remedy_and_an_answer_with_what_it_brought(office: Office, capsys: Capture) -> None:
    shown = office.run(capsys, "sent", "--offline").said
    refused = next(line for line in shown.splitlines() if line.startswith("refused"))
    assert "detected_at: " in refused
    assert "[report.date_in_future]" in refused
    assert len(shown.splitlines()) == len(Stage)
    for reference, words in (("taken_up", "case NL-77"), ("outcome", "removed"), ("triaged", "2 recipients")):
        assert words in office.run(capsys, "sent", "--offline", "--reference", reference).said


def test_a_question_is_shown_and_moves_nothing(office: Office, capsys: Capture) -> None:
    journal = open_journal(office.home / "state", MEMBER)
    question = Question(code="question.missing_time", field="incident_at")
    with journal.begin() as connection:
        keep(connection, [_status(Stage.DELIVERED, kind=StatusKind.QUESTION, question=question)])
    journal.close()
    (row,) = office.run(capsys, "sent", "--offline", "--state", "delivered").said.splitlines()
    assert "question.missing_time incident_at" in row


def test_only_what_was_published_since_then_is_shown(office: Office, capsys: Capture) -> None:
    assert office.run(capsys, "sent", "--offline", "--since", "2020-01-01").said != ""
    assert office.run(capsys, "sent", "--offline", "--since", "2099-01-01").said == ""


def test_synthetic_reports_are_made_for_a_local_stack_only(office: Office, capsys: Capture) -> None:
    ended = office.run(capsys, "generate", "--count", "3")
    assert (ended.code, "[generate.not_local]" in ended.said) == (1, True)
    assert not (office.home / "generated.jsonl").exists()
    config = office.home / "config" / f"{MEMBER}.toml"
    config.write_text("local_stack = true\n" + config.read_text())
    words = ("generate", "--count", "30", "--seed", "3", "--now-ms", str(NOON_MS))
    for name in ("a", "b"):
        assert office.run(capsys, *words, "--out", f"{name}.jsonl", "--truth", f"{name}.truth").code == 0
    assert (office.home / "a.jsonl").read_bytes() == (office.home / "b.jsonl").read_bytes()
    truth = [json.loads(line) for line in (office.home / "a.truth").read_text().splitlines()]
    assert {"reference", "case", "urgent", "known"} <= set(truth[0])
    assert len(truth) == 30
