"""More severe is never less urgent, a gate is always urgent, and every report has a tier with a deadline."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.steps.completeness.rules import completeness
from processors.steps.prioritise.rules import gates, prioritise
from processors.steps.prioritise.signals import Facts
from schemas.records.identifiers import CountryCode
from schemas.records.report import ContentItem, PersonalPart, ReportSubmitted
from schemas.records.triage import ItemVerdict
from schemas.records.values import Novelty, Tier, Verdict
from tests.builders.any_record import any_record
from tests.builders.policy import the_sample
from tests.builders.reports import NOON_MS, a_report, an_escalation

RULES = the_sample().priority
ORDER = (Tier.LOW, Tier.NORMAL, Tier.HIGH, Tier.URGENT)
CODES = st.sampled_from(["viral", "meme", "spam", "sextortion", "molestation", "infant", "contact_abuse", "drawing"])
ITEMS = any_record(ContentItem)
REPORTS = st.builds(
    a_report,
    items=st.lists(ITEMS, max_size=2).map(tuple),
    annotations=st.lists(CODES, max_size=2).map(tuple),
    incident_types=st.lists(CODES, max_size=1).map(tuple),
    victim_age_band=st.sampled_from(["", "16-17", "prepubescent", "infant"]),
    escalation=st.none() | st.just(an_escalation()),
)
FACTS = st.builds(
    Facts,
    report=REPORTS,
    personal=st.none() | any_record(PersonalPart),
    verdicts=st.lists(st.builds(ItemVerdict, verdict=st.sampled_from(Verdict)), max_size=2).map(tuple),
    novelty=st.sampled_from(Novelty),
    corroboration=st.integers(0, 3),
    now_ms=st.just(NOON_MS),
)
GRAVER: list[dict[str, Any]] = [
    {"annotations": ("contact_abuse",)},
    {"annotations": ("infant",)},
    {"annotations": ("imminent_danger",)},
    {"annotations": ("sadistic_online_exploitation",)},
    {"incident_types": ("sextortion",)},
    {"incident_types": ("trafficking",)},
    {"incident_types": ("molestation",)},
]


def graver(report: ReportSubmitted, more: dict[str, Any]) -> ReportSubmitted:
    return replace(report, **{name: (*getattr(report, name), *codes) for name, codes in more.items()})


@given(FACTS, st.sampled_from(GRAVER))
def test_what_makes_it_graver_never_makes_it_less_urgent(facts: Facts, more: dict[str, Any]) -> None:
    before = prioritise(facts, RULES)
    after = prioritise(replace(facts, report=graver(facts.report, more)), RULES)
    assert ORDER.index(after.tier) >= ORDER.index(before.tier)
    assert after.score >= before.score


@given(FACTS)
def test_a_younger_victim_never_makes_it_less_urgent(facts: Facts) -> None:
    tiers = [
        ORDER.index(prioritise(replace(facts, report=replace(facts.report, victim_age_band=band)), RULES).tier)
        for band in ("16-17", "prepubescent", "infant")
    ]
    assert tiers == sorted(tiers)


@given(FACTS)
def test_baseline_or_new_content_never_makes_it_less_urgent(facts: Facts) -> None:
    before = prioritise(replace(facts, novelty=Novelty.SEEN), RULES)
    verdicts = (*facts.verdicts, ItemVerdict(verdict=Verdict.BASELINE))
    after = prioritise(replace(facts, novelty=Novelty.NEW, verdicts=verdicts), RULES)
    assert ORDER.index(after.tier) >= ORDER.index(before.tier)


@given(FACTS)
def test_a_gate_is_urgent_and_only_the_score_is_so_without_one(facts: Facts) -> None:
    found = prioritise(facts, RULES)
    if gates(facts, RULES):
        assert found.tier is Tier.URGENT
    elif found.tier is Tier.URGENT:
        assert found.score >= 85


@given(FACTS)
def test_every_report_has_a_tier_a_deadline_and_bounded_numbers(facts: Facts) -> None:
    found = prioritise(facts, RULES)
    assert found.tier in ORDER
    assert found.deadline is not None
    assert found.deadline.epoch_ms > facts.now_ms
    assert 0 <= found.score <= 100
    assert 0 <= found.uncertainty <= 1


@given(FACTS)
def test_where_it_points_completes_a_report_and_makes_it_no_more_urgent(facts: Facts) -> None:
    thin = replace(facts.report, source_url=None)
    full = replace(thin, declared_country=CountryCode("NL"))
    assert completeness(full, facts.personal).score >= completeness(thin, facts.personal).score
    assert prioritise(replace(facts, report=full), RULES) == prioritise(replace(facts, report=thin), RULES)
