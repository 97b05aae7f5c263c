"""A worker begins again where its ledger knows less than it did."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.setback import Setback
from schemas.failures import Temporary
from tocsin.runtime.transport.slices import RawRecord, Slice

PLACE, OTHER = ("reports.plat-a.submitted.v1", 0), ("reports.plat-a.submitted.v1", 1)
ledgers = st.dictionaries(st.sampled_from([PLACE, OTHER]), st.integers(1, 9))


def a_slice(place: tuple[str, int], next_offset: int) -> Slice:
    record = RawRecord(offset=next_offset - 1, timestamp_ms=0, key=b"", value=b"", headers=())
    return Slice(topic_id="id", topic=place[0], partition=place[1], records=(record,))


def is_set_back(settled: dict[tuple[str, int], int], now: dict[tuple[str, int], int]) -> bool:
    setback = Setback(lambda: now)
    for place, next_offset in settled.items():
        setback.note(a_slice(place, next_offset))
    return setback()


def test_a_ledger_that_has_all_that_was_settled_changes_nothing() -> None:
    assert not is_set_back({PLACE: 5}, {PLACE: 5})
    assert not is_set_back({PLACE: 5}, {PLACE: 7, OTHER: 1}), "others settle too"


def test_a_ledger_that_stands_before_what_was_settled_makes_the_worker_begin_again() -> None:
    assert is_set_back({PLACE: 5, OTHER: 3}, {PLACE: 4, OTHER: 9})


def test_a_partition_that_the_ledger_forgot_altogether_does_so_too() -> None:
    assert is_set_back({PLACE: 5}, {})


def test_a_slice_that_is_settled_while_the_ledger_is_asked_is_not_missed_in_its_answer() -> None:
    def answer() -> dict[tuple[str, int], int]:
        setback.note(a_slice(PLACE, 9))
        return {PLACE: 5}

    setback = Setback(answer)
    setback.note(a_slice(PLACE, 5))
    assert not setback()
    assert setback(), "and by the next answer it has to be there"


def test_a_replay_of_an_earlier_slice_does_not_make_it_forget_the_later_one() -> None:
    setback = Setback(lambda: {PLACE: 7})
    setback.note(a_slice(PLACE, 9))
    setback.note(a_slice(PLACE, 3))
    assert setback()


def test_it_is_told_which_partitions_were_set_back(caplog: pytest.LogCaptureFixture) -> None:
    is_set_back({PLACE: 5, OTHER: 3}, {PLACE: 4, OTHER: 3})
    assert [record.__dict__["facts"] for record in caplog.records] == [
        {"partitions": ["reports.plat-a.submitted.v1[0]"]}
    ]
    assert caplog.records[0].levelno == logging.WARNING


def test_a_ledger_that_is_away_says_nothing_of_where_it_stands() -> None:
    def away() -> dict[tuple[str, int], int]:
        raise Temporary("no answer", code="database.away")

    with pytest.raises(Temporary):
        Setback(away)()


@given(ledgers, ledgers)
def test_it_begins_again_exactly_where_a_partition_stands_before_where_it_stood(
    settled: dict[tuple[str, int], int], now: dict[tuple[str, int], int]
) -> None:
    assert is_set_back(settled, now) == any(now.get(place, 0) < offset for place, offset in settled.items())
