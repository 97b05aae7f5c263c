"""The members of the sample, each through all steps: who gets it, under whose law, how urgent, and what is seen."""

import pytest
from msgspec import Struct

from processors.decision import Decision, conclude, propose
from processors.index.port import Knowledge
from processors.intake import Accepted
from processors.referring import Desk
from schemas.records.identifiers import CountryCode, MemberId
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart
from schemas.records.values import NexusKind, Novelty, Tier, Verdict
from tests.builders.identity import KEYS, NAMING
from tests.builders.policy import the_sample
from tests.builders.reports import (
    NOON_MS,
    a_hosting,
    a_nexus_claim,
    a_personal_part,
    a_report,
    an_escalation,
    an_incident,
    an_item,
)
from tocsin.runtime.ledger.outcomes import Outcome

DESK = Desk(bundle=the_sample(), keys=KEYS, personal_schema_id=8)


class Expected(Struct, frozen=True, kw_only=True):
    """One row: a country and a submitter, and what comes out."""

    country: str
    submitter: str = "plat-a"
    recipients: dict[str, bool]
    """Member to whether it sees the personal part."""
    jurisdiction: str
    refusals: frozenset[tuple[str, str]] = frozenset()


TABLE = [
    Expected(country="NL", jurisdiction="nl", recipients={"nl-hotline": False, "nl-police": True}),
    Expected(country="DE", jurisdiction="de", recipients={"de-hotline-a": False, "de-police": True}),
    Expected(country="FR", jurisdiction="fr", recipients={"fr-hotline": False, "fr-police": True}),
    Expected(country="GB", jurisdiction="gb", recipients={"gb-hotline": False, "gb-police": True}),
    Expected(country="US", jurisdiction="us", recipients={"us-hotline": False, "us-police": True}),
    Expected(
        country="NO",
        jurisdiction="no",
        recipients={"gb-hotline": False, "intl-police": True},
    ),
    Expected(country="XI", jurisdiction="xi", recipients={"intl-police": True}),
    Expected(
        country="NO",
        submitter="gb-hotline",
        jurisdiction="no",
        recipients={"intl-police": True},
        refusals=frozenset({("gb-hotline", "route.own_report")}),
    ),
    Expected(
        country="DE",
        submitter="de-hotline-a",
        jurisdiction="de",
        recipients={"de-police": True},
        refusals=frozenset({("de-hotline-a", "route.own_report")}),
    ),
    Expected(
        country="DE",
        submitter="de-hotline-b",
        jurisdiction="de",
        recipients={"de-hotline-a": False, "de-police": True},
    ),
    Expected(
        country="DE",
        submitter="de-hotline-c",
        jurisdiction="de",
        recipients={"de-hotline-a": False, "de-police": True},
    ),
    Expected(
        country="US",
        submitter="nl-hotline",
        jurisdiction="us",
        recipients={"us-hotline": False, "us-police": False},
    ),
]
EACH_ROW = pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.submitter} to {row.country}")


def decided(submitter: str, country: str, personal: PersonalPart | None) -> Decision:
    hosting = a_hosting(country=CountryCode(country))
    items = (an_item(hosting=hosting),)
    report = a_report(submitter=MemberId(submitter), source_url=None, items=items)
    return concluded(Accepted(report=report, personal=personal))


def concluded(accepted: Accepted) -> Decision:
    proposed = propose(accepted, the_sample(), NAMING, NOON_MS)
    return conclude(proposed, Knowledge(), the_sample())


def referrals(decision: Decision) -> dict[str, Referral]:
    return {found.recipient: found for found in DESK.refer(decision, decision.proposed.route.recipients)}


@EACH_ROW
def test_what_is_hosted_in_a_country_reaches_its_members(row: Expected) -> None:
    decision = decided(row.submitter, row.country, a_personal_part())
    assert decision.outcome is Outcome.ROUTED
    assert set(referrals(decision)) == set(row.recipients)
    refused = {(refusal.member, refusal.rule) for refusal in decision.proposed.route.refusals}
    assert row.refusals <= refused


@EACH_ROW
def test_each_recipient_sees_the_content_and_only_who_may_the_person(row: Expected) -> None:
    for member, found in referrals(decided(row.submitter, row.country, a_personal_part())).items():
        assert found.items[0].url
        assert found.submitter == row.submitter
        assert found.priority.deadline is not None
        assert bool(found.sealed) is row.recipients[member]
        assert ("personal" in {field.path for field in found.withheld}) is not row.recipients[member]


@EACH_ROW
def test_the_law_of_the_country_is_asked(row: Expected) -> None:
    decision = decided(row.submitter, row.country, None)
    assert {(found.jurisdiction, found.verdict) for found in decision.proposed.verdicts} == {
        (row.jurisdiction, Verdict.BASELINE)
    }
    for found in referrals(decision).values():
        assert {verdict.jurisdiction for verdict in found.verdicts} <= {found.jurisdiction}


@EACH_ROW
def test_an_escalated_incident_without_content_is_urgent_to_the_same_members_and_without_police_to_the_bureau(
    row: Expected,
) -> None:
    nexus = (a_nexus_claim(kind=NexusKind.VICTIM, country=CountryCode(row.country)),)
    report = an_incident(submitter=MemberId(row.submitter), nexus=nexus, escalation=an_escalation())
    decision = concluded(Accepted(report=report, personal=a_personal_part()))
    found = referrals(decision)
    assert set(found) == set(row.recipients)
    assert {referral.priority.tier for referral in found.values()} == {Tier.URGENT}
    assert {referral.content_keys for referral in found.values()} == {()}
    assert all(referral.circumstance_keys for referral in found.values())


@EACH_ROW
def test_the_same_report_at_the_same_instant_is_decided_the_same(row: Expected) -> None:
    first = decided(row.submitter, row.country, a_personal_part())
    second = decided(row.submitter, row.country, a_personal_part())
    assert first == second
    assert referrals(first) == referrals(second)


def test_the_index_away_is_said_and_never_guessed() -> None:
    proposed = propose(Accepted(report=a_report()), the_sample(), NAMING, NOON_MS)
    decision = conclude(proposed, None, the_sample())
    assert decision.novelties.novelty is Novelty.UNKNOWN
    assert decision.outcome is Outcome.ROUTED
    assert decision.priority.uncertainty > conclude(proposed, Knowledge(), the_sample()).priority.uncertainty


def test_every_receiver_of_the_sample_is_in_the_table() -> None:
    reached = {member for row in TABLE for member in row.recipients}
    owners = {member.id for member in the_sample().members.values() if member.receives and member.owner}
    assert reached == owners


@pytest.mark.parametrize(
    ("country", "member", "is_anchored"), [("NL", "nl-hotline", True), ("NO", "gb-hotline", False)]
)
def test_what_points_to_the_readers_own_country_weighs_more_for_that_reader(
    country: str, member: str, is_anchored: bool
) -> None:
    decision = decided("plat-a", country, None)
    found = referrals(decision)[MemberId(member)].priority
    assert ("factor.anchored" in found.rules) is is_anchored
    assert "factor.anchored" in decision.priority.rules
    assert (found.score < decision.priority.score) is not is_anchored
