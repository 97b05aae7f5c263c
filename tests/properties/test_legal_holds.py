"""Whatever is told and however time goes: what is held is never deleted, and without a hold nothing is different."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from consumers import upkeep
from schemas.records.answers import Status
from schemas.records.referral import Referral
from tests.builders.deliveries import Counter
from tests.builders.holds import a_hold
from tests.builders.referrals import RECIPIENT, a_referral
from tests.builders.reports import HOUR_MS, NOON_MS, an_instant
from tests.unit.consumers.test_erasing import an_order, confirmed
from tocsin.runtime.holding import Hold, newer, stands

DAY_MS = 24 * HOUR_MS
HOLDS = st.builds(Hold, told_ms=st.integers(0, 5), until_ms=st.integers(0, 9))


class Day(Struct, frozen=True):
    """One day of a member: what it hears of the report in the morning."""

    holds_for: int | None = None
    """Days from then; 0 releases."""
    orders: bool = False


DAYS = st.lists(
    st.builds(Day, holds_for=st.one_of(st.none(), st.integers(0, 4)), orders=st.integers(0, 4).map(lambda n: n == 0)),
    min_size=1,
    max_size=8,
)


@given(st.lists(HOLDS, min_size=1, max_size=6, unique_by=lambda hold: hold.told_ms).flatmap(st.permutations))
def test_the_last_word_counts_in_whatever_order_messages_are_read(told: list[Hold]) -> None:
    known = None
    for hold in [*told, *told]:
        known = newer(known, hold)
    assert known == max(told, key=lambda hold: hold.told_ms)


@given(HOLDS, st.integers(0, 9))
def test_a_hold_stands_up_to_its_end_and_no_longer(hold: Hold, now_ms: int) -> None:
    assert stands(hold, now_ms) == (now_ms < hold.until_ms)
    assert not stands(None, now_ms)


@settings(max_examples=25, deadline=None)
@given(DAYS, st.integers(1, 4))
def test_what_is_held_is_never_deleted_and_goes_once_it_is_not(days: list[Day], retained_days: int) -> None:
    referral = a_referral(retain_until=an_instant(NOON_MS + retained_days * DAY_MS))
    with a_counter(referral) as counter:
        hold, is_ordered, is_gone = None, False, False
        for number, day in enumerate(days):
            now_ms = passes(counter, number, told_on(day, number, referral))
            if day.holds_for is not None:
                hold = Hold(told_ms=now_ms, until_ms=now_ms + day.holds_for * DAY_MS)
            is_ordered |= day.orders
            is_gone |= (is_ordered or number >= retained_days) and not stands(hold, now_ms)
            assert (counter.find(referral.referral_id).value is None) == is_gone
            assert (counter.sink.keys == []) == is_gone
        passes(counter, len(days) + 9, ())
        assert counter.find(referral.referral_id).value is None
        assert counter.sink.keys == []


@settings(max_examples=15, deadline=None)
@given(DAYS, st.integers(1, 4))
def test_a_hold_on_one_report_changes_nothing_for_another(days: list[Day], retained_days: int) -> None:
    referral = a_referral(retain_until=an_instant(NOON_MS + retained_days * DAY_MS))
    other = a_referral("another case")
    with a_counter(referral) as plain, a_counter(referral) as beside:
        for number, day in enumerate(days):
            orders = [an_order(referral)] if day.orders else []
            passes(plain, number, orders)
            passes(beside, number, [*orders, *told_on(Day(day.holds_for), number, other)])
            assert plain.find(referral.referral_id) == beside.find(referral.referral_id)
            assert plain.sink.keys == beside.sink.keys


def told_on(day: Day, number: int, referral: Referral) -> Sequence[Status]:
    """Orders come behind the hold of the same day."""
    now_ms = NOON_MS + number * DAY_MS
    until_ms = now_ms + day.holds_for * DAY_MS if day.holds_for else None
    hold = a_hold(referral.report_id, RECIPIENT, told_ms=now_ms, until_ms=until_ms)
    return [*([] if day.holds_for is None else [hold]), *([an_order(referral)] if day.orders else [])]


def passes(counter: Counter, days: int, told: Sequence[Status]) -> int:
    """That day as a running process has it; tells its time."""
    counter.clock.now_ms = NOON_MS + days * DAY_MS
    counter.hear(*told)
    counter.eraser.turn()
    confirmed(counter)
    counter.eraser.turn()
    upkeep.erase(counter.store, counter.desk)
    counter.eraser.let_go()
    return counter.clock.now_ms


@contextmanager
def a_counter(referral: Referral) -> Iterator[Counter]:
    """That has delivered it."""
    with tempfile.TemporaryDirectory() as folder:
        counter = Counter(folder=Path(folder))
        try:
            counter.arrive(referral)
            counter.courier.turn()
            confirmed(counter)
            yield counter
        finally:
            counter.close()
