"""Whoever writes into the log is in its inventory, and a line goes to standard error alone (ASVS 5.0, 16.2.3)."""

import ast
import re
from pathlib import Path
from typing import Final

from tests.builders.sources import calls, trees

PAGE: Final = (Path(__file__).parents[2] / "docs" / "reference" / "logs.md").read_text("utf-8")
PLACE: Final = re.compile(r"`([\w/]+\.py)`")
LOGS: Final = "tocsin/runtime/logs.py"


def calling(*ends: str) -> set[str]:
    """The files that call a function whose name ends so."""
    return {place for place, tree in trees().items() if any(name.endswith(ends) for name, _ in calls(tree))}


def test_each_file_that_has_a_logger_is_named_and_no_other() -> None:
    writing = calling("getLogger")
    assert len(writing) > 20, "or this test would see nothing"
    named = {place for line in PAGE.splitlines() if line.startswith("|") for place in PLACE.findall(line)}
    assert named == writing


def test_one_place_alone_says_where_a_line_goes_and_that_is_standard_error() -> None:
    assert calling("Handler", "basicConfig", "dictConfig", "fileConfig") == {LOGS}
    assert [name for name, _ in calls(trees()[LOGS]) if name.endswith("Handler")] == ["logging.StreamHandler"]
    assert "logging.StreamHandler(stream or sys.stderr)" in ast.unparse(trees()[LOGS])
