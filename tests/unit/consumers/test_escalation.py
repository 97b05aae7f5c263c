"""Who must look when nobody takes up an urgent referral, decided by deadline and time alone."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.escalation import OPERATOR, Contact, EscalationStep, Role, Rung, begins_ms, due, ladder, next_ms
from consumers.settings import DeliverySettings
from schemas.records.identifiers import MemberId
from tests.builders.policy import with_member
from tests.builders.reports import HOUR_MS, NOON_MS

MINUTE_MS = 60_000
OWN = Contact(member=MemberId("de-hotline-a"), reach="duty desk")
STAND_IN = Contact(member=MemberId("de-hotline-b"), reach="the other desk")
CONTACTS = {Role.DUTY_CONTACT: OWN, Role.STAND_IN: STAND_IN}
RUNGS = ladder(DeliverySettings().escalation, CONTACTS, NOON_MS)
STEPS = st.lists(
    st.builds(EscalationStep, code=st.sampled_from(Role), after_minutes=st.integers(-5, 10_000)), max_size=6
)


@pytest.mark.parametrize(
    ("minutes", "roles"),
    [
        (-1, []),
        (0, [Role.DUTY_CONTACT]),
        (29, [Role.DUTY_CONTACT]),
        (30, [Role.DUTY_CONTACT, Role.STAND_IN]),
        (89, [Role.DUTY_CONTACT, Role.STAND_IN]),
        (90, list(Role)),
    ],
)
def test_the_time_since_the_deadline_decides_who_must_have_been_told(minutes: int, roles: list[Role]) -> None:
    assert [rung.code for rung in due(RUNGS, 0, NOON_MS, NOON_MS + minutes * MINUTE_MS)] == roles


def test_each_rung_names_its_people_and_an_unnamed_one_the_operator() -> None:
    assert [rung.contact for rung in RUNGS] == [OWN, STAND_IN, OPERATOR]


def test_the_members_own_file_may_say_how_to_reach_them_and_not_who_they_are() -> None:
    (rung,) = ladder([EscalationStep(code=Role.STAND_IN, to="night desk")], CONTACTS, NOON_MS)
    assert rung.contact == Contact(member=STAND_IN.member, reach="night desk")


@pytest.mark.parametrize(
    ("deadline_ms", "begins"),
    [
        (NOON_MS + HOUR_MS, NOON_MS + HOUR_MS),
        (NOON_MS - HOUR_MS, NOON_MS),
        (None, NOON_MS + HOUR_MS),
    ],
)
def test_waiting_ends_at_the_deadline_and_never_before_the_referral_came(deadline_ms: int | None, begins: int) -> None:
    assert begins_ms(deadline_ms, NOON_MS) == begins


@given(STEPS, st.lists(st.integers(0, 40_000), max_size=8))
def test_whenever_it_is_looked_at_every_rung_is_taken_once_in_order_and_never_early(
    steps: list[EscalationStep], looks: list[int]
) -> None:
    rungs = ladder(steps, CONTACTS, NOON_MS)
    taken = climbed(rungs, sorted(look * MINUTE_MS for look in looks))
    assert [rung for rung, _ in taken] == list(rungs[: len(taken)])
    assert all(at_ms >= rung.after_ms for rung, at_ms in taken)


@given(STEPS)
def test_whoever_looks_exactly_when_told_to_comes_to_the_end(steps: list[EscalationStep]) -> None:
    rungs, count = ladder(steps, CONTACTS, NOON_MS), 0
    while (at_ms := next_ms(rungs, count, NOON_MS)) is not None:
        found = due(rungs, count, NOON_MS, at_ms)
        assert found
        assert not due(rungs, count, NOON_MS, at_ms - 1)
        count += len(found)
    assert count == len(steps)


CLOSED = with_member("de-hotline-a", duty_hours=("mon-fri 08:00-09:00",)).members[MemberId("de-hotline-a")]
"""NOON_MS is outside its hours."""


def test_outside_duty_hours_who_cannot_be_reached_does_not_hold_up_the_next_in_line() -> None:
    contacts = {Role.DUTY_CONTACT: replace(OWN, party=CLOSED), Role.STAND_IN: STAND_IN}
    rungs = ladder(DeliverySettings().escalation, contacts, NOON_MS)
    assert [rung.code for rung in due(rungs, 0, NOON_MS, NOON_MS)] == [Role.DUTY_CONTACT, Role.STAND_IN]


def test_outside_duty_hours_the_other_way_is_named_and_the_ladder_keeps_its_times() -> None:
    contacts = {Role.DUTY_CONTACT: replace(OWN, party=CLOSED, off_duty_reach="night number")}
    rungs = ladder(DeliverySettings().escalation, contacts, NOON_MS)
    assert [rung.contact.reach for rung in due(rungs, 0, NOON_MS, NOON_MS)] == ["night number"]


def climbed(rungs: Sequence[Rung], looks_ms: Sequence[int]) -> list[tuple[Rung, int]]:
    taken: list[tuple[Rung, int]] = []
    for now_ms in looks_ms:
        taken += [(rung, now_ms) for rung in due(rungs, len(taken), 0, now_ms)]
    return taken
