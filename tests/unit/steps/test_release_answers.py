"""What a submitter is told of an answer: the parts that an agreement names between the two, and nothing else."""

from typing import Any

import pytest
from msgspec.structs import replace

from processors.steps.release.answers import release_answer
from schemas.records.answers import Outcome, Question, Status, StatusKind
from schemas.records.identifiers import MemberId, ReportId
from tests.builders.policy import TODAY, a_bundle, the_sample, without_members
from tests.builders.reports import an_instant
from tocsin.policy.bundle import Bundle
from tocsin.policy.sharing import AnswerAgreement
from tocsin.policy.words import ANSWER_PARTS


def told(recipient: str, submitter: str, bundle: Bundle | None = None) -> set[str]:
    full = Status(
        status_id="1",
        member=MemberId(submitter),
        report_id=ReportId("r"),
        kind=StatusKind.OUTCOME,
        at=an_instant(),
        recipient=MemberId(recipient),
        case_number="C-17",
        outcomes=(Outcome(action="removed"),),
        question=Question(code="missing_time"),
    )
    found = release_answer(full, MemberId(recipient), bundle or the_sample(), TODAY)
    assert (found.kind, found.status_id) == (full.kind, full.status_id), "that there is an answer is always told"
    return {part for part in ANSWER_PARTS if getattr(found, part)}


def signed(**changes: Any) -> Bundle:
    defaults: dict[str, Any] = {
        "rule": "a test",
        "recipient_sectors": ("lea",),
        "submitter_sectors": ("platform",),
        "allow": ("case_number",),
    }
    sharing = replace(the_sample().sharing, answer=(AnswerAgreement(**(defaults | changes)),))
    return a_bundle(sharing=sharing)


@pytest.mark.parametrize(
    ("recipient", "submitter", "parts"),
    [
        ("nl-police", "plat-a", {"outcomes", "question"}),
        ("nl-hotline", "plat-a", {"outcomes", "question"}),
        ("nl-hotline", "fr-hotline", {"outcomes", "question", "recipient", "case_number"}),
        ("nl-police", "fr-hotline", {"outcomes", "question"}),
    ],
)
def test_the_sample_names_hotlines_to_hotlines_and_police_to_nobody(
    recipient: str, submitter: str, parts: set[str]
) -> None:
    assert told(recipient, submitter) == parts


def test_without_an_agreement_nothing_is_told_but_that_there_is_an_answer() -> None:
    assert told("nl-police", "plat-a", signed(submitter_sectors=("ngo",))) == set()
    assert told("nobody", "plat-a") == set()


def test_an_agreement_counts_on_its_days() -> None:
    assert told("nl-police", "plat-a", signed(valid_from=TODAY)) == {"case_number"}
    assert told("nl-police", "plat-a", signed(valid_to=TODAY)) == set()


@pytest.mark.parametrize(("organisations", "is_told"), [("any", True), ("same", True), ("other", False)])
def test_an_agreement_may_be_for_one_organisation(organisations: str, is_told: bool) -> None:
    inside = signed(recipient_sectors=("hotline",), submitter_sectors=("ngo",), organisations=organisations)
    assert bool(told("gb-hotline", "ngo-b", inside)) is is_told


def test_a_suspended_member_may_still_be_told_what_was_signed() -> None:
    assert told("nl-police", "plat-a", without_members("plat-a")) == {"outcomes", "question"}
