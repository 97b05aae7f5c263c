"""How much an officer would find, and what is missing, heaviest first."""

import json
import re
from typing import Any

import pytest

from processors.steps.completeness.rules import PRESENT, completeness
from producers.feeds.csv.mapping import columns
from schemas.missing import WantedField, wanted_fields
from schemas.records.identifiers import CountryCode
from schemas.records.report import Escalation, EstimatedLocation, PersonalPart, ReportSubmitted
from schemas.records.values import Ternary
from schemas.sealing import personal_part
from tests.builders.policy import the_sample
from tests.builders.reports import (
    NOON_MS,
    SHA256,
    YEAR_MS,
    a_network_event,
    a_nexus_claim,
    a_personal_part,
    a_report,
    a_source_url,
    an_account,
    an_escalation,
    an_incident,
    an_instant,
    an_item,
)
from tocsin.cli.evaluating.submissions import submission_of

NOTHING_IN_IT: dict[str, Any] = {
    "url": "",
    "hosting": None,
    "hashes": (),
    "labels": (),
    "detection_method": "",
    "viewed_by_reporter": Ternary.UNKNOWN,
    "apparent_age_band": "",
}
NOTHING: dict[str, Any] = {"source_url": None, "items": (an_item(**NOTHING_IN_IT),), "incident_types": ()}


def missing(personal: PersonalPart | None = None, **report: Any) -> tuple[str, ...]:
    return completeness(a_report(**(NOTHING | report)), personal).missing


def test_a_report_that_says_nothing_lacks_everything_heaviest_first() -> None:
    pleads = Escalation(reason_code="other")
    assert missing(escalation=pleads) == tuple(field.name for field in wanted_fields())
    weights = [field.weight for field in wanted_fields()]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) == 100


def test_the_table_and_the_step_know_the_same_fields() -> None:
    assert set(PRESENT) == {field.name for field in wanted_fields()}


@pytest.mark.parametrize("field", wanted_fields(), ids=lambda field: field.name)
def test_each_example_is_read_by_the_feed_and_makes_the_report_say_it(field: WantedField) -> None:
    for example in field.json.split(" or "):
        written = {"submitter_reference": "r-1", "submitter": "plat-a", "items": [{}]} | json.loads(example)
        written = json.loads(json.dumps(written, ensure_ascii=False).replace("…", SHA256))
        submission = submission_of(written, the_sample(), NOON_MS + YEAR_MS)
        assert isinstance(submission.record, ReportSubmitted), (example, submission.code)
        parts = [part for part in map(personal_part, submission.record.sealed) if part]
        assert field.name not in completeness(submission.record, parts[0] if parts else None).missing


@pytest.mark.parametrize("field", wanted_fields(), ids=lambda field: field.name)
def test_each_column_that_is_named_exists(field: WantedField) -> None:
    named = set(re.findall(r"[a-z0-9_]+", field.csv)) - {"or", "and"}
    assert named <= set(columns())


def test_a_full_report_lacks_nothing() -> None:
    found = completeness(a_report(incident_at=an_instant(), external_ids={"ncmec": "1"}), a_personal_part())
    assert (found.score, found.missing) == (100, ())


@pytest.mark.parametrize(
    ("field", "report", "personal"),
    [
        ("nexus", {"nexus": (a_nexus_claim(),)}, None),
        ("nexus", {"declared_country": CountryCode("NO")}, None),
        ("nexus", {"source_url": a_source_url()}, None),
        ("nexus", {}, PersonalPart(locations=(EstimatedLocation(country=CountryCode("NO")),))),
        ("nexus", {}, a_personal_part(accounts=())),
        ("accounts", {}, PersonalPart(accounts=(an_account(),))),
        ("incident_at", {"incident_at": an_instant()}, None),
        ("items", {"source_url": a_source_url()}, None),
        ("items", {"items": (an_item(),)}, None),
        ("items.labels", {"incident_types": ("csam",)}, None),
        ("items.viewed_by_reporter", {"items": (an_item(viewed_by_reporter=Ternary.NO),)}, None),
        ("items.detection_method", {"items": (an_item(),)}, None),
        ("victim_age_band", {"victim_age_band": "11-13"}, None),
        ("victim_age_band", {"items": (an_item(),)}, None),
        ("victim_age_band", {}, PersonalPart(accounts=(an_account(role="victim"),))),
        ("external_ids", {"external_ids": {"ncmec": "1"}}, None),
        ("external_ids", {}, PersonalPart(accounts=(an_account(prior_reports=0),))),
    ],
)
def test_a_field_is_there_by_any_of_the_ways_to_say_it(
    field: str, report: dict[str, Any], personal: PersonalPart | None
) -> None:
    assert field in missing()
    assert field not in missing(personal, **report)


def test_an_account_without_a_value_is_none() -> None:
    assert "accounts" in missing(PersonalPart(accounts=(an_account(value=""),)))


def test_an_address_without_port_or_time_points_to_nobody() -> None:
    for lacking in ({"port": None}, {"at": None}, {"ip_address": ""}):
        assert "nexus" in missing(PersonalPart(network_events=(a_network_event(**lacking),)))


def test_a_reason_is_owed_by_who_pleads_for_urgency_and_by_nobody_else() -> None:
    assert "escalation.reason_code" not in missing()
    assert "escalation.reason_code" in missing(escalation=Escalation(reason_code="other"))
    assert "escalation.reason_code" not in missing(escalation=an_escalation())


def test_an_incident_without_items_does_not_lack_what_only_items_have() -> None:
    found = completeness(an_incident(), a_personal_part())
    assert found.missing == ("items", "victim_age_band", "external_ids")
