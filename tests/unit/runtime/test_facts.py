"""A log shows facts of a closed table; what a field of a record may give away is redacted, whoever passes it."""

import ast
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.disclosure import Sensitivity
from tocsin.runtime import logs
from tocsin.runtime.facts import OWN, REDACTED, SHOWN, UNKNOWN, instead, sensitivities, shown

ROOT = Path(__file__).parents[3]
OF_US = ("tocsin", "processors", "producers", "consumers")


@pytest.mark.parametrize("sensitivity", list(Sensitivity))
def test_every_field_is_shown_or_redacted_as_its_sensitivity_says(sensitivity: Sensitivity) -> None:
    names = [name for name, found in sensitivities().items() if sensitivity in found and name not in OWN]
    assert names, "the schemas have fields of every sensitivity"
    if sensitivity in SHOWN:
        plain = [name for name in names if sensitivities()[name] <= SHOWN]
        assert plain
        assert shown(dict.fromkeys(plain, "value")) == dict.fromkeys(plain, "value")
    else:
        assert shown(dict.fromkeys(names, "value")) == dict.fromkeys(names, REDACTED)


def test_a_log_shows_nothing_of_a_case() -> None:
    assert frozenset({Sensitivity.OPERATIONAL}) == SHOWN


def test_no_fact_of_our_own_has_the_name_of_a_field() -> None:
    assert not OWN & set(sensitivities())


def test_a_name_that_is_not_in_the_table_shows_nothing_and_one_that_is_no_name_not_even_itself() -> None:
    assert shown({"address": "https://example.test/1"}) == {"address": UNKNOWN}
    assert shown({"https://example.test/1": 1}) == {UNKNOWN: UNKNOWN}


def test_a_long_text_is_cut() -> None:
    assert len(str(shown({"why": "x" * 10_000})["why"])) < 1_000


def test_a_line_of_the_log_is_redacted_whoever_writes_it() -> None:
    stream, log = io.StringIO(), logging.getLogger("tocsin.test_facts")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLines())
    log.handlers[:], log.propagate = [handler], False
    log.setLevel(logging.INFO)
    logs.tell_outcomes(log, "triage", [{"outcome": "routed", "url": "https://example.test/1"}, {"outcome": "refused"}])
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["outcome"], first["url"], first["stage"]) == ("routed", REDACTED, "triage")
    assert (second["outcome"], "url" in second) == ("refused", False)


def _pairs(tree: ast.AST) -> list[tuple[str, ast.expr]]:
    """Keys that are texts, with their values, of every dictionary that is written out."""
    return [
        (key.value, value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    ]


def _dicts(tree: ast.AST) -> Iterator[ast.Dict]:
    """What is given as `{"facts": {...}}`, there or by a variable."""
    given = [value for name, value in _pairs(tree) if name == "facts"]
    names = {value.id for value in given if isinstance(value, ast.Name)}
    yield from (value for value in given if isinstance(value, ast.Dict))
    for node in ast.walk(tree):
        named = isinstance(node, ast.Assign) and names & {getattr(target, "id", "") for target in node.targets}
        if named and isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            yield node.value


def test_every_fact_that_the_code_logs_would_be_shown() -> None:
    named = [
        (str(file.relative_to(ROOT)), name)
        for folder in OF_US
        for file in sorted((ROOT / folder).rglob("*.py"))
        for found in _dicts(ast.parse(file.read_text("utf-8")))
        for name, _ in _pairs(found)
    ]
    assert len(named) > 30, "the search finds what it looks for"
    assert [(file, name) for file, name in named if instead(name)] == []
