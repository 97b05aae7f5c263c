"""Which partitions of a worker's topics are with the wrong reader, or with none."""

import pytest
from confluent_kafka import KafkaError

from schemas.failures import Broken
from tocsin.runtime.transport.topics import TopicFound, is_unsettled, misdealt
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


def test_a_group_whose_keeper_changes_says_nothing_and_ends_no_worker() -> None:
    changing = (
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    )
    assert all(is_unsettled(KafkaError(code)) for code in changing)
    assert not is_unsettled(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))
