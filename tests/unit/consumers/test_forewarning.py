"""What a member can know before its answer leaves: by its referral and by what it said itself."""

from functools import partial
from typing import Any

import pytest

from consumers.forewarning import broken_rules
from schemas.records.answers import Outcome
from schemas.records.identifiers import ContentId, CountryCode, MemberId
from schemas.records.report import Hosting, Label
from schemas.records.values import Ternary
from tests.builders.answers import an_outcome_return
from tests.builders.policy import TODAY, the_sample
from tests.builders.referrals import a_referral
from tests.builders.reports import an_item
from tocsin.policy.authority import actor_of

ITEM = ContentId("item-1")
NATIONAL = (Label(scheme="iccam", label="national"),)


def an_outcome(**said: Any) -> Outcome:
    return Outcome(content_id=ITEM, **said)


def warned(member: str, said: Outcome, *earlier: Outcome, **item: Any) -> tuple[str, ...]:
    referral = a_referral(items=(an_item(content_id=ITEM, **({"labels": NATIONAL} | item)),))
    before = [an_outcome_return(member, one) for one in earlier]
    standing = partial(actor_of, MemberId(member), bundle=the_sample(), on=TODAY)
    return broken_rules(an_outcome_return(member, said), referral, before, standing)


def test_whoever_is_not_of_the_hosting_country_is_warned() -> None:
    removed = an_outcome(action="removed")
    assert warned("nl-hotline", removed) == ()
    assert warned("de-hotline-a", removed) == warned("nl-police", removed) == ("item.not_assigned",)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (an_outcome(action="removed"), "item.same_action"),
        (an_outcome(action="reported_to_lea"), "item.ended"),
        (an_outcome(classification="not_illegal"), "item.acted_on"),
    ],
)
def test_what_a_member_said_itself_is_held_against_what_it_says_now(said: Outcome, code: str) -> None:
    assert warned("nl-hotline", said, an_outcome(action="removed")) == (code,)


def test_an_answer_that_broke_a_rule_itself_changes_nothing() -> None:
    early = an_outcome(assigned_country=CountryCode("DE"))
    assert warned("nl-hotline", an_outcome(hosting_country=CountryCode("DE")), early) == ()
    assert warned("nl-hotline", early) == ("item.host_first",)


def test_baseline_is_final_whoever_said_it() -> None:
    baseline = (Label(scheme="iccam", label="baseline"),)
    assert warned("nl-hotline", an_outcome(classification="national"), labels=baseline) == ("item.baseline_is_final",)


def test_what_a_member_cannot_know_it_is_not_warned_of() -> None:
    network = Hosting(country=CountryCode("NL"), content_delivery_network=Ternary.YES)
    assert warned("de-hotline-a", an_outcome(action="removed"), hosting=network) == ()
    other = Outcome(content_id=ContentId("another"), action="removed")
    assert warned("de-hotline-a", other) == ()
