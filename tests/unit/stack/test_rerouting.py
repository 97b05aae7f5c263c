"""Which decisions a repair concerns, as people name them, and what it does to whom."""

import pytest

from processors.retrial import Held, Verdict
from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from schemas.records.values import Coordinate
from tests.builders.referrals import a_referral
from tests.builders.reports import a_report
from tests.builders.rulings import a_ruling
from tocsin.stack.rerouting import compared, conditions_of

A, B, C = MemberId("nl-hotline"), MemberId("nl-police"), MemberId("de-police")
FULL = Held(referral=a_referral())
NARROW = Held(referral=a_referral(source_url=None))
RULING = a_ruling(a_report(), Coordinate())


@pytest.mark.parametrize("words", [(), ("submitter",), ("submitter=",), ("drop table=x",), ("colour=red",)])
def test_a_condition_that_nobody_knows_is_refused_and_so_is_none_at_all(words: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as caught:
        conditions_of(words)
    assert caught.value.code == "reroute.condition"


def test_conditions_are_pairs() -> None:
    assert conditions_of(["submitter=plat-a", "tier=urgent"]) == {"submitter": "plat-a", "tier": "urgent"}


def test_nothing_is_repaired_where_everybody_has_what_they_should() -> None:
    assert compared(RULING, "r", {A: FULL}, Verdict(held={A: FULL})) is None


def test_members_gain_lose_or_see_otherwise_and_the_rest_stands() -> None:
    before = {A: FULL, B: FULL}
    found = compared(RULING, "r", before, Verdict(held={A: NARROW, C: FULL}))
    assert found is not None
    assert (found.gains, found.loses, found.sees_otherwise) == ((C,), (B,), (A,))
    assert found.ruling.unchanged == ()
    found = compared(RULING, "r", before, Verdict(held={A: FULL}))
    assert found is not None
    assert (found.loses, found.ruling.unchanged) == ((B,), (A,))


def test_whoever_has_what_nobody_can_tell_any_more_gets_another_copy() -> None:
    found = compared(RULING, "r", {A: None}, Verdict(held={A: FULL}))
    assert found is not None
    assert (found.sees_otherwise, found.ruling.unchanged) == ((A,), ())
