"""The duplicate agreement: only what adds nothing is held back, and only where the member asked for that."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.agreement import Agreement, Standing, Treatment, bundle_due_ms, decide, narrowed
from schemas.records.referral import Referral
from schemas.records.values import Tier
from tests.builders.referrals import a_priority, a_referral
from tests.builders.reports import NOON_MS, an_escalation

COUNT = Agreement(known_content=Treatment.COUNT)
KEYS = st.frozensets(st.sampled_from(["url:a", "url:b", "sha256:a", "sha256:b"]))


def a_duplicate(**changes: Any) -> Referral:
    return a_referral(**({"content_keys": ("url:c",), "circumstance_keys": ("k",)} | changes))


HAS_IT = Standing(content=frozenset({"url:c"}), circumstances=frozenset({"k"}))


@pytest.mark.parametrize("treatment", Treatment)
def test_content_that_the_member_has_is_treated_as_agreed(treatment: Treatment) -> None:
    decision = decide(a_duplicate(), HAS_IT, Agreement(known_content=treatment))
    assert (decision.treatment, decision.rule) == (treatment, f"agreement.known_{treatment}")


def test_without_an_agreement_everything_is_delivered() -> None:
    assert decide(a_duplicate(), HAS_IT, Agreement()).treatment is Treatment.DELIVER


@pytest.mark.parametrize(
    ("referral", "rule"),
    [
        (a_duplicate(content_keys=("url:c", "url:new")), "agreement.new_content"),
        (a_duplicate(circumstance_keys=("k", "new")), "agreement.new_circumstance"),
        (a_duplicate(content_keys=()), "agreement.no_content_key"),
        (a_duplicate(revision=2), "agreement.revision"),
        (a_duplicate(withdrawn=True), "agreement.revision"),
        (a_duplicate(priority=a_priority(Tier.URGENT)), "agreement.pressing"),
        (a_duplicate(escalation=an_escalation()), "agreement.pressing"),
    ],
)
def test_whatever_is_new_is_delivered_whatever_was_agreed(referral: Referral, rule: str) -> None:
    decision = decide(referral, HAS_IT, COUNT)
    assert (decision.treatment, decision.rule) == (Treatment.DELIVER, rule)


@given(KEYS, KEYS, KEYS, KEYS, st.sampled_from(Treatment))
def test_in_doubt_it_is_delivered(
    content: frozenset[str],
    circumstances: frozenset[str],
    held_content: frozenset[str],
    held_circumstances: frozenset[str],
    treatment: Treatment,
) -> None:
    referral = a_duplicate(content_keys=tuple(content), circumstance_keys=tuple(circumstances))
    standing = Standing(content=held_content, circumstances=held_circumstances)
    decision = decide(referral, standing, Agreement(known_content=treatment))
    adds_nothing = bool(content) and content <= held_content and circumstances <= held_circumstances
    assert adds_nothing or decision.treatment is Treatment.DELIVER


@pytest.mark.parametrize(
    ("signed", "asked", "holds"),
    [
        (Treatment.COUNT, None, Treatment.COUNT),
        (Treatment.COUNT, Treatment.BUNDLE, Treatment.BUNDLE),
        (Treatment.COUNT, Treatment.DELIVER, Treatment.DELIVER),
        (Treatment.DELIVER, Treatment.COUNT, Treatment.DELIVER),
        (Treatment.BUNDLE, Treatment.COUNT, Treatment.BUNDLE),
    ],
)
def test_a_members_file_may_ask_for_more_than_was_signed_and_never_for_less(
    signed: Treatment, asked: Treatment | None, holds: Treatment
) -> None:
    wish = Agreement(known_content=asked) if asked else None
    assert narrowed(Agreement(known_content=signed), wish).known_content is holds


@given(st.integers(0, 10**14), st.integers(1, 10**7))
def test_a_bundle_leaves_within_one_period(received_ms: int, period_seconds: int) -> None:
    due_ms = bundle_due_ms(received_ms, Agreement(bundle_period_seconds=period_seconds))
    assert received_ms < due_ms <= received_ms + period_seconds * 1000


def test_a_restart_within_the_period_finds_the_same_bundle() -> None:
    agreement = Agreement(bundle_period_seconds=3600)
    assert bundle_due_ms(NOON_MS, agreement) == bundle_due_ms(NOON_MS + 3_599_999, agreement)
