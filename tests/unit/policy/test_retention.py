"""How long a report is kept: the first line that fits, and never longer than its submitter said."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.policy import the_sample
from tocsin.policy.members import Sector
from tocsin.policy.retention import DEFAULT_DAYS, NO_TABLE, Kept, Retention, RetentionRule

TODAY, NOW_MS, DAY_MS = date(2026, 11, 25), 1_800_000_000_000, 86_400_000


def about(**changes: Any) -> Kept:
    return Kept(**({"outcome": "routed", "mark": "LIVE", "sector": Sector.HOTLINE} | changes))


def a_rule(days: int, **changes: Any) -> RetentionRule:
    return RetentionRule(days=days, source="a test", **changes)


@pytest.mark.parametrize(
    ("what", "days"),
    [
        (about(mark="TEST", outcome="no_recipient"), 30),
        (about(outcome="no_recipient"), 90),
        (about(sector=Sector.PLATFORM), 365),
        (about(sector=None), 365),
    ],
)
def test_the_sample_says_how_long(what: Kept, days: int) -> None:
    assert the_sample().retention.days(what, TODAY) == days


def test_the_first_line_in_force_that_fits_decides() -> None:
    table = Retention(
        version="1",
        rule=(
            a_rule(10, valid_to=TODAY),
            a_rule(20, label="grooming"),
            a_rule(30, sector=Sector.NGO, label="grooming"),
            a_rule(40, sector=Sector.NGO),
        ),
    )
    assert table.days(about(labels={"grooming"}), TODAY) == 20
    assert table.days(about(sector=Sector.NGO), TODAY) == 40
    assert table.days(about(), TODAY) == DEFAULT_DAYS
    assert table.days(about(), date(2026, 11, 24)) == 10


@given(days=st.integers(1, 3650), stated=st.none() | st.integers(0, 2 * NOW_MS))
def test_it_is_never_kept_longer_than_the_submitter_or_the_table_says(days: int, stated: int | None) -> None:
    until_ms = Retention(version="1", rule=(a_rule(days),)).until_ms(about(), TODAY, NOW_MS, stated)
    bounds = [NOW_MS + days * DAY_MS, *([] if stated is None else [stated])]
    assert until_ms == min(bounds)


def test_a_bundle_without_a_table_keeps_a_year() -> None:
    assert NO_TABLE.days(about(), TODAY) == DEFAULT_DAYS
