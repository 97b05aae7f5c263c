"""The self-assessment by ASVS answers each requirement once, and cites tests that are there."""

import ast
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin.stack.asvs_reference import PAGE, page

ROOT = Path(__file__).parents[2]
TABLE = tomllib.loads((ROOT / "docs/reference/asvs.toml").read_text("utf-8"))
CITED = sorted({cited for line in TABLE["line"] for cited in line["tests"]})
LEVELS_1_AND_2 = """
    1.1.1-2 1.2.1-9 1.3.1-11 1.4.1-3 1.5.1-2 2.1.1-3 2.2.1-3 2.3.1-4 2.4.1 3.2.1-2 3.3.1-4 3.4.1-6 3.5.1-5 3.7.1-2
    4.1.1-3 4.2.1 4.3.1-2 4.4.1-4 5.1.1 5.2.1-3 5.3.1-2 5.4.1-3 6.1.1-3 6.2.1-12 6.3.1-4 6.4.1-4 6.5.1-5 6.6.1-3
    6.8.1-4 7.1.1-3 7.2.1-4 7.3.1-2 7.4.1-5 7.5.1-2 7.6.1-2 8.1.1-2 8.2.1-3 8.3.1 8.4.1 9.1.1-3 9.2.1-4 10.1.1-2
    10.2.1-2 10.3.1-4 10.4.1-11 10.5.1-5 10.6.1-2 10.7.1-3 11.1.1-2 11.2.1-3 11.3.1-3 11.4.1-4 11.5.1 11.6.1 12.1.1-3
    12.2.1-2 12.3.1-4 13.1.1 13.2.1-5 13.3.1-2 13.4.1-5 14.1.1-2 14.2.1-4 14.3.1-3 15.1.1-3 15.2.1-3 15.3.1-7 16.1.1
    16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3 17.1.1 17.2.1-4 17.3.1-2
"""
"""Their ids, as the table of OWASP ASVS 5.0.0 has them: 70 of level 1 and 183 of level 2."""


def ids(spans: str) -> Iterator[str]:
    """`1.2.6-8` is three of them."""
    for span in spans.split():
        section, _, numbers = span.rpartition(".")
        first, _, last = numbers.partition("-")
        yield from (f"{section}.{number}" for number in range(int(first), int(last or first) + 1))


@pytest.mark.parametrize("cited", CITED)
def test_a_cited_test_is_there(cited: str) -> None:
    file, _, name = cited.partition("::")
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert name in names if name else any(one.startswith("test_") for one in names)


def test_each_requirement_is_answered_once_or_has_its_reason() -> None:
    wanted = list(ids(LEVELS_1_AND_2))
    assert len(wanted) == 70 + 183
    answered = Counter(line["id"] for line in TABLE["line"])
    answered.update(one for part in TABLE["outside"] for one in ids(part["ids"]))
    assert answered == Counter(wanted)


def test_what_holds_is_shown_by_a_test_and_what_no_test_shows_does_not_hold() -> None:
    for line in TABLE["line"]:
        assert line["level"] in {1, 2}
        assert line["state"] in {"holds", "partly", "not"}
        assert bool(line["tests"]) == (line["state"] != "not"), line["id"]
        assert line["says"]
    assert all(part["why"] for part in TABLE["outside"])


def test_the_page_on_security_says_how_much_is_answered_and_how_much_is_not() -> None:
    outside = [one for part in TABLE["outside"] for one in ids(part["ids"])]
    told = " ".join((ROOT / "SECURITY.md").read_text("utf-8").split())
    assert f"{len(TABLE['line'])} are answered one by one; the other {len(outside)} ask for what no surface has" in told
    assert f"stand in {len(TABLE['outside'])} groups, each with its reason" in told


def test_the_page_is_made_of_the_table() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m tocsin.stack.asvs_reference"
