"""Which partitions of a worker's topics are with the wrong reader, or with none."""

import pytest

from schemas.failures import Broken
from tocsin.runtime.transport.cluster import TopicFound, misdealt
from tocsin.runtime.transport.watching import require_same

FOUND = {"a": TopicFound("1", 2), "b": TopicFound("2", 1)}
ALL = {("a", 0), ("a", 1), ("b", 0)}


@pytest.mark.parametrize(
    ("shares", "wrong"),
    [
        (ALL, ()),
        (ALL - {("a", 1)}, ("a[1]",)),
        (ALL | {("b", 1)}, ("b[1]",)),
        (ALL | {("of another worker", 3)}, ()),
        (set(), ("a[0]", "a[1]", "b[0]")),
    ],
)
def test_each_partition_there_is_has_a_reader_and_no_reader_has_one_that_is_gone(
    shares: set[tuple[str, int]], wrong: tuple[str, ...]
) -> None:
    assert misdealt(FOUND, frozenset(shares)) == wrong


def test_a_topic_that_was_made_anew_halts_by_name_and_one_that_grew_does_not() -> None:
    require_same({"a": "1", "b": "2"}, FOUND)
    with pytest.raises(Broken, match="Topic b was deleted and created again"):
        require_same({"a": "1", "b": "other"}, FOUND)
