"""The composition of the steps: what the index adds, and what is said without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.decision import Decision, claim_of, conclude, propose
from processors.index.port import Knowledge, Sighting
from processors.intake import Accepted
from schemas.records.identifiers import CountryCode, MemberId, ReportId
from schemas.records.report import ReportSubmitted
from schemas.records.values import Novelty, Tier
from tests.builders.identity import NAMING
from tests.builders.reports import NOON_MS, a_hosting, a_report, a_source_url, an_escalation, an_item
from tocsin.policy.bundle import SAMPLE, load
from tocsin.runtime.ledger.outcomes import Outcome

BUNDLE = load(SAMPLE)


def decided(report: ReportSubmitted, knowledge: Knowledge | None) -> Decision:
    return conclude(propose(Accepted(report=report), BUNDLE, NAMING, NOON_MS), knowledge, BUNDLE)


def nowhere() -> ReportSubmitted:
    there = a_hosting(country=CountryCode("ZZ"))
    return a_report(source_url=a_source_url(hosting=there), items=(an_item(hosting=there),))


def test_without_the_index_novelty_is_unknown_and_the_report_is_routed_all_the_same() -> None:
    decision = decided(a_report(), None)
    assert (decision.novelties.novelty, decision.outcome) == (Novelty.UNKNOWN, Outcome.ROUTED)


def test_a_report_that_nobody_has_seen_is_new() -> None:
    assert decided(a_report(), Knowledge()).novelties.novelty is Novelty.NEW


def test_known_content_is_said_and_routed_all_the_same() -> None:
    proposed = propose(Accepted(report=a_report()), BUNDLE, NAMING, NOON_MS)
    seen = tuple(Sighting(selector.digest, MemberId("ngo-b"), ReportId("another")) for selector in proposed.selectors)
    decision = conclude(proposed, Knowledge(sightings=seen), BUNDLE)
    assert decision.outcome is Outcome.ROUTED
    assert decision.novelties.novelty is Novelty.SEEN
    assert decision.novelties.corroboration == 1


@pytest.mark.parametrize("knowledge", [Knowledge(is_stale=True), Knowledge(is_conflicting=True)])
def test_an_overtaken_revision_and_a_reused_one_are_stale(knowledge: Knowledge) -> None:
    assert decided(a_report(), knowledge).outcome is Outcome.STALE


def test_a_country_that_nobody_knows_goes_to_a_mandated_hotline_and_the_bureau() -> None:
    decision = decided(nowhere(), Knowledge())
    assert decision.outcome is Outcome.ROUTED
    assert [addressee.member for addressee in decision.proposed.route.recipients] == ["gb-hotline", "intl-police"]


def test_a_claim_carries_the_revision_and_every_selector_once() -> None:
    proposed = propose(Accepted(report=a_report(revision=4)), BUNDLE, NAMING, NOON_MS)
    claim = claim_of(proposed, 9)
    assert (claim.revision, claim.log_offset) == (4, 9)
    assert len(set(claim.selectors)) == len(proposed.selectors)


@given(st.booleans(), st.one_of(st.none(), st.builds(Knowledge, is_resubmission=st.booleans())))
def test_what_the_index_knows_never_takes_a_recipient_away_nor_urgency(
    urgent: bool, knowledge: Knowledge | None
) -> None:
    report = a_report(escalation=an_escalation() if urgent else None)
    decision = decided(report, knowledge)
    assert decision.proposed.route == decided(report, Knowledge()).proposed.route
    assert (decision.priority.tier is Tier.URGENT) == (decided(report, Knowledge()).priority.tier is Tier.URGENT)


def test_the_same_report_at_the_same_instant_gives_the_same_decision() -> None:
    assert decided(a_report(), Knowledge()) == decided(a_report(), Knowledge())
