"""To say more never makes a report less complete."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.steps.completeness.rules import completeness
from schemas.missing import wanted_fields
from schemas.records.identifiers import CountryCode
from schemas.records.report import ContentItem, PersonalPart, ReportSubmitted
from tests.builders.any_record import any_record
from tests.builders.reports import a_nexus_claim, a_personal_part, a_report, a_source_url, an_instant

REPORTS = st.builds(
    a_report,
    items=st.lists(any_record(ContentItem), max_size=2).map(tuple),
    source_url=st.none() | st.just(a_source_url(hosting=None)),
    incident_types=st.sampled_from([(), ("csam",)]),
    incident_at=st.none() | st.just(an_instant()),
)
PERSONAL = st.none() | any_record(PersonalPart)
MORE = st.fixed_dictionaries(
    {},
    optional={
        "nexus": st.just((a_nexus_claim(),)),
        "declared_country": st.just(CountryCode("NO")),
        "incident_at": st.just(an_instant()),
        "incident_types": st.just(("grooming",)),
        "source_url": st.just(a_source_url()),
    },
)


@given(REPORTS, PERSONAL, MORE)
def test_to_say_more_never_lowers_the_score(
    report: ReportSubmitted, personal: PersonalPart | None, more: dict[str, Any]
) -> None:
    before, after = completeness(report, personal), completeness(replace(report, **more), personal)
    assert after.score >= before.score
    assert set(after.missing) <= set(before.missing)


@given(REPORTS)
def test_a_personal_part_never_lowers_the_score(report: ReportSubmitted) -> None:
    assert completeness(report, a_personal_part()).score >= completeness(report, None).score


@given(REPORTS, PERSONAL)
def test_the_score_is_what_the_missing_fields_weigh(report: ReportSubmitted, personal: PersonalPart | None) -> None:
    found = completeness(report, personal)
    weights = {field.name: field.weight for field in wanted_fields()}
    assert found.score == 100 - sum(weights[field] for field in found.missing)
