"""Files and functions stay as short as CONTRIBUTING.md says."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.builders.sources import ROOT, trees

MOST_LINES, MOST_OF_A_FUNCTION = 400, 40


def test_no_file_is_longer_than_is_said() -> None:
    folders = ("benchmarks", "consumers", "processors", "producers", "schemas", "tests", "tocsin")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    assert len(files) > 1_000, "or this test would see nothing"
    assert {str(file.relative_to(ROOT)) for file in files if _lines(file) > MOST_LINES} == set()


def test_no_function_of_the_product_is_longer_than_is_said() -> None:
    found = {f"{place}: {name}": lines for place, tree in trees().items() for name, lines in functions(tree)}
    assert len(found) > 1_000, "or this test would see nothing"
    assert {name: lines for name, lines in found.items() if lines > MOST_OF_A_FUNCTION} == {}


def test_most_functions_of_the_product_are_shorter_than_ten_lines() -> None:
    lengths = [lines for tree in trees().values() for _, lines in functions(tree)]
    assert sum(lines < 10 for lines in lengths) > len(lengths) / 2


def functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Each by name, with its lines without decorators and docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - _documented(node)


def _documented(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node) is None:
        return 0
    first = node.body[0]
    return (first.end_lineno or 0) - first.lineno + 1


def _lines(file: Path) -> int:
    return len(file.read_text("utf-8").splitlines())
