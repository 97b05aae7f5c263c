"""One verdict per item and jurisdiction; what contradicts itself or stands on unchecked law is settled by nobody."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from processors.steps.classify.rules import classify, flags
from schemas.records.identifiers import JurisdictionCode
from schemas.records.report import AiSignal, Label
from schemas.records.triage import ItemVerdict
from schemas.records.values import Realism, SyntheticOrigin, Ternary, Verdict
from tests.builders.policy import TODAY, a_legal_row, the_sample, with_law
from tests.builders.reports import a_governance, a_report, an_instant, an_item
from tocsin.policy.jurisdictions import Criminalised

YES, NO, PARTLY = Criminalised.YES, Criminalised.NO, Criminalised.PARTLY
BASELINE, NATIONAL = Label(scheme="iccam", label="baseline"), Label(scheme="iccam", label="national")
NOT_ILLEGAL = Label(scheme="iccam", label="not_illegal")
A1 = Label(scheme="industry", label="A1")


def judged(law: dict[str, Any] | None = None, **item: Any) -> ItemVerdict:
    bundle = with_law("nl", a_legal_row(**law)) if law is not None else the_sample()
    report = a_report(items=(an_item(**item),))
    (found,) = classify(report, [bundle.jurisdictions[JurisdictionCode("nl")]], bundle, TODAY)
    return found


def said(found: ItemVerdict) -> tuple[Verdict, tuple[str, ...]]:
    return found.verdict, found.rules


def test_a_baseline_claim_of_a_child_before_puberty_is_baseline_whatever_the_law_of_the_day() -> None:
    assert said(judged({"real_child": NO})) == (Verdict.BASELINE, ("classify.baseline",))


@pytest.mark.parametrize("label", ["A1", "A2"])
def test_an_act_or_the_focus_on_a_child_before_puberty_is_baseline(label: str) -> None:
    assert judged({}, labels=(Label(scheme="industry", label=label),)).verdict is Verdict.BASELINE


@pytest.mark.parametrize(
    "otherwise",
    [
        {"apparent_age_band": "pubescent"},
        {"apparent_age_band": "14-15"},
        {"apparent_age_band": "16-17"},
        {"apparent_age_band": "adult"},
        {"synthetic_origin": SyntheticOrigin.FULL},
        {"synthetic_origin": SyntheticOrigin.PARTIAL},
        {"realism": Realism.REALISTIC},
        {"realism": Realism.NON_REALISTIC},
        {"annotations": ("generative_ai",)},
        {"annotations": ("drawing",)},
        {"labels": (BASELINE, Label(scheme="industry", label="B1"))},
    ],
    ids=str,
)
def test_a_baseline_claim_of_an_older_or_synthetic_child_is_not_baseline(otherwise: dict[str, Any]) -> None:
    law = {"realistic_synthetic": YES, "non_realistic": YES}
    assert judged(law, **({"labels": (BASELINE,)} | otherwise)).verdict is Verdict.NATIONAL


@pytest.mark.parametrize("band", ["", "not_categorised", "11-13"])
def test_a_baseline_claim_stands_where_the_age_does_not_speak_against_it(band: str) -> None:
    assert judged({}, labels=(BASELINE,), apparent_age_band=band).verdict is Verdict.BASELINE


def test_the_band_around_thirteen_alone_makes_nothing_baseline() -> None:
    bare = Label(scheme="sap", label="1")
    assert judged({}, labels=(bare,), apparent_age_band="11-13").verdict is Verdict.NATIONAL


@pytest.mark.parametrize("claim", [BASELINE, NATIONAL, A1])
def test_contradictory_claims_are_undetermined_in_any_order(claim: Label) -> None:
    for labels in ((claim, NOT_ILLEGAL), (NOT_ILLEGAL, claim)):
        assert said(judged({}, labels=labels)) == (Verdict.UNDETERMINED, ("classify.contradictory_claims",))


def test_a_baseline_claim_against_law_that_allows_such_material_is_left_to_a_person() -> None:
    found = judged({"non_realistic": NO}, labels=(BASELINE,), realism=Realism.NON_REALISTIC)
    assert said(found) == (Verdict.UNDETERMINED, ("classify.contradictory_claims",))


@pytest.mark.parametrize(
    ("law", "verdict", "rule"),
    [
        ({"non_realistic": YES}, Verdict.NATIONAL, "classify.non_realistic"),
        ({"non_realistic": PARTLY}, Verdict.UNDETERMINED, "classify.non_realistic"),
        ({}, Verdict.UNDETERMINED, "classify.non_realistic"),
        ({"non_realistic": NO}, Verdict.NOT_ILLEGAL, "classify.non_realistic"),
        ({"non_realistic": NO, "verified": False}, Verdict.UNDETERMINED, "classify.unverified_law"),
    ],
)
def test_the_law_on_the_kind_of_material_decides(law: dict[str, Any], verdict: Verdict, rule: str) -> None:
    assert said(judged(law, labels=(NATIONAL,), realism=Realism.NON_REALISTIC)) == (verdict, (rule,))


def test_not_illegal_needs_a_person_and_checked_law() -> None:
    assert judged({}, labels=(NOT_ILLEGAL,)).verdict is Verdict.NOT_ILLEGAL
    assert judged({"verified": False}, labels=(NOT_ILLEGAL,)).verdict is Verdict.UNDETERMINED
    assert judged(None, labels=(NOT_ILLEGAL,)).verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize("labels", [(), (Label(scheme="iccam", label="unheard of"),), (Label(scheme="x", label="y"),)])
def test_without_a_label_that_we_know_nobody_has_judged(labels: tuple[Label, ...]) -> None:
    assert said(judged({}, labels=labels)) == (Verdict.UNDETERMINED, ("classify.no_human_label",))


def test_an_ai_score_alone_decides_nothing() -> None:
    signal = AiSignal(model_id="m", score=0.999, threshold=0.5)
    assert judged({}, labels=(), ai_signals=(signal,)).verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize(("viewed", "decides"), [(Ternary.YES, True), (Ternary.NO, False), (Ternary.UNKNOWN, False)])
@pytest.mark.parametrize("label", [A1, BASELINE, NATIONAL, NOT_ILLEGAL])
def test_labels_that_a_classifier_gave_decide_nothing_until_a_person_looked(
    label: Label, viewed: Ternary, decides: bool
) -> None:
    found = judged({}, labels=(label,), detection_method="ai_detection", viewed_by_reporter=viewed)
    assert (found.verdict is not Verdict.UNDETERMINED) is decides
    assert (found.rules == ("classify.machine_only",)) is not decides


def test_a_live_stream_is_no_image_that_peers_keep_among_themselves() -> None:
    own = {"self_generated": Ternary.YES, "apparent_age_band": "16-17", "labels": (NATIONAL,)}
    assert judged({"self_generated_peer": NO}, live_stream=Ternary.YES, **own).verdict is Verdict.NATIONAL


def test_where_there_is_no_law_of_the_day_nothing_is_not_illegal() -> None:
    future = {"valid_from": TODAY.replace(year=2030)}
    assert said(judged(future, labels=(NOT_ILLEGAL,))) == (Verdict.UNDETERMINED, ("classify.no_law",))


def test_every_item_is_judged_under_every_law() -> None:
    bundle = the_sample()
    laws = [bundle.jurisdictions[JurisdictionCode(code)] for code in ("nl", "de", "no")]
    found = classify(a_report(items=(an_item(), an_item())), laws, bundle, TODAY)
    assert [verdict.jurisdiction for verdict in found] == ["nl", "de", "no"] * 2


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        ({"labels": (Label(scheme="vics_us", label="2"), NATIONAL)}, "classify.appears_child"),
        ({"content_type": "text"}, "classify.text"),
        ({"labels": (Label(scheme="vics_us", label="4"),)}, "classify.nothing_to_judge"),
        ({"labels": (Label(scheme="copine", label="2"),)}, "classify.nothing_to_judge"),
    ],
)
def test_the_column_of_the_law_follows_what_it_is(item: dict[str, Any], rule: str) -> None:
    found = judged({}, **({"labels": (NATIONAL,), "apparent_age_band": ""} | item))
    assert said(found) == (Verdict.UNDETERMINED, (rule,))


VICS_3 = Label(scheme="vics_us", label="3")
OPEN = (Verdict.UNDETERMINED, ("classify.synthetic_or_drawn",))


@pytest.mark.parametrize(
    ("synthetic", "drawn", "found"),
    [
        (YES, YES, (Verdict.NATIONAL, ("classify.synthetic_or_drawn",))),
        (NO, NO, (Verdict.NOT_ILLEGAL, ("classify.synthetic_or_drawn",))),
        (YES, NO, OPEN),
        (NO, YES, OPEN),
        (YES, PARTLY, OPEN),
        (PARTLY, YES, OPEN),
        (NO, Criminalised.UNKNOWN, OPEN),
    ],
)
def test_what_is_synthetic_or_drawn_is_only_what_the_law_says_of_both(
    synthetic: Criminalised, drawn: Criminalised, found: tuple[Verdict, tuple[str, ...]]
) -> None:
    law = {"realistic_synthetic": synthetic, "non_realistic": drawn, "verified": True}
    assert said(judged(law, labels=(VICS_3,))) == found


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        ({"realism": Realism.REALISTIC}, Verdict.NATIONAL),
        ({"realism": Realism.NON_REALISTIC}, Verdict.NOT_ILLEGAL),
        ({"annotations": ("generative_ai",)}, Verdict.NATIONAL),
        ({"annotations": ("drawing",)}, Verdict.NOT_ILLEGAL),
        ({"synthetic_origin": SyntheticOrigin.FULL}, Verdict.UNDETERMINED),
    ],
)
def test_whatever_else_says_which_of_the_two_it_is_counts(known: dict[str, Any], verdict: Verdict) -> None:
    law = {"realistic_synthetic": YES, "non_realistic": NO, "verified": True}
    assert judged(law, labels=(VICS_3,), **known).verdict is verdict


def test_what_is_synthetic_or_drawn_is_never_baseline() -> None:
    found = judged({"verified": True}, labels=(BASELINE, VICS_3), apparent_age_band="3-6")
    assert found.verdict is not Verdict.BASELINE


@pytest.mark.parametrize("verified", [True, False])
def test_a_cell_that_is_a_guess_decides_nothing(verified: bool) -> None:
    law = {"realistic_synthetic": YES, "doubtful": ("realistic_synthetic",), "verified": verified}
    found = judged(law, labels=(NATIONAL,), realism=Realism.REALISTIC)
    assert said(found) == (Verdict.UNDETERMINED, ("classify.doubtful_law",))


@pytest.mark.parametrize("peer", [NO, PARTLY])
def test_where_peers_may_be_exempt_a_person_looks(peer: Criminalised) -> None:
    own = {"self_generated": Ternary.YES, "apparent_age_band": "16-17", "labels": (NATIONAL,)}
    assert said(judged({"self_generated_peer": peer}, **own)) == (
        Verdict.UNDETERMINED,
        ("classify.self_generated_peer",),
    )
    assert judged({"self_generated_peer": YES}, **own).verdict is Verdict.NATIONAL


def test_a_verdict_names_the_row_of_the_law_that_it_stands_on() -> None:
    assert judged({"valid_from": date(2024, 5, 1)}).law == "nl@2024-05-01"


@pytest.mark.parametrize(
    ("basis", "detected", "lapsed"),
    [
        ("eu-2021-1232", date(2026, 4, 3), False),
        ("eu-2021-1232", date(2026, 4, 4), True),
        ("eu-2021-1232", date(2021, 8, 1), True),
        ("gdpr-6-1-f", date(2026, 4, 4), False),
        ("a basis of no table", date(2026, 4, 4), False),
    ],
)
def test_a_basis_that_had_lapsed_when_it_was_found_is_flagged(basis: str, detected: date, lapsed: bool) -> None:
    at = an_instant(int(datetime(detected.year, detected.month, detected.day, 12, tzinfo=UTC).timestamp() * 1000))
    report = a_report(governance=a_governance(legal_basis=basis), detected_at=at)
    assert flags(report, (), the_sample()) == (("classify.basis_lapsed",) if lapsed else ())


def test_law_that_a_lawyer_has_checked_makes_it_national_without_a_flag() -> None:
    found = judged({"verified": True}, labels=(NATIONAL,), apparent_age_band="")
    assert (found.verdict, found.rules) == (Verdict.NATIONAL, ("classify.real_child",))
    assert flags(a_report(), [found], the_sample()) == ()


def test_what_unchecked_law_says_is_a_flag_and_a_rule_of_a_verdict_that_stays_open() -> None:
    found = judged({"verified": False}, labels=(NATIONAL,), apparent_age_band="")
    assert (found.verdict, found.rules) == (
        Verdict.UNDETERMINED,
        ("classify.unverified_national", "classify.real_child"),
    )
    assert flags(a_report(), [found], the_sample()) == ("classify.unverified_law",)


@pytest.mark.parametrize("jurisdiction", sorted(the_sample().jurisdictions))
@pytest.mark.parametrize("realism", [Realism.PHOTO, Realism.REALISTIC, Realism.NON_REALISTIC])
def test_no_row_of_the_sample_makes_anything_not_illegal(jurisdiction: str, realism: Realism) -> None:
    report = a_report(items=(an_item(labels=(NATIONAL,), realism=realism),))
    (found,) = classify(report, [the_sample().jurisdictions[JurisdictionCode(jurisdiction)]], the_sample(), TODAY)
    assert found.verdict is Verdict.UNDETERMINED
    assert not found.verified
