"""Answers: every line is checked, good ones go through, and the others come back with their reason."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.answers import Answer, Line, Referred, as_return, parse, read_csv
from consumers.replies import Replies, drop, rejects_csv, sort_file
from consumers.states import State
from schemas.catalogue import catalogue
from schemas.records.answers import ReturnKind
from schemas.records.values import Mark, Ternary
from tests.builders import counted
from tests.builders.deliveries import Counter
from tests.builders.referrals import RECIPIENT, a_referral
from tests.builders.reports import NOON_MS
from tests.builders.told import outcomes

REFERRAL_ID = a_referral().referral_id
ABOUT = Referred(report_id=a_referral().report_id, revision=1, mark=Mark.TEST)


def cells(**changes: str) -> dict[str, str]:
    return {"referral_id": REFERRAL_ID, "answer": "taken_up"} | changes


def an_answer(**changes: str) -> Answer:
    answer = parse(Line(number=1, cells=cells(**changes)))
    assert isinstance(answer, Answer)
    return answer


def everything_is_known(_: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"referral_id": "17"}, "referral_id", "answer.referral_id"),
        ({"answer": "yes"}, "answer", "answer.kind"),
        ({"answer": "refused"}, "reason", "answer.reason_missing"),
        ({"answer": "refused", "reason": "because"}, "reason", "answer.reason"),
        ({"answer": "outcome"}, "action", "answer.no_outcome"),
        ({"answer": "outcome", "action": "moved"}, "action", "answer.moved"),
        ({"answer": "outcome", "classification": "bad"}, "classification", "answer.classification"),
        ({"answer": "outcome", "hosting_country": "Holland"}, "hosting_country", "answer.country"),
        ({"answer": "outcome", "assigned_country": "QQ"}, "assigned_country", "answer.country"),
        (
            {"answer": "outcome", "hosting_country": "DE", "assigned_country": "DE"},
            "assigned_country",
            "answer.one_step",
        ),
        ({"classification": "national"}, "action", "answer.action"),
        ({"answer": "outcome", "action": "done"}, "action", "answer.action_unknown"),
        ({"action": "removed"}, "action", "answer.action"),
        ({"answer": "question"}, "question", "answer.question"),
        ({"actionable": "perhaps"}, "actionable", "answer.yes_no"),
        ({"answer": "question", "question": "when", "due": "2026-01-01T12:00:00"}, "due", "answer.due"),
        ({"case_number": "x" * 501}, "case_number", "answer.too_long"),
        ({"mood": "good"}, "mood", "answer.unknown_field"),
    ],
)
def test_a_line_that_breaks_a_rule_names_field_and_code(changes: dict[str, str], field: str, code: str) -> None:
    problems = parse(Line(number=7, cells=cells(**changes)))
    assert not isinstance(problems, Answer)
    assert [(problem.line, problem.field, problem.code) for problem in problems] == [(7, field, code)]
    assert code in catalogue()
    assert str(problems[0]).startswith(f"line 7, {field}: ")


def test_an_outcome_speaks_the_vocabulary_whatever_scheme_it_was_written_in() -> None:
    answer = an_answer(answer="outcome", action="3", reason="18", actionable="Yes", content_id="item-1")
    (outcome,) = as_return(answer, RECIPIENT, ABOUT, NOON_MS).outcomes
    assert (outcome.action, outcome.reason, outcome.actionable) == ("removed", "virtual_material", Ternary.YES)
    assert outcome.content_id == "item-1"


def test_a_move_and_an_assessment_are_outcomes_in_our_codes_and_countries() -> None:
    moved = an_answer(answer="outcome", action="moved", hosting_country="uk")
    assessed = an_answer(answer="outcome", classification="2", content_id="item-1")
    (move,) = as_return(moved, RECIPIENT, ABOUT, NOON_MS).outcomes
    (assessment,) = as_return(assessed, RECIPIENT, ABOUT, NOON_MS).outcomes
    assert (move.action, move.hosting_country, move.assigned_country) == ("moved", "GB", "")
    assert (assessment.action, assessment.classification) == ("", "national")


def test_an_outcome_may_only_say_how_useful_it_was() -> None:
    (outcome,) = as_return(an_answer(answer="outcome", identified="yes"), RECIPIENT, ABOUT, NOON_MS).outcomes
    assert (outcome.action, outcome.identified) == ("", Ternary.YES)


def test_a_question_keeps_its_offset() -> None:
    answer = an_answer(answer="question", question="missing_time", field="incident_at", due="2026-01-01T12:00:00+01:00")
    question = as_return(answer, RECIPIENT, ABOUT, NOON_MS).question
    assert question is not None
    assert question.due is not None
    assert (question.code, question.field, question.due.utc_offset_minutes) == ("missing_time", "incident_at", 60)


def test_an_answer_is_a_persons_word_about_one_revision_and_keeps_the_mark() -> None:
    said = as_return(an_answer(case_number="NL-17"), RECIPIENT, ABOUT, NOON_MS)
    assert (said.kind, said.by_person, said.case_number, said.mark) == (ReturnKind.TAKEN_UP, True, "NL-17", Mark.TEST)


@given(st.text(max_size=20), st.text(max_size=20), st.integers(0, 10**12))
def test_the_same_answer_has_the_same_id_whenever_it_is_read(one: str, other: str, later_ms: int) -> None:
    first = as_return(an_answer(case_number=one), RECIPIENT, ABOUT, NOON_MS).return_id
    second = as_return(an_answer(case_number=other), RECIPIENT, ABOUT, later_ms).return_id
    assert (first == second) == (one.removeprefix("'") == other.removeprefix("'"))


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_file_is_read_as_spreadsheets_write_it(delimiter: str, mark: bytes) -> None:
    text = f'Referral_ID{delimiter}answer{delimiter}text\r\n{REFERRAL_ID}{delimiter}TAKEN_UP{delimiter}"two\nlines"\r\n'
    found = sort_file(".csv", mark + text.encode(), everything_is_known)
    assert [(answer.referral_id, answer.answer) for answer in found.answers] == [(REFERRAL_ID, "taken_up")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfe\x00", "answer.not_utf8"),
        (b"id,answer\n", "answer.header"),
        (b"", "answer.header"),
        (b"x" * 5_242_881, "answer.file_too_large"),
    ],
)
def test_a_file_that_is_no_answers_file_is_refused_as_a_whole(content: bytes, code: str) -> None:
    found = sort_file(".csv", content, everything_is_known)
    assert [problem.code for problem in found.problems] == [code]


def test_good_lines_go_through_and_the_rejects_can_be_corrected_and_sent_again() -> None:
    content = f"referral_id,answer,reason\n{REFERRAL_ID},taken_up,\n{REFERRAL_ID},refused,=cmd()\n17,refused,other\n"
    found = sort_file(".csv", content.encode(), everything_is_known)
    assert [answer.answer for answer in found.answers] == ["taken_up"]
    returned = rejects_csv(found.rejected, found.problems)
    lines = read_csv(returned)
    assert isinstance(lines, list)
    assert [line.cells["referral_id"] for line in lines] == [REFERRAL_ID, "17"]
    assert b"'=cmd()" in returned


def test_a_cell_too_many_is_no_silent_loss() -> None:
    found = sort_file(".csv", f"referral_id,answer\n{REFERRAL_ID},taken_up,NL-17\n".encode(), everything_is_known)
    assert [problem.code for problem in found.problems] == ["answer.unknown_field"]


def test_an_answer_to_an_unknown_referral_comes_back() -> None:
    found = sort_file(".csv", f"referral_id,answer\n{REFERRAL_ID},taken_up\n".encode(), lambda _: False)
    assert [problem.code for problem in found.problems] == ["answer.unknown_referral"]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    for suffix in (".csv", ".jsonl"):
        sort_file(suffix, content, everything_is_known)
        sort_file(suffix, b"referral_id,answer\n" + content, everything_is_known)


@pytest.fixture
def replies(counter: Counter, tmp_path: Path) -> Callable[[], int]:
    counter.arrive(a_referral())
    counter.courier.turn()
    return Replies(counter.store, tmp_path / "replies", RECIPIENT, counter.clock).turn


def test_an_answer_in_the_folder_is_told_once_and_changes_the_state(
    counter: Counter, replies: Callable[[], int], tmp_path: Path
) -> None:
    for _ in range(2):
        drop(tmp_path / "replies", [an_answer(case_number="NL-17")])
    assert replies() == 2
    assert replies() == 0
    delivery = counter.find(REFERRAL_ID)
    assert (delivery.state, delivery.case_number) == (State.TAKEN_UP, "NL-17")
    assert counter.told() == [(REFERRAL_ID, ReturnKind.DELIVERED), (REFERRAL_ID, ReturnKind.TAKEN_UP)]


def test_a_file_that_may_still_grow_is_left_alone(counter: Counter, replies: Callable[[], int], tmp_path: Path) -> None:
    path = tmp_path / "replies" / "answers.csv"
    path.write_text(f"referral_id,answer\n{REFERRAL_ID},taken_up\n")
    counter.clock.now_ms = path.stat().st_mtime_ns // 1_000_000
    assert replies() == 0
    counter.clock.now_ms += 2_000
    assert replies() == 1
    assert (tmp_path / "replies" / "done" / "answers.csv").exists()


def test_each_file_that_is_taken_is_timed(replies: Callable[[], int], tmp_path: Path) -> None:
    before = counted.timed("answers")
    for _ in range(2):
        drop(tmp_path / "replies", [an_answer(), an_answer()])
    assert replies() == 4
    assert replies() == 0
    assert counted.timed("answers") - before == 2


def test_each_answer_that_was_taken_is_one_line_of_the_log_without_a_word_of_the_case(
    counter: Counter, replies: Callable[[], int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    drop(
        tmp_path / "replies",
        [an_answer(case_number="NL-17"), an_answer(answer="question", question="field", field="url")],
    )
    with caplog.at_level(logging.INFO, logger="consumers.replies"):
        assert replies() == 2
    delivery = counter.find(REFERRAL_ID)
    lines = outcomes(caplog.records, "consumers.replies")
    assert [(line["stage"], line["outcome"], line["report_id"], line["revision"]) for line in lines] == [
        ("answers", "taken_up", delivery.report_id, delivery.revision),
        ("answers", "question", delivery.report_id, delivery.revision),
    ]
    assert "NL-17" not in str(lines)


def test_what_is_not_understood_comes_back_in_a_folder_of_its_own(replies: Callable[[], int], tmp_path: Path) -> None:
    (tmp_path / "replies" / "x.jsonl").write_text('{"referral_id": "17", "answer": "taken_up"}\n')
    assert replies() == 0
    assert b"answer.referral_id" in (tmp_path / "replies" / "rejected" / "x.csv").read_bytes()


def test_files_that_were_taken_are_deleted_after_thirty_days(counter: Counter, tmp_path: Path) -> None:
    counter.arrive(a_referral())
    answers = Replies(counter.store, tmp_path / "replies", RECIPIENT, lambda: time.time_ns() // 1_000_000)
    for age_days in (29, 31):
        file = drop(tmp_path / "replies", [an_answer()])
        answers.turn()
        at = time.time() - age_days * 86_400
        os.utime(tmp_path / "replies" / "done" / file.name, (at, at))
    drop(tmp_path / "replies", [an_answer()])
    assert answers.let_go() == 1
    assert len(list((tmp_path / "replies" / "done").iterdir())) == 1
    assert len(list((tmp_path / "replies").glob("*.jsonl"))) == 1, "what nobody has taken yet stays"
