"""A reader who subtracts what is shown from totals learns of no small group: one does so here, as far as it leads."""

from collections import Counter
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from tocsin.cli.measuring.figures import tables_of
from tocsin.cli.measuring.suppression import By, Key, margins_of, suppressed
from tocsin.runtime.ledger.measures import Group

SMALLEST = 5
Counted = Mapping[By, Mapping[Key, int]]
BOTH: By = ("member", "tier")
MATRICES = st.lists(st.lists(st.integers(1, 30), min_size=3, max_size=3), min_size=1, max_size=5)


def by_both(matrix: list[list[int]]) -> Counted:
    """Each member has reports of each tier."""
    counted: dict[By, Counter[Key]] = {by: Counter() for by in margins_of(BOTH)}
    for member, row in enumerate(matrix):
        for tier, count in enumerate(row):
            key = dict(zip(BOTH, (str(member), str(tier)), strict=True))
            for by in margins_of(BOTH):
                counted[by][tuple(key[name] for name in by)] += count
    return counted


def learned(counted: Counted, hidden: Mapping[By, frozenset[Key]]) -> set[tuple[By, Key]]:
    """What follows from the tables: wherever one number of a sum is missing, it is the rest."""
    known = {(by, key) for by, counts in counted.items() for key in counts if key not in hidden[by]}
    published = set(known)
    sums = [
        {(margin, total), *((by, key) for key in counts if within(key, by, total, margin))}
        for by, counts in counted.items()
        for margin in counted
        if len(margin) == len(by) - 1 and set(margin) < set(by)
        for total in counted[margin]
    ]
    while found := {next(iter(each - known)) for each in sums if len(each - known) == 1}:
        known |= found
    return known - published


def within(key: Key, by: By, total: Key, margin: By) -> bool:
    value = dict(zip(by, key, strict=True))
    return tuple(value[name] for name in margin) == total


@given(st.lists(st.integers(1, 30), min_size=1, max_size=9))
def test_what_a_table_hides_is_two_groups_at_least_and_no_fewer_reports_than_a_group_may_have(
    counts: list[int],
) -> None:
    counted: Counted = {
        (): {(): sum(counts)},
        ("tier",): {(str(number),): count for number, count in enumerate(counts)},
    }
    hidden = suppressed(counted, SMALLEST)
    lost = [counted["tier",][key] for key in hidden["tier",]]
    assert all(count >= SMALLEST for key, count in counted["tier",].items() if key not in hidden["tier",])
    assert not lost or (len(lost) >= 2 and sum(lost) >= SMALLEST) or sum(counts) < SMALLEST


def test_two_groups_of_one_report_each_are_not_told_by_the_two_that_are_missing() -> None:
    rows = {key: 1 if key in "AB" else 40 for key in "ABCD"}
    hidden = suppressed({(): {(): 82}, ("tier",): {(key,): count for key, count in rows.items()}}, SMALLEST)
    assert hidden["tier",] == {("A",), ("B",), ("C",)}


@given(MATRICES)
def test_by_two_dimensions_no_sum_of_any_table_tells_what_another_one_hides(matrix: list[list[int]]) -> None:
    counted = by_both(matrix)
    hidden = suppressed(counted, SMALLEST)
    for by, counts in counted.items():
        assert all(count >= SMALLEST for key, count in counts.items() if key not in hidden[by])
    small = {(by, key) for by, counts in counted.items() for key, count in counts.items() if count < SMALLEST}
    assert not learned(counted, hidden) & small


def test_a_reader_who_subtracts_would_be_noticed() -> None:
    counted = by_both([[20, 20, 3], [20, 20, 20]])
    only_the_small = {
        by: frozenset(key for key, count in counts.items() if count < 5) for by, counts in counted.items()
    }
    assert learned(counted, only_the_small) == {(BOTH, ("0", "2"))}


def test_a_group_whose_total_is_hidden_is_hidden_in_every_finer_table() -> None:
    hidden = suppressed(by_both([[1, 1, 1], [9, 9, 9], [20, 20, 20]]), SMALLEST)
    assert hidden["member",] == {("0",), ("1",)}
    assert {key for key in hidden[BOTH] if key[0] in "01"} == {(member, tier) for member in "01" for tier in "012"}


def test_of_referrals_too_no_total_tells_how_many_a_group_had() -> None:
    groups = [Group(key=(key,), reports=20, referrals=count) for key, count in (("A", 38), ("B", 2), ("C", 9))]
    total = Group(key=(), reports=60, referrals=49)
    (table,) = tables_of([("tier",)], {(): [total], ("tier",): groups}, SMALLEST)
    assert [row.values["referrals"] for row in table.rows] == [38, None, None]
    assert [row.values["reports"] for row in table.rows] == [20, 20, 20]


def test_that_a_group_had_none_is_told() -> None:
    groups = [Group(key=("none",), reports=20), Group(key=("nl-hotline",), reports=30, referrals=30)]
    total = Group(key=(), reports=50, referrals=30)
    (table,) = tables_of([("member",)], {(): [total], ("member",): groups}, SMALLEST)
    assert [row.values["referrals"] for row in table.rows] == [0, 30]
