"""Whether a hotline is proposed to write to a host: never by itself, and not before police where the law wants that."""

from typing import Any

import pytest

from processors.steps.route.evidence import Evidence
from processors.steps.route.notices import notice
from processors.steps.route.rules import addressee_of
from schemas.records.identifiers import CountryCode, JurisdictionCode, MemberId
from schemas.records.triage import ItemVerdict
from schemas.records.values import Verdict
from tests.builders.policy import TODAY, a_legal_row, the_sample, with_law
from tocsin.policy.bundle import Bundle
from tocsin.policy.jurisdictions import Criminalised

HOSTED = Evidence(CountryCode("NL"), "hosting")
ILLEGAL = ItemVerdict(jurisdiction=JurisdictionCode("nl"), verdict=Verdict.NATIONAL)


def told(member: str, bundle: Bundle | None = None, **changes: Any) -> str:
    policy = bundle or the_sample()
    case = {"pointed": (HOSTED,), "verdicts": (ILLEGAL,)} | changes
    addressee = addressee_of(policy.members[MemberId(member)], ())
    return notice(addressee, case["pointed"], case["verdicts"], policy, TODAY)


def test_what_lies_in_the_hotlines_country_and_is_illegal_there_is_proposed() -> None:
    assert told("nl-hotline") == "notice.proposed"


def test_where_the_law_wants_police_first_that_is_said() -> None:
    assert told("nl-hotline", with_law("nl", a_legal_row(lea_first=Criminalised.YES))) == "notice.police_first"


@pytest.mark.parametrize(
    ("member", "changes"),
    [
        ("nl-police", {}),
        ("fr-hotline", {}),
        ("nl-hotline", {"pointed": (Evidence(CountryCode("NL"), "domain"),)}),
        ("nl-hotline", {"pointed": (Evidence(CountryCode("NL"), "hosting_cdn"),)}),
        ("nl-hotline", {"verdicts": (ItemVerdict(jurisdiction=JurisdictionCode("nl")),)}),
        ("nl-hotline", {"verdicts": (ItemVerdict(jurisdiction=JurisdictionCode("de"), verdict=Verdict.BASELINE),)}),
    ],
)
def test_nothing_is_proposed_to_others_on_weak_evidence_or_where_it_is_not_illegal(
    member: str, changes: dict[str, Any]
) -> None:
    assert told(member, **changes) == ""
