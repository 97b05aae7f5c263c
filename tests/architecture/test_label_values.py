"""Every value that the code gives a label is one of the table, whether or not a test makes a process count it."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tocsin.runtime import metrics
from tocsin.runtime.families import LABELS

ROOT = Path(__file__).parents[2]
PACKAGES = ("tocsin", "producers", "processors", "consumers")
COUNTING: Mapping[str, tuple[str, ...]] = {
    "record_left": ("stage", "outcome"),
    "left": ("outcome",),
    "failure_met": ("stage",),
    "timed": ("stage",),
    "slice_settled": ("stage",),
    "_attempt": ("stage",),
}
"""What counts, and which label each of its first arguments is; `labels` of a metric takes them in its own order."""


def said(call: ast.Call) -> tuple[str, ...]:
    """The labels whose values are arguments of this call."""
    name = _last(call.func)
    if name != "labels" or not isinstance(call.func, ast.Attribute):
        return COUNTING.get(name, ())
    return tuple(getattr(getattr(metrics, _last(call.func.value), None), "_labelnames", ()))


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def words(node: ast.expr, constants: Mapping[str, str]) -> Iterator[str]:
    """The values that an expression may have, as far as its own file says; others come from enumerations."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and node.id in constants:
        yield constants[node.id]
    elif isinstance(node, ast.IfExp):
        yield from words(node.body, constants)
        yield from words(node.orelse, constants)


def constants_of(tree: ast.Module) -> dict[str, str]:
    assigned = [(one.targets[0], one.value) for one in tree.body if isinstance(one, ast.Assign)]
    assigned += [(one.target, one.value) for one in tree.body if isinstance(one, ast.AnnAssign) and one.value]
    return {
        target.id: value.value
        for target, value in assigned
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str)
    }


def given(source: str) -> Iterator[tuple[str, str]]:
    """Each label and a value that this source gives it."""
    tree = ast.parse(source)
    constants = constants_of(tree)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        for label, argument in zip(said(call), call.args, strict=False):
            for word in words(argument, constants):
                yield label, word


GIVEN = sorted(
    {one for package in PACKAGES for file in (ROOT / package).rglob("*.py") for one in given(file.read_text("utf-8"))}
)


@pytest.mark.parametrize(("label", "value"), GIVEN)
def test_a_value_that_the_code_gives_a_label_is_one_of_the_table(label: str, value: str) -> None:
    assert re.fullmatch(LABELS[label], value)


def test_a_value_in_whatever_form_would_be_noticed() -> None:
    source = """
NAME: Final = "one"
record_left(NAME, "two" if late else "three")
metrics.SIGNATURE_FAILURES.labels("four").inc()
with timed("five"): pass
"""
    assert set(given(source)) == {
        ("stage", "one"),
        ("outcome", "two"),
        ("outcome", "three"),
        ("stage", "four"),
        ("stage", "five"),
    }
    assert len(GIVEN) > 30
