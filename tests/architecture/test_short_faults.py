"""Every family of faults says which test is its short version, or that there is none and why; and those tests exist."""

import ast
import re
from pathlib import Path

from tests.chaos.faults import FAULTS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "decisions" / "0038-faults-as-a-table-of-families.md"
ROW = re.compile(r"^\| ([a-z-]+) \| ([^|]+) \| ?([^|]*)\|$", re.MULTILINE)


def rows() -> list[tuple[str, str, str]]:
    """Family, where it is tried, and the test."""
    _, _, section = PAGE.read_text("utf-8").partition("## Short versions")
    table, _, _ = section.partition("\n## ")
    return [(family, place.strip(), test.strip()) for family, place, test in ROW.findall(table) if family != "family"]


def has(test: str) -> bool:
    """Whether a file defines that test."""
    file, _, name = test.partition("::")
    path = ROOT / file
    return path.is_file() and name in {
        node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)
    }


def test_every_family_has_a_row_and_no_row_is_of_another() -> None:
    assert {family for family, _, _ in rows()} == FAULTS.keys() | {"memory"}


def test_every_short_version_that_is_named_exists_and_a_family_without_says_why() -> None:
    for family, place, test in rows():
        assert has(test) if test else place.startswith("none: "), family


def test_a_test_that_is_not_there_would_be_noticed() -> None:
    assert has(rows()[0][2])
    assert not has("tests/chaos/test_faults.py::test_nothing")
    assert not has("tests/chaos/test_nowhere.py::test_nothing")


def test_the_faults_that_share_an_exchange_are_the_ones_that_the_table_says() -> None:
    text = (ROOT / "tests" / "chaos" / "test_faults.py").read_text("utf-8")
    met = re.search(r"met\(own_stack, ([^)]+)\)", text)
    assert met
    assert set(re.findall(r'"([a-z-]+)"', met[1])) == {family for family, place, _ in rows() if place == "own exchange"}
