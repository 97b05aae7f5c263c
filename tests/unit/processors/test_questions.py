"""An incomplete urgent report goes on, and its submitter is asked; nothing else is asked for."""

from typing import Any

import pytest
from msgspec.structs import replace

from processors.answering import Answering
from processors.letters import Writer
from processors.referring import Desk
from schemas.missing import wanted_field
from schemas.records.answers import Status, StatusKind
from schemas.records.report import ReportSubmitted
from schemas.records.triage import ReportTriaged
from schemas.records.values import Tier
from schemas.topics import TRIAGED, status_topic
from tests.builders.identity import KEYS
from tests.builders.policy import a_bundle, the_sample
from tests.builders.reports import a_report, an_escalation, an_incident
from tests.unit.processors.test_triage_stages import CODEC, MEMBER, a_piece, finished, outcomes, referrals
from tocsin.runtime.ledger.outcomes import Outcome


def a_thin_urgent_report(**changes: Any) -> ReportSubmitted:
    return an_incident(**({"escalation": an_escalation(), "incident_at": None, "sealed": ()} | changes))


def questions(*records: ReportSubmitted) -> list[Status]:
    (found,) = finished(a_piece(*records))
    told = (CODEC.loads(one.value, Status) for one in found.records if one.topic == status_topic(MEMBER))
    return [status for status in told if status.kind is StatusKind.QUESTION]


def test_an_incomplete_urgent_report_is_forwarded_all_the_same() -> None:
    (found,) = finished(a_piece(a_thin_urgent_report()))
    assert outcomes(found) == [Outcome.ROUTED]
    assert {made.priority.tier for made in referrals(found)} == {Tier.URGENT}


def test_its_submitter_is_asked_for_what_is_missing_the_heaviest_first_and_until_when() -> None:
    (asked,) = questions(a_thin_urgent_report())
    assert asked.missing[:2] == ("accounts", "incident_at")
    assert asked.question is not None
    assert (asked.code, asked.question.code) == ("question.incomplete", "question.incomplete")
    assert asked.field == asked.question.field == "accounts"
    assert asked.question.due is not None
    assert asked.question.due.epoch_ms > asked.at.epoch_ms
    assert all(wanted_field(name) for name in asked.missing)


def test_a_correction_that_says_it_is_asked_for_nothing() -> None:
    whole = an_incident(revision=2, escalation=an_escalation(), victim_age_band="11-13")
    assert [status.revision for status in questions(a_thin_urgent_report(), whole)] == [1]


@pytest.mark.parametrize(
    "report",
    [
        a_report(),
        a_thin_urgent_report(escalation=None, incident_types=("grooming",)),
        an_incident(escalation=an_escalation(), victim_age_band="11-13"),
    ],
    ids=["not urgent", "thin and not urgent", "urgent and complete enough"],
)
def test_nothing_is_asked_where_it_is_not_urgent_or_not_thin(report: ReportSubmitted) -> None:
    assert questions(report) == []


def test_a_stale_revision_is_asked_for_nothing() -> None:
    assert [status.revision for status in questions(a_thin_urgent_report(revision=2), a_thin_urgent_report())] == [2]


def test_the_same_revision_again_asks_the_same_question() -> None:
    first, second = questions(a_thin_urgent_report(), a_thin_urgent_report())
    assert first.status_id == second.status_id


@pytest.mark.parametrize(
    ("asking", "is_asked"),
    [({}, True), ({"tiers": ()}, False), ({"tiers": ("HIGH",)}, False), ({"below_completeness": 40}, False)],
)
def test_who_is_asked_and_below_which_completeness_is_data(asking: dict[str, Any], is_asked: bool) -> None:
    priority = the_sample().priority
    bundle = a_bundle(priority=replace(priority, asking=replace(priority.asking, **asking)))
    answering = Answering(desk=Desk(bundle=bundle, keys=KEYS, personal_schema_id=8), writer=Writer(codec=CODEC))
    (found,) = finished(a_piece(a_thin_urgent_report()))
    (triaged,) = (CODEC.loads(one.value, ReportTriaged) for one in found.records if one.topic == TRIAGED)
    assert triaged.completeness.score == 50
    assert answering.asks(triaged) is is_asked
