"""How much an officer would find, and what is missing, heaviest first."""

from typing import Any

import pytest

from processors.steps.completeness.rules import FIELDS, completeness
from schemas.records.identifiers import CountryCode
from schemas.records.report import EstimatedLocation, PersonalPart
from schemas.records.values import Ternary
from tests.builders.reports import (
    a_nexus_claim,
    a_personal_part,
    a_report,
    a_source_url,
    an_account,
    an_incident,
    an_instant,
    an_item,
)

NOTHING_IN_IT: dict[str, Any] = {
    "url": "",
    "hosting": None,
    "hashes": (),
    "labels": (),
    "detection_method": "",
    "viewed_by_reporter": Ternary.UNKNOWN,
}
NOTHING: dict[str, Any] = {"source_url": None, "items": (an_item(**NOTHING_IN_IT),), "incident_types": ()}


def missing(personal: PersonalPart | None = None, **report: Any) -> tuple[str, ...]:
    return completeness(a_report(**(NOTHING | report)), personal).missing


def test_a_report_that_says_nothing_lacks_everything_heaviest_first() -> None:
    assert missing() == tuple(field for field, _, _ in FIELDS)
    weights = [weight for _, weight, _ in FIELDS]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) == 100


def test_a_full_report_lacks_nothing() -> None:
    found = completeness(a_report(incident_at=an_instant()), a_personal_part())
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
    ],
)
def test_a_field_is_there_by_any_of_the_ways_to_say_it(
    field: str, report: dict[str, Any], personal: PersonalPart | None
) -> None:
    assert field in missing()
    assert field not in missing(personal, **report)


def test_an_account_without_a_value_is_none() -> None:
    assert "accounts" in missing(PersonalPart(accounts=(an_account(value=""),)))


def test_an_incident_without_items_does_not_lack_what_only_items_have() -> None:
    found = completeness(an_incident(), a_personal_part())
    assert found.missing == ("items",)
