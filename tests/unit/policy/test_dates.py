"""Rules hold from a day on and until a day, so that an old decision can be made again."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records.identifiers import JurisdictionCode
from tests.builders.policy import a_folder, a_legal_row, the_sample, with_law
from tocsin.policy.bundle import load
from tocsin.policy.dates import Dated, in_force, overlap, reversed_period
from tocsin.policy.members import day_of

SPRING, SUMMER, AUTUMN = date(2026, 3, 1), date(2026, 6, 1), date(2026, 9, 1)


@pytest.mark.parametrize(
    ("on", "holds"),
    [(date(2026, 2, 28), False), (SPRING, True), (date(2026, 5, 31), True), (SUMMER, False)],
)
def test_a_rule_holds_from_its_first_day_and_no_longer_on_its_last(on: date, holds: bool) -> None:
    assert Dated(valid_from=SPRING, valid_to=SUMMER).in_force(on) is holds


def test_a_rule_without_dates_always_holds() -> None:
    assert Dated().in_force(date.min)
    assert Dated().in_force(date.max)


def test_only_what_holds_on_the_day_is_in_force() -> None:
    old, new = Dated(valid_to=SUMMER), Dated(valid_from=SUMMER)
    assert list(in_force((new, old), SPRING)) == [old]
    assert list(in_force((new, old), SUMMER)) == [new]


def test_overlaps_and_reversed_periods_are_found() -> None:
    assert overlap([Dated(valid_from=SUMMER), Dated(valid_to=SUMMER)]) is None
    later = Dated(valid_from=SUMMER)
    assert overlap([later, Dated(valid_to=AUTUMN)]) is later
    assert overlap([later, Dated()]) is later
    assert reversed_period([Dated(valid_from=SUMMER, valid_to=SUMMER)])
    assert not reversed_period([Dated(valid_from=SPRING, valid_to=SUMMER)])


def test_the_law_is_that_of_the_day() -> None:
    old = a_legal_row(valid_to=SUMMER, note="old")
    new = a_legal_row(valid_from=SUMMER, note="new")
    jurisdiction = with_law("nl", old, new).jurisdictions[JurisdictionCode("nl")]
    assert jurisdiction.law(SPRING) == old
    assert jurisdiction.law(AUTUMN) == new
    assert jurisdiction.law(date(2019, 1, 1)) is None


def test_a_label_means_what_it_meant_on_the_day(tmp_path: Path) -> None:
    mapping = '[[mapping]]\nscheme = "iccam"\nlabel = "baseline"\n'
    dates = "valid_from = 2026-06-01\nas_of = 2026-06-01\n"
    later = f'{mapping}neutral = ["illegal_claimed"]\nsource = "a test"\nconfidence = "low"\nlossy = true\n{dates}\n'
    bundle = load(a_folder(tmp_path, ("labels.toml", mapping, later + mapping + "valid_to = 2026-06-01\n")))
    assert bundle.neutral("iccam", "baseline", SPRING) == ("baseline_claimed", "illegal_claimed")
    assert bundle.neutral("iccam", "baseline", AUTUMN) == ("illegal_claimed",)


def test_a_label_that_nobody_mapped_says_nothing() -> None:
    assert the_sample().neutral("iccam", "unheard of", SPRING) == ()
    assert the_sample().neutral("unheard of", "baseline", SPRING) == ()


@given(st.integers(-60_000_000_000_000, 250_000_000_000_000))
def test_an_instant_is_of_the_day_that_the_calendar_has_in_utc(epoch_ms: int) -> None:
    assert day_of(epoch_ms) == datetime.fromtimestamp(epoch_ms / 1000, UTC).date()


def test_a_day_ends_with_its_last_millisecond() -> None:
    assert [day_of(epoch_ms).day for epoch_ms in (-1, 0, 86_399_999, 86_400_000)] == [31, 1, 1, 2]
