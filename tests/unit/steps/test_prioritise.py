"""Gates, factors that are present, caps, then the tier; what is not known is uncertainty and never zero."""

from typing import Any

import pytest
from msgspec.structs import replace

from processors.steps.prioritise.rules import gates, prioritise
from processors.steps.prioritise.signals import CONDITIONS, Facts, signals_of
from schemas.records.identifiers import MemberId
from schemas.records.report import AiSignal, Escalation, PersonalPart, ReportSubmitted
from schemas.records.triage import ItemVerdict, Priority
from schemas.records.values import Instant, Novelty, Realism, SyntheticOrigin, Ternary, Tier, Verdict
from tests.builders.policy import the_sample
from tests.builders.reports import (
    HOUR_MS,
    NOON_MS,
    a_personal_part,
    a_report,
    an_account,
    an_escalation,
    an_instant,
    an_item,
)
from tocsin.policy.rules import Cap, Factor, Gate, Override, PriorityRules, TierBound
from tocsin.policy.words import CONDITIONS as WORDS

RULES = the_sample().priority
MONTH_MS = 30 * 24 * HOUR_MS


def a_thin_report(**changes: Any) -> ReportSubmitted:
    return a_report(**({"items": (), "source_url": None, "detected_at": None, "incident_types": ()} | changes))


def facts(report: ReportSubmitted | None = None, **changes: Any) -> Facts:
    defaults: dict[str, Any] = {"report": report or a_thin_report(), "now_ms": NOON_MS}
    return Facts(**(defaults | changes))


def ranked(report: ReportSubmitted | None = None, **changes: Any) -> Priority:
    return prioritise(facts(report, **changes), RULES)


def with_accounts(**account: Any) -> PersonalPart:
    return a_personal_part(accounts=(an_account(**account),))


def test_the_words_of_the_policy_are_the_conditions_of_the_step() -> None:
    assert set(CONDITIONS) == WORDS


@pytest.mark.parametrize(
    ("report", "gate"),
    [
        ({"escalation": Escalation(reason_code="other")}, "escalated"),
        ({"escalation": an_escalation()}, "imminent_danger"),
        ({"annotations": ("imminent_danger",)}, "imminent_danger"),
        ({"items": (an_item(annotations=("imminent_danger",)),)}, "imminent_danger"),
        ({"items": (an_item(live_stream=Ternary.YES),)}, "live_stream"),
        ({"incident_types": ("live_streaming",)}, "live_stream"),
        ({"incident_types": ("sextortion",)}, "sextortion"),
        ({"annotations": ("sadistic_online_exploitation",)}, "sadistic"),
        ({"incident_types": ("trafficking",)}, "trafficking"),
    ],
)
def test_a_gate_makes_a_thin_report_urgent_within_its_hours(report: dict[str, Any], gate: str) -> None:
    found = a_thin_report(**report)
    assert gate in gates(facts(found), RULES)
    priority = ranked(found)
    assert priority.tier is Tier.URGENT
    assert f"gate.{gate}" in priority.rules
    assert priority.deadline is not None
    assert priority.deadline.epoch_ms == NOON_MS + 4 * HOUR_MS


@pytest.mark.parametrize("live", [Ternary.NO, Ternary.UNKNOWN])
def test_what_is_not_said_to_be_live_fires_no_gate(live: Ternary) -> None:
    assert gates(facts(a_thin_report(items=(an_item(live_stream=live),))), RULES) == ()


