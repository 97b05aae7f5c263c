"""The self-assessment by ASVS cites tests that are there, and says why where something does not hold."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = tomllib.loads((ROOT / "docs/reference/asvs.toml").read_text("utf-8"))
CITED = sorted({cited for line in TABLE["line"] for cited in line["tests"]})
CHAPTERS = range(1, 18)


@pytest.mark.parametrize("cited", CITED)
def test_a_cited_test_is_there(cited: str) -> None:
    file, _, name = cited.partition("::")
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert name in names if name else any(one.startswith("test_") for one in names)


def test_each_chapter_is_assessed_or_has_its_reason() -> None:
    named = {line["chapter"] for line in TABLE["line"]} | set(TABLE["outside"])
    assert sorted(int(chapter.split()[0].removeprefix("V")) for chapter in named) == list(CHAPTERS)


def test_what_does_not_hold_says_why() -> None:
    for line in TABLE["line"]:
        assert line["state"] in {"holds", "partly", "not"}
        assert ("why" in line) == (line["state"] != "holds"), line["says"]
        assert line["tests"] or line["state"] == "not"
