"""When somebody of a member is there."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from schemas.records.identifiers import MemberId
from tests.builders.policy import with_member
from tocsin.policy.duty import hours_of, on_duty
from tocsin.policy.members import Member


def a_member(**changes: Any) -> Member:
    return with_member("fr-hotline", **changes).members[MemberId("fr-hotline")]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    "text", ["mon 8:00-18:00", "mon-fri 18:00-08:00", "fri-mon 08:00-18:00", "day 08:00-18:00", "mon 25:00-26:00", ""]
)
def test_what_is_no_duty_hour_is_none(text: str) -> None:
    assert hours_of(text) is None


@pytest.mark.parametrize(
    ("moment", "there"),
    [
        ("2026-07-06T06:30", True),  # Monday, 08:30 in Amsterdam in summer
        ("2026-01-05T06:30", False),  # Monday, 07:30 in Amsterdam in winter
        ("2026-01-05T17:00", False),  # 18:00 is the end and not within
        ("2026-01-10T22:30", True),  # Saturday until midnight, 23:30 there
        ("2026-01-10T23:30", False),  # Sunday there
    ],
)
def test_duty_hours_are_those_of_the_members_own_clock(moment: str, there: bool) -> None:
    member = a_member(time_zone="Europe/Amsterdam", duty_hours=("mon-fri 08:00-18:00", "sat 10:00-24:00"))
    assert on_duty(member, at(moment)) is there


def test_nobody_is_there_on_a_holiday_and_always_somebody_without_hours() -> None:
    assert on_duty(a_member(), at("2026-01-04T03:00"))
    assert not on_duty(a_member(holidays=(date(2026, 1, 4),)), at("2026-01-04T03:00"))