@pytest.mark.parametrize(
    ("condition", "report", "changes", "holds"),
    [
        ("infant", {"victim_age_band": "0-2"}, {}, True),
        ("infant", {"annotations": ("infant",)}, {}, True),
        ("infant", {"victim_age_band": "16-17"}, {}, False),
        ("infant", {}, {}, None),
        ("infant", {"items": (an_item(apparent_age_band="not_categorised"),)}, {}, None),
        ("prepubescent", {"items": (an_item(apparent_age_band="7-10"),)}, {}, True),
        ("prepubescent", {"items": (an_item(apparent_age_band="14-15"),)}, {}, False),
        ("new_content", {}, {"novelty": Novelty.NEW}, True),
        ("new_content", {}, {"novelty": Novelty.SEEN}, False),
        ("new_content", {}, {}, None),
        ("several_members", {}, {"novelty": Novelty.SEEN, "corroboration": 1}, True),
        ("several_members", {}, {"novelty": Novelty.NEW}, False),
        ("several_members", {}, {}, None),
        ("recent_incident", {"incident_at": an_instant(NOON_MS - MONTH_MS)}, {}, 0.5),
        ("recent_incident", {"incident_at": an_instant(NOON_MS - 2 * MONTH_MS)}, {}, 0.25),
        ("recent_incident", {"incident_at": an_instant(NOON_MS - 5 * MONTH_MS)}, {}, False),
        ("recent_incident", {"incident_at": an_instant(NOON_MS + HOUR_MS)}, {}, True),
        ("recent_incident", {"detected_at": an_instant()}, {}, True),
        ("recent_incident", {}, {}, None),
        ("prior_reports", {}, {"personal": with_accounts(prior_reports=2)}, True),
        ("prior_reports", {}, {"personal": with_accounts(prior_reports=0)}, False),
        ("prior_reports", {}, {"personal": with_accounts()}, None),
        ("prior_reports", {}, {}, None),
        ("suspect_known", {}, {"personal": with_accounts(role="suspect")}, True),
        ("suspect_known", {}, {"personal": with_accounts(role="victim")}, False),
        ("suspect_known", {}, {}, None),
        ("anchored", {}, {"anchors": frozenset({"NL"}), "reader_country": "NL"}, True),
        ("anchored", {}, {"anchors": frozenset({"NL"}), "reader_country": "GB"}, False),
        ("anchored", {}, {"anchors": frozenset({"NL"})}, True),
        ("anchored", {}, {"reader_country": "GB"}, None),
        ("contact_abuse", {"incident_types": ("molestation",)}, {}, True),
        ("contact_abuse", {"escalation": Escalation(reason_code="contact_abuse")}, {}, True),
        ("contact_abuse", {}, {}, False),
        ("item_count", {"items": (an_item(),) * 1}, {}, False),
        ("item_count", {"items": (an_item(),) * 10}, {}, 0.5),
        ("item_count", {"items": (an_item(),) * 100}, {}, True),
        ("item_count", {"items": (an_item(),) * 200}, {}, True),
        ("new_content", {"items": (an_item(series="s"),)}, {"novelty": Novelty.NEW}, False),
        ("prior_reports", {}, {"known_account": True}, True),
        ("known_series", {"items": (an_item(series="s"),)}, {}, True),
        ("known_series", {}, {}, False),
        ("self_generated", {"items": (an_item(self_generated=Ternary.YES),)}, {}, True),
        ("self_generated", {"annotations": ("self_generated",)}, {}, True),
        ("self_generated", {}, {}, None),
        ("partly_synthetic", {"items": (an_item(synthetic_origin=SyntheticOrigin.PARTIAL),)}, {}, True),
        ("partly_synthetic", {"items": (an_item(synthetic_origin=SyntheticOrigin.FULL),)}, {}, False),
        ("realistic", {"items": (an_item(realism=Realism.PHOTO),)}, {}, True),
        ("realistic", {"items": (an_item(realism=Realism.REALISTIC),)}, {}, True),
        (
            "realistic",
            {"items": (an_item(realism=Realism.REALISTIC, synthetic_origin=SyntheticOrigin.FULL),)},
            {},
            False,
        ),
        ("realistic", {"items": (an_item(realism=Realism.NON_REALISTIC),)}, {}, False),
        ("realistic", {"items": (an_item(realism=Realism.NON_REALISTIC), an_item())}, {}, None),
        ("realistic", {}, {}, False),
        ("extreme_harm", {"annotations": ("violence",)}, {}, True),
        ("ai_signal", {"items": (an_item(ai_signals=(AiSignal(score=0.9, threshold=0.8),)),)}, {}, True),
        ("ai_signal", {"items": (an_item(ai_signals=(AiSignal(score=0.7, threshold=0.8),)),)}, {}, False),
        ("ai_signal", {"items": (an_item(ai_signals=(AiSignal(score=0.9),)),)}, {}, False),
        ("baseline", {}, {"verdicts": (ItemVerdict(verdict=Verdict.BASELINE),)}, True),
        ("baseline", {}, {"verdicts": (ItemVerdict(verdict=Verdict.NATIONAL),)}, False),
        ("identified_victim", {"items": (an_item(victim_identified=Ternary.YES),)}, {}, True),
        ("identified_victim", {"items": (an_item(victim_identified=Ternary.NO),)}, {}, False),
        ("identified_victim", {"items": (an_item(),)}, {}, None),
    ],
)
def test_a_condition_holds_does_not_or_is_not_known(
    condition: str, report: dict[str, Any], changes: dict[str, Any], holds: float | None
) -> None:
    found = CONDITIONS[condition](signals_of(facts(a_thin_report(**report), **changes)), None)
    assert found == holds


@pytest.mark.parametrize(
    ("item", "is_capped"),
    [
        ({"labels": (), "viewed_by_reporter": Ternary.UNKNOWN}, True),
        ({"labels": (), "viewed_by_reporter": Ternary.NO}, True),
        ({"labels": ()}, False),
        ({"viewed_by_reporter": Ternary.NO}, False),
        ({"viewed_by_reporter": Ternary.NO, "detection_method": "ai_detection"}, True),
    ],
)
def test_where_only_a_classifier_has_spoken_the_report_is_capped(item: dict[str, Any], is_capped: bool) -> None:
    signal = AiSignal(model_id="m", score=0.99)
    found = ranked(a_thin_report(items=(an_item(ai_signals=(signal,), **item),)))
    assert ("cap.ai_only" in found.rules) is is_capped


