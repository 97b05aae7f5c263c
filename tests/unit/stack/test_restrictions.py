"""The register of restrictions: what it says outlives a database that was set back, and its last word counts."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.failures import Broken
from schemas.records.identifiers import ReportId
from tests.builders.restrictions import an_entry
from tocsin.stack.doctor import findings
from tocsin.stack.doctor.findings import Level
from tocsin.stack.restrictions import Entry, Restrictions, is_kept

ONE, OTHER = ReportId("11111111-1111-5111-8111-111111111111"), ReportId("22222222-2222-5222-8222-222222222222")


def orders() -> st.SearchStrategy[list[Entry]]:
    return st.lists(
        st.builds(an_entry, report_id=st.sampled_from([ONE, OTHER]), number=st.integers(1, 9), is_lifted=st.booleans()),
        max_size=12,
    )


def test_who_restricted_what_when_and_why_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    entry = an_entry(report_id=ONE, number=7)
    Restrictions(tmp_path).add(entry)
    again = Restrictions(tmp_path)
    assert (again.in_force(), again.highest) == ({ONE: entry}, 7)


def test_what_is_said_twice_is_written_once(tmp_path: Path) -> None:
    for by in ("anna", "ben"):
        Restrictions(tmp_path).add(an_entry(by=by))
    assert len((tmp_path / "restrictions" / "register.jsonl").read_text("utf-8").splitlines()) == 1


def test_a_database_that_forgot_a_restriction_and_one_that_forgot_that_it_was_lifted_are_both_found(
    tmp_path: Path,
) -> None:
    register = Restrictions(tmp_path)
    kept, lifted = an_entry(report_id=ONE), an_entry(report_id=OTHER, number=2)
    for entry in (kept, lifted, ended := replace(lifted, is_lifted=True)):
        register.add(entry)
    assert register.differing({ONE: 1}) == []
    assert register.differing({}) == [kept]
    assert register.differing({ONE: 1, OTHER: 2}) == [ended]


def test_what_only_the_database_knows_is_left_alone(tmp_path: Path) -> None:
    assert Restrictions(tmp_path).differing({ONE: 1}) == []


def test_a_restriction_that_is_newer_than_the_lift_stays_though_the_register_has_not_heard_of_it(
    tmp_path: Path,
) -> None:
    register = Restrictions(tmp_path)
    register.add(an_entry(report_id=ONE, number=2, is_lifted=True))
    assert register.differing({ONE: 3}) == []


@given(said=orders())
def test_after_any_orders_the_last_word_on_each_report_counts_also_for_whoever_opens_it_later(
    said: list[Entry],
) -> None:
    with TemporaryDirectory() as folder:
        register = Restrictions(Path(folder))
        for entry in said:
            register.add(entry)
        last = {entry.report_id: entry for entry in said}
        kept = {report for report, entry in last.items() if not entry.is_lifted}
        for one in (register, Restrictions(Path(folder))):
            assert one.in_force().keys() == kept
            assert one.differing({report: last[report].number for report in kept}) == [], (
                "a database that says the same is asked for nothing"
            )
            assert one.highest == max((entry.number for entry in said), default=0)


def test_a_line_that_is_none_stops_whoever_reads_it_and_is_named(tmp_path: Path) -> None:
    Restrictions(tmp_path).add(an_entry())
    with (tmp_path / "restrictions" / "register.jsonl").open("a") as file:
        file.write("half a li")
    with pytest.raises(Broken, match=r"line 2") as failure:
        Restrictions(tmp_path)
    assert failure.value.code == "subject.register_unusable"


def test_to_look_whether_there_is_one_makes_none(tmp_path: Path) -> None:
    assert not is_kept(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_restored_database_forgot_fails_with_the_command_that_puts_it_back() -> None:
    (calm,) = findings.of_restrictions(0)
    (lost,) = findings.of_restrictions(2)
    assert calm.level is Level.OK
    assert (lost.level, lost.next_command, lost.says.split()[0]) == (Level.FAIL, "tocsin subject --again", "2")
