"""The duplicate agreement: only what adds nothing is held back, and only where the member asked for that."""

from itertools import product
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


HAS_IT = Standing(content=frozenset({"url:c"}), told=frozenset({("url:c", "k")}))


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
        (a_duplicate(circumstance_keys=("known-from-elsewhere",)), "agreement.new_circumstance"),
        (a_duplicate(content_keys=()), "agreement.no_content_key"),
        (a_duplicate(content_kinds=("url", "")), "agreement.no_content_key"),
        (a_duplicate(content_kinds=("url", "md5")), "agreement.no_content_key"),
        (a_duplicate(content_kinds=()), "agreement.no_content_key"),
        (a_duplicate(revision=2), "agreement.revision"),
        (a_duplicate(withdrawn=True), "agreement.revision"),
        (a_duplicate(priority=a_priority(Tier.URGENT)), "agreement.pressing"),
        (a_duplicate(escalation=an_escalation()), "agreement.pressing"),
    ],
)
def test_whatever_is_new_is_delivered_whatever_was_agreed(referral: Referral, rule: str) -> None:
    decision = decide(referral, HAS_IT, COUNT)
    assert (decision.treatment, decision.rule) == (Treatment.DELIVER, rule)


@given(
    KEYS, KEYS, KEYS, st.frozensets(st.tuples(*[st.sampled_from(["url:a", "url:b"])] * 2)), st.sampled_from(Treatment)
)
def test_in_doubt_it_is_delivered(
    content: frozenset[str],
    circumstances: frozenset[str],
    held_content: frozenset[str],
    told: frozenset[tuple[str, str]],
    treatment: Treatment,
) -> None:
    referral = a_duplicate(content_keys=tuple(content), circumstance_keys=tuple(circumstances))
    standing = Standing(content=held_content, told=told)
    decision = decide(referral, standing, Agreement(known_content=treatment))
    adds_nothing = bool(content) and content <= held_content and set(product(content, circumstances)) <= told
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


def test_a_members_file_makes_neither_the_window_nor_the_period_longer() -> None:
    signed = Agreement(known_content=Treatment.COUNT, window_seconds=60, selectors=("url",))
    for asked in (Agreement(known_content=Treatment.BUNDLE, window_seconds=None), Agreement(window_seconds=90)):
        assert (narrowed(signed, asked).window_seconds, narrowed(signed, asked).selectors) == (60, ("url",))
    assert narrowed(signed, Agreement(bundle_period_seconds=10)).bundle_period_seconds == 10


def test_a_content_that_the_member_does_not_recognise_by_its_selectors_is_delivered() -> None:
    by_address = Agreement(known_content=Treatment.COUNT, selectors=("url",))
    has_all = Standing(content=frozenset({"url:c", "sha256:c"}))
    keys = {"content_keys": ("sha256:c", "url:c"), "circumstance_keys": ()}
    one_item, two_items = (a_duplicate(**keys, content_kinds=kinds) for kinds in (("sha256+url",), ("sha256", "url")))
    assert decide(one_item, has_all, by_address).treatment is Treatment.COUNT
    assert decide(two_items, has_all, by_address).rule == "agreement.no_content_key"
