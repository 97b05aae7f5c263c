"""Figures that may be shown: months, what is too few, baselines that say when they were changed, and objectives."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.measuring import OTHER, labels_of
from schemas.failures import Refused
from schemas.records.report import Label
from schemas.vocabularies import vocabulary, vocabulary_names
from tests.builders.reports import a_report, an_item
from tocsin.cli.measuring.baseline import freeze, thawed
from tocsin.cli.measuring.definitions import MEASURES
from tocsin.cli.measuring.figures import Figures, Table, tables_of
from tocsin.cli.measuring.months import Months, months_of
from tocsin.cli.measuring.objectives import KeyResult, Progress, progress, read_objectives
from tocsin.cli.measuring.page import described, page
from tocsin.cli.measuring.wording import figure, standing
from tocsin.runtime.ledger.measures import Group, Times

TODAY = date(2026, 11, 25)
NOVEMBER = Months(first=date(2026, 11, 1), last=date(2026, 11, 1))
OBJECTIVES = """
[[objectives]]
name = "Urgent reports reach police sooner"
owner = "programme office"
[[objectives.results]]
measure = "delivered_median"
group = {tier = "URGENT"}
target = 60
by = 2027-05-31
owner = "operations"
"""


def a_group(key: str, reports: int = 20, median: float | None = 100.0) -> Group:
    times = Times(count=reports, median=median, ninetieth=median)
    return Group(key=(key,), reports=reports, complete=reports // 2, referrals=reports, answered=1, delivered=times)


def table_of(groups: Sequence[Group], smallest: int = 5) -> Table:
    """By tier, beside the total that everybody sees."""
    total = Group(key=(), reports=sum(one.reports for one in groups), referrals=sum(one.referrals for one in groups))
    (table,) = tables_of([("tier",)], {(): [total], ("tier",): groups}, smallest)
    return table


def figures(*groups: Group) -> Figures:
    made_at = datetime(2026, 11, 25, tzinfo=UTC)
    return Figures(months=NOVEMBER, made_at=made_at, tables=(table_of(groups),))


@pytest.mark.parametrize(
    ("options", "first", "last"),
    [
        (("2026Q3", "", ""), date(2026, 7, 1), date(2026, 9, 1)),
        (("", "2026-02", "2026-06"), date(2026, 2, 1), date(2026, 6, 1)),
        (("", "2026-09", ""), date(2026, 9, 1), date(2026, 11, 1)),
        (("", "", ""), date(2026, 10, 1), date(2026, 12, 1)),
    ],
)
def test_months_are_a_quarter_or_a_range(options: tuple[str, str, str], first: date, last: date) -> None:
    assert months_of(*options, TODAY) == Months(first=first, last=last)


@pytest.mark.parametrize(
    "options", [("2026Q5", "", ""), ("2026Q1", "2026-01", ""), ("", "2026-13", ""), ("", "2026-05", "2026-04")]
)
def test_other_months_are_refused(options: tuple[str, str, str]) -> None:
    with pytest.raises(Refused) as refused:
        months_of(*options, TODAY)
    assert refused.value.code == "stats.months"


def test_a_group_that_is_too_small_is_hidden_and_so_is_the_next_that_would_tell_it() -> None:
    rows = table_of((a_group("A", 3), a_group("B", 9), a_group("C", 40))).rows
    assert [(row.key, row.is_hidden) for row in rows] == [(("A",), True), (("B",), True), (("C",), False)]
    assert set(rows[0].values.values()) == set(rows[1].values.values()) == {None}


@given(st.lists(st.integers(1, 30), max_size=8), st.integers(1, 10))
def test_no_group_below_the_smallest_is_ever_shown_and_never_is_one_hidden_alone(
    counts: list[int], smallest: int
) -> None:
    table = table_of([a_group(str(number), count) for number, count in enumerate(counts)], smallest)
    hidden = [count for row, count in zip(table.rows, counts, strict=True) if row.is_hidden]
    shown = [count for row, count in zip(table.rows, counts, strict=True) if not row.is_hidden]
    assert all(count >= smallest for count in shown)
    assert len(hidden) != 1 or len(counts) == 1


def test_a_time_that_few_cases_stand_for_is_not_shown_in_a_group_that_is() -> None:
    group = replace(a_group("A", 40), taken_up=Times(count=2, median=7.0, ninetieth=9.0))
    (row,) = table_of((group,)).rows
    assert (row.values["taken_up_median"], row.values["delivered_median"]) == (None, 100.0)


def test_a_baseline_reads_back_as_it_was_frozen_and_is_written_once(tmp_path: Path) -> None:
    file, found = tmp_path / "before.json", figures(a_group("URGENT"))
    freeze(found, file)
    assert thawed(file) == found
    with pytest.raises(Refused, match=r"written once"):
        freeze(found, file)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("100.0", "200.0"), "baseline.changed"),
        (('"figures"', '"numbers"'), "baseline.unreadable"),
        (("{", "["), "baseline.unreadable"),
    ],
)
def test_a_baseline_that_was_changed_is_refused(tmp_path: Path, change: tuple[str, str], code: str) -> None:
    file = tmp_path / "before.json"
    freeze(figures(a_group("URGENT")), file)
    file.write_text(file.read_text("utf-8").replace(*change, 1), "utf-8")
    with pytest.raises(Refused) as refused:
        thawed(file)
    assert refused.value.code == code


def test_a_baseline_by_other_definitions_is_not_compared_with(tmp_path: Path) -> None:
    file = tmp_path / "before.json"
    freeze(replace(figures(a_group("URGENT")), definitions="2020-01"), file)
    with pytest.raises(Refused, match="2020-01"):
        thawed(file)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (100.0, 80.0, "50 % of the way"),
        (100.0, 60.0, "reached"),
        (100.0, 40.0, "reached"),
        (100.0, 120.0, "went back"),
        (None, 80.0, "not known yet"),
        (60.0, 60.0, "reached"),
        (3.5, 3.5, "reached"),
        (3.5, 90.0, "went back"),
        (None, 50.0, "reached"),
    ],
)
def test_progress_is_the_part_of_the_way_from_the_baseline_to_the_target(
    before: float | None, now: float, said: str
) -> None:
    assert standing(measured(before, now, TODAY)) == said


def test_a_key_result_whose_day_is_past_is_late_unless_it_is_reached() -> None:
    after = date(2027, 6, 1)
    assert standing(measured(100.0, 80.0, after)) == "50 % of the way, LATE"
    assert standing(measured(100.0, 60.0, after)) == "reached"
    assert standing(measured(None, 80.0, after)) == "NOT KNOWN, and its day is past"


def measured(before: float | None, now: float, today: date) -> Progress:
    result = KeyResult(
        measure="delivered_median", target=60.0, by=date(2027, 5, 31), owner="ops", group={"tier": "URGENT"}
    )
    began = None if before is None else figures(a_group("URGENT", median=before))
    return progress(result, began, figures(a_group("URGENT", median=now)), today)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("delivered_median", "speed"), "a measure that is one of"),
        (('tier = "URGENT"', 'planet = "Mars"'), "groups by"),
        (('tier = "URGENT"', 'tier = "URGENT", member = "nl-hotline"'), "one dimension"),
        (("2027-05-31", '"soon"'), "date"),
        (("owner", "boss"), "boss"),
        (("[[objectives]]", "[[objectives"), "expected in"),
    ],
)
def test_objectives_that_cannot_be_measured_are_refused_with_what_was_expected(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    file = tmp_path / "objectives.toml"
    file.write_text(OBJECTIVES.replace(*change), "utf-8")
    with pytest.raises(Refused, match=said) as refused:
        read_objectives(file)
    assert refused.value.code == "objectives.unreadable"


def test_the_page_says_progress_definitions_and_what_is_left_out_and_escapes_what_others_wrote(tmp_path: Path) -> None:
    file = tmp_path / "objectives.toml"
    file.write_text(OBJECTIVES.replace("programme office", "<b>office</b>"), "utf-8")
    (objective,) = read_objectives(file)
    before, now = figures(a_group("URGENT", median=100.0)), figures(a_group("URGENT", median=80.0), a_group("LOW", 7))
    told = page(now, before, [(objective, [progress(one, before, now, TODAY) for one in objective.results])])
    assert "50 % of the way" in told
    assert "&lt;b&gt;office" in told
    assert "<b>office" not in told
    assert "1.3 min (was 100.0 s)" not in told, "a unit is taken where there are two of it"
    assert "80.0 s (was 100.0 s)" in told
    assert all(measure.sentence.split(":")[0][:30] in told for measure in MEASURES.values())


def test_how_much_of_the_legal_map_a_lawyer_checked_is_a_figure_of_all_reports_with_an_objective_of_its_own() -> None:
    before = replace(figures(), law_verified_share=0.2)
    total, tier = tables_of([(), ("tier",)], {(): [Group(key=(), reports=20)], ("tier",): [a_group("A")]}, 5, law=0.5)
    assert [row.values["law_verified_share"] for table in (total, tier) for row in table.rows] == [0.5, None]
    now = replace(before, law_verified_share=0.5, tables=(total, tier))
    result = KeyResult(measure="law_verified_share", target=0.8, by=date(2027, 5, 31), owner="legal desk")
    assert standing(progress(result, before, now, TODAY)) == "50 % of the way"
    assert "50 % (was 20 %)" in page(now, before, [])


def test_what_is_printed_says_the_zone_and_what_is_left_out() -> None:
    told = described(replace(figures(), law_verified_share=0.5), figures())
    for part in ("Months in UTC", "Tests and drills are left out", "under 5", "2026-11", "50 % of the legal map"):
        assert part in told


def test_figures_are_said_with_their_units() -> None:
    said = [figure(name, value) for name, value in (("reports", 7.0), ("answered_share", 0.254), ("reports", None))]
    assert said == ["7", "25 %", "-"]
    assert figure("completeness_average", 61.6) == "62 of 100"
    assert figure("delivered_median", 7200.0) == "2.0 h"


def test_a_report_is_counted_under_published_codes_and_what_was_written_freely_is_other() -> None:
    labels = (
        Label(scheme="iwf", label="A"),
        Label(scheme="iwf", label="my own words"),
        Label(scheme="nobody's", label="x y"),
    )
    assert labels_of(a_report(items=(an_item(labels=labels), an_item(labels=labels[:1])))) == (
        "iwf:A",
        "iwf:other",
        OTHER,
    )


def test_no_published_label_has_a_space_as_the_ledger_keeps_them_with_spaces_between() -> None:
    names = [name for name in vocabulary_names() if name.startswith("labels_")]
    assert [code for name in names for code in vocabulary(name).codes if " " in code] == []


def test_figures_survive_json() -> None:
    found = figures(a_group("URGENT"))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Figures) == found