def test_an_item_of_which_nobody_says_anything_does_not_lift_the_cap() -> None:
    silent = an_item(labels=(), viewed_by_reporter=Ternary.UNKNOWN)
    machine = an_item(ai_signals=(AiSignal(model_id="m", score=0.99),), labels=(), viewed_by_reporter=Ternary.NO)
    assert "cap.ai_only" in ranked(a_thin_report(items=(machine, silent))).rules
    assert "cap.ai_only" not in ranked(a_thin_report(items=(machine, an_item()))).rules


@pytest.mark.parametrize(
    ("score", "tier"), [(100, "URGENT"), (85, "URGENT"), (84, "HIGH"), (40, "HIGH"), (15, "NORMAL"), (14, "LOW")]
)
def test_the_score_gives_the_tier_from_its_bound_on(score: int, tier: str) -> None:
    factor = Factor(when="informational", weight=score, reason="It is a test.")
    rules = replace(RULES, factor=(factor,), cap=())
    assert prioritise(facts(a_thin_report(annotations=("spam",))), rules).tier is Tier(tier)


def test_a_cap_keeps_a_report_down_and_a_gate_lifts_every_cap() -> None:
    severe = {"victim_age_band": "infant", "incident_types": ("molestation",), "annotations": ("viral",)}
    capped = ranked(a_thin_report(**severe))
    assert (capped.tier, "cap.viral" in capped.rules) == (Tier.LOW, True)
    lifted = ranked(a_thin_report(**severe, escalation=an_escalation()))
    assert (lifted.tier, "cap.viral" in lifted.rules) == (Tier.URGENT, False)


def test_a_cap_lifts_nothing() -> None:
    signal = AiSignal(model_id="m", score=0.1)
    assert ranked(a_thin_report(items=(an_item(labels=(), ai_signals=(signal,)),))).tier is Tier.LOW


@pytest.mark.parametrize("item", [{"victim_identified": Ternary.YES}, {"series": "s-1"}])
def test_what_is_identified_already_waits_longer_and_says_so(item: dict[str, Any]) -> None:
    severe = {"victim_age_band": "infant", "incident_types": ("molestation",), "incident_at": an_instant()}
    before = ranked(a_thin_report(**severe, items=(an_item(),)))
    after = ranked(a_thin_report(**severe, items=(an_item(**item),)))
    assert after.score < before.score
    assert any(rule.startswith("reduction.") for rule in after.rules)


@pytest.mark.parametrize("item", [{"victim_identified": Ternary.YES}, {"series": "s-1"}])
def test_something_known_does_not_make_what_is_new_beside_it_wait(item: dict[str, Any]) -> None:
    beside = ranked(a_thin_report(items=(an_item(**item), an_item())), novelty=Novelty.NEW)
    assert not any(rule.startswith("reduction.") for rule in beside.rules)
    assert "factor.new_content" in beside.rules


def test_no_reduction_makes_a_gate_less_than_urgent() -> None:
    known = a_thin_report(items=(an_item(victim_identified=Ternary.YES, series="s"),), escalation=an_escalation())
    assert ranked(known).tier is Tier.URGENT


def test_a_recipient_may_weigh_otherwise_and_its_version_says_so() -> None:
    signed = Override(member=MemberId("nl-police"), version="3", weight={"infant": 100.0}, deadline_hours={"URGENT": 1})
    own = RULES.of(signed)
    found = prioritise(facts(a_thin_report(victim_age_band="infant")), own)
    assert (found.tier, found.ruleset_version) == (Tier.URGENT, f"{RULES.version}+nl-police:3")
    assert found.deadline == Instant(epoch_ms=NOON_MS + HOUR_MS)
    left_out = RULES.of(replace(signed, weight={"infant": 0.0}))
    assert "factor.infant" not in prioritise(facts(a_thin_report(victim_age_band="infant")), left_out).rules


def test_what_is_not_known_is_uncertainty() -> None:
    assert ranked().uncertainty > ranked(novelty=Novelty.SEEN).uncertainty > 0
    everything = a_thin_report(victim_age_band="0-2", incident_at=an_instant(), annotations=("self_generated",))
    known = ranked(everything, personal=with_accounts(prior_reports=0), novelty=Novelty.NEW, anchors=frozenset({"NL"}))
    assert known.uncertainty == 0


def test_each_rule_that_counts_is_told_with_the_words_of_the_policy() -> None:
    rules = PriorityRules(
        version="7",
        gate=(Gate(when="sextortion", reason="A gate."),),
        factor=(Factor(when="infant", weight=5, reason="A factor."),),
        cap=(Cap(when="viral", tier="LOW", reason="A cap."),),
        tier=tuple(
            TierBound(tier=tier, least_score=bound, deadline_hours=1)
            for tier, bound in (("URGENT", 90), ("HIGH", 60), ("NORMAL", 30), ("LOW", 0))
        ),
    )
    capped = prioritise(facts(a_thin_report(victim_age_band="infant", annotations=("viral",))), rules)
    assert capped.reasons == ("A factor.", "A cap.")
    assert capped.rules == ("factor.infant", "cap.viral")
    assert capped.ruleset_version == "7"
    assert prioritise(facts(a_thin_report(annotations=("sextortion", "viral"))), rules).reasons == ("A gate.",)
