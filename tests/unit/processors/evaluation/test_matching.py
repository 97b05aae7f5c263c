"""What counts as a part of what was found, and how a difference is told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.evaluation.matching import differences, matches

FOUND = {
    "tier": "high",
    "score": 41.5,
    "members": ["nl-hotline", "nl-police"],
    "links": [{"kind": "url", "weak": False}],
}


@pytest.mark.parametrize(
    "expected",
    [
        {},
        {"tier": "HIGH"},
        {"score": 41.5},
        {"score": {"at_least": 40, "at_most": 42}},
        {"members": ["nl-police"]},
        {"members": {"exactly": ["nl-police", "nl-hotline"]}},
        {"members": {"none_of": ["de-police"]}},
        {"links": [{"kind": "url"}]},
        {"tier": {"none_of": ["low", "urgent"]}},
    ],
)
def test_a_part_matches(expected: dict[str, Any]) -> None:
    assert list(differences(expected, FOUND)) == []


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({"tier": "low"}, "tier: expected 'low', found 'high'"),
        ({"tyer": "low"}, "no such key"),
        ({"score": {"at_least": 50}}, "score: expected"),
        ({"members": []}, "members: expected []"),
        ({"members": ["nl-police", "nl-police"]}, "among"),
        ({"members": {"exactly": ["nl-police"]}}, "exactly"),
        ({"members": {"none_of": ["nl-police"]}}, "none_of"),
        ({"links": [{"kind": "url", "weak": True}]}, "links"),
        ({"tier": {"none_of": ["high"]}}, "none_of"),
        ({"links": {"kind": "url"}}, "links"),
        ({"tier": {"at_least": 1}}, "at_least"),
    ],
)
def test_a_difference_is_told_by_its_place(expected: dict[str, Any], told: str) -> None:
    (difference,) = differences(expected, FOUND)
    assert told in difference


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_everything_is_a_part_of_itself(value: Any) -> None:
    assert matches(value, value)
