"""Who is told that a linked report stands no more, and what makes a return a dispute."""

from typing import Any

import pytest
from msgspec.structs import replace

from processors.index.disputes import disputes
from processors.spreading import CODES, SETTLED_MS, WHOLE_MS, Changed, Trail, notices
from schemas.catalogue import catalogue
from schemas.records.answers import Outcome, Return, ReturnKind, StatusKind
from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.records.triage import LinkState
from schemas.records.values import Mark, Ternary
from tests.builders.policy import the_sample
from tests.builders.reports import NOON_MS, an_instant

CHANGED = Changed(
    referral_id=ReferralId("referral"),
    report_id=ReportId("mine"),
    revision=1,
    mark=Mark.LIVE,
    recipient=MemberId("nl-hotline"),
    other=ReportId("the-other"),
    state=LinkState.DISPUTED,
    distance=None,
)


@pytest.mark.parametrize("state", sorted(CODES))
def test_a_recipient_is_told_of_its_own_referral_and_not_of_the_other_report(state: LinkState) -> None:
    (status,) = notices([replace(CHANGED, state=state)], the_sample(), NOON_MS)
    assert (status.member, status.referral_id, status.kind) == ("nl-hotline", "referral", StatusKind.LINK_CHANGED)
    assert status.code in catalogue()
    assert "the-other" not in str(status)


def test_the_same_change_has_the_same_id_and_another_has_another() -> None:
    retracted = replace(CHANGED, state=LinkState.RETRACTED)
    ids = [
        notices([one], the_sample(), NOON_MS + n)[0].status_id for n, one in enumerate((CHANGED, CHANGED, retracted))
    ]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(("distance", "is_told"), [(None, True), (0, True), (31, True), (32, False)])
def test_a_match_farther_than_a_member_wants_to_hear_of_was_never_told(distance: int | None, is_told: bool) -> None:
    assert bool(notices([replace(CHANGED, distance=distance)], the_sample(), NOON_MS)) is is_told


def test_a_member_that_left_is_not_told() -> None:
    assert notices([replace(CHANGED, recipient=MemberId("gone"))], the_sample(), NOON_MS) == []


def test_a_fall_is_looked_at_for_minutes_and_then_only_with_all_the_others() -> None:
    trail = Trail()
    assert trail.after(NOON_MS) == 0
    trail.passed(NOON_MS, 100)
    assert trail.after(NOON_MS + SETTLED_MS - 1) == 0, "what was claimed before it may be settled later"
    trail.passed(NOON_MS + SETTLED_MS, 250)
    assert trail.after(NOON_MS + SETTLED_MS) == 100
    trail.passed(NOON_MS + 2 * SETTLED_MS, 300)
    assert trail.after(NOON_MS + 2 * SETTLED_MS) == 250
    assert trail.after(NOON_MS + WHOLE_MS) == 0, "whatever was settled later still is found"
    trail.passed(NOON_MS + WHOLE_MS, 300)
    assert trail.after(NOON_MS + WHOLE_MS + 1) == 300


@pytest.mark.parametrize(
    ("kind", "by_person", "outcome", "is_dispute"),
    [
        (ReturnKind.OUTCOME, True, {"false_positive": Ternary.YES}, True),
        (ReturnKind.OUTCOME, True, {"action": "not_illegal"}, True),
        (ReturnKind.OUTCOME, False, {"action": "not_illegal"}, False),
        (ReturnKind.OUTCOME, True, {"action": "removed"}, False),
        (ReturnKind.OUTCOME, True, {"false_positive": Ternary.NO}, False),
        (ReturnKind.REFUSED, True, {"false_positive": Ternary.YES}, False),
    ],
)
def test_only_a_persons_outcome_disputes(
    kind: ReturnKind, by_person: bool, outcome: dict[str, Any], is_dispute: bool
) -> None:
    answer = Return(
        return_id="r",
        referral_id=ReferralId("referral"),
        report_id=ReportId("mine"),
        member=MemberId("nl-hotline"),
        kind=kind,
        at=an_instant(),
        by_person=by_person,
        outcomes=(Outcome(), Outcome(**outcome)),
    )
    assert disputes(answer) is is_dispute
