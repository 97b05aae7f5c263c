"""`tocsin schema` teaches, shows and checks."""

import json

import pytest
from click.testing import CliRunner, Result

from schemas.definitions import RECORD_TYPES, expanded
from tocsin.cli.schema import command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_list_names_every_record() -> None:
    result = run("list")
    assert result.exit_code == 0
    for record_type in RECORD_TYPES:
        assert record_type.__name__ in result.output


def test_list_as_json_is_one_object() -> None:
    assert set(json.loads(run("list", "--json").output)) == {record_type.__name__ for record_type in RECORD_TYPES}


def test_show_says_what_a_field_is_and_who_may_see_it() -> None:
    output = run("show", "ReportSubmitted").output
    assert "submitter_reference (required)" in output
    assert "free text; shown to hotline, lea, international" in output


def test_show_knows_parts_and_enumerations() -> None:
    assert "algorithm" in run("show", "Hash").output
    assert "URGENT" in run("show", "Tier").output


def test_show_as_avro_is_what_the_registry_is_given() -> None:
    assert json.loads(run("show", "Withdrawal", "--avro").output) == expanded("Withdrawal")


@pytest.mark.parametrize("arguments", [("show", "Nothing"), ("show", "Status", "--version", "v9"), ("diff", "X", "v1")])
def test_an_unknown_name_says_which_there_are(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "There are:" in result.output or "It has:" in result.output


def test_check_says_that_all_holds() -> None:
    result = run("check")
    assert (result.exit_code, "hold" in result.output) == (0, True)


def test_diff_of_a_version_with_itself_is_empty() -> None:
    assert run("diff", "Withdrawal", "v1", "v1").output == "No difference.\n"


def test_crosswalk_says_where_a_field_goes_and_why_another_does_not() -> None:
    output = run("crosswalk", "ncmec").output
    assert "items.viewed_by_reporter" in output
    assert "none: On the never-list." in output


def test_reference_prints_the_page() -> None:
    assert run("reference").output.startswith("# The language")
