"""Columns as the text of an array; that PostgreSQL reads what was meant is held in tests/integration/test_arrays.py."""

from datetime import UTC, datetime

import pytest

from schemas.records.values import Tier
from tocsin.runtime.arrays import as_array


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ([1, -2, 9_007_199_254_740_993], "{1,-2,9007199254740993}"),
        ([True, False], "{True,False}"),
        (["plain", "", "null"], '{"plain","","null"}'),
        ([r"a\b", 'c"d', "e,f}", '","'], r'{"a\\b","c\"d","e,f}","\",\""}'),
        ([b"\x00\xff", b""], r'{"\\x00ff","\\x"}'),
        ([Tier.URGENT], '{"URGENT"}'),
        ([datetime(2026, 1, 1, 12, tzinfo=UTC)], '{"2026-01-01T12:00:00+00:00"}'),
    ],
)
def test_a_column_of_one_kind_is_written_as_the_text_of_an_array(column: list[object], written: str) -> None:
    assert as_array(column) == written


@pytest.mark.parametrize("column", [[], [1, None], ["a", None], [1.5], [Tier.LOW, "LOW"]])
def test_any_other_is_left_to_the_driver(column: list[object]) -> None:
    assert as_array(column) is column
