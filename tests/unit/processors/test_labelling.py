"""A later label is an assessment by a person, or it is refused with the reason."""

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.items import judged
from processors.labelling import addressed, answer_of, refusal_of_label, unaddressed
from processors.telling import Known, Read, status_of
from schemas.disclosure import Audience
from schemas.item_state import Act, ActKind, ItemState, acts_of
from schemas.records.answers import ReturnKind
from schemas.records.identifiers import ContentId, MemberId, ReferralId, ReportId
from schemas.records.report import Label
from schemas.vocabularies import vocabulary
from tests.builders.answers import REPORT, a_label, an_outcome_return
from tests.builders.planting import release_of
from tests.builders.policy import TODAY, the_sample
from tocsin.policy.authority import actor_of
from tocsin.runtime.ledger.addressing import is_id
from tocsin.runtime.transport.slices import RawRecord

MEMBER = MemberId("nl-hotline")
MINE = ReferralId("2b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e34")
RAW = RawRecord(offset=0, timestamp_ms=1, key=None, value=b"", headers=())


def test_a_label_is_one_assessment_of_one_item_by_a_person() -> None:
    answer = answer_of(a_label(MEMBER, "item-1", label=Label(scheme="iccam", label="Baseline")))
    (outcome,) = answer.outcomes
    assert (answer.kind, answer.by_person, outcome.content_id) == (ReturnKind.OUTCOME, True, "item-1")
    assert acts_of(outcome) == (Act(kind=ActKind.ASSESS, value="baseline"),)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, ""),
        ({"label": Label(scheme="interpol", label="baseline")}, ""),
        ({"report_id": ReportId("no id at all")}, "label.unknown_report"),
        ({"by_person": False}, "label.by_machine"),
        ({"label": Label(scheme="industry", label="A1")}, "label.no_assessment"),
        ({"label": Label(scheme="iccam", label="no such word")}, "label.no_assessment"),
    ],
)
def test_what_is_no_assessment_by_a_person_is_refused(changes: dict[str, Any], code: str) -> None:
    assert refusal_of_label(a_label(MEMBER, "item-1", **changes)) == code


@given(
    scheme=st.text(), word=st.text() | st.sampled_from(sorted(vocabulary("classification").codes)), person=st.booleans()
)
def test_whatever_is_not_refused_assesses_with_a_known_word(scheme: str, word: str, person: bool) -> None:
    label = a_label(MEMBER, "item-1", label=Label(scheme=scheme, label=word), by_person=person)
    words = [act.value for outcome in answer_of(label).outcomes for act in acts_of(outcome)]
    assert refusal_of_label(label) or (person and all(map(vocabulary("classification").is_known, words)) and words)


def test_a_label_answers_the_referral_that_its_member_has_and_other_answers_name_theirs() -> None:
    label, other = answer_of(a_label(MEMBER, "item-1")), an_outcome_return(MEMBER)
    read = (Read(raw=RAW, answer=label), Read(raw=RAW, answer=other))
    assert unaddressed(read) == {(REPORT, MEMBER)}
    found = addressed(read, {(REPORT, MEMBER): MINE})
    assert [entry.answer and entry.answer.referral_id for entry in found] == [MINE, other.referral_id]
    assert addressed(read, {}) == read


def test_of_a_label_the_reports_submitter_is_told_what_the_ceilings_let_it_read() -> None:
    label = a_label(MEMBER, "item-1")
    known = Known(recipient=MEMBER, submitter=MemberId("plat-a"), submitter_reference="case-1", report_id=REPORT)
    told = status_of(answer_of(label), known)
    (outcome,) = told.outcomes
    assert (outcome.content_id, told.recipient, told.at) == (label.content_id, label.member, label.at)
    named = release_of("LabelAdded")
    assert all(Audience.SUBMITTER in named[name] for name in ("content_id", "member", "at", "mark"))
    assert Audience.SUBMITTER in release_of("Outcome")["classification"], "our word for it, and not the label"


def test_a_label_of_an_item_that_the_report_does_not_have_is_refused_and_so_no_submitter_is_told_of_it() -> None:
    state = ItemState(hosting_country="NL", assigned_country="NL")
    authority = partial(actor_of, MEMBER, bundle=the_sample(), on=TODAY)
    states = {(REPORT, ContentId("item-1")): state}
    assert judged(answer_of(a_label(MEMBER, "item-1")), states, authority).refused == ""
    assert judged(answer_of(a_label(MEMBER, "another")), states, authority).refused == "item.unknown"


@pytest.mark.parametrize(
    ("written", "asked"), [(REPORT, True), ("", False), ("no id at all", False), (f"urn:uuid:{REPORT}", False)]
)
def test_the_ledger_is_asked_only_for_what_can_be_an_id(written: str, asked: bool) -> None:
    assert is_id(ReportId(written)) is asked
