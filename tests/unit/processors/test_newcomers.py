"""A worker begins again for topics that it should read and does not, as soon as they are there."""

import logging
from collections.abc import Sequence

import pytest

from processors.newcomers import Newcomers
from schemas.failures import Broken, Temporary


class Broker:
    """The names of its topics."""

    def __init__(self, *topics: str) -> None:
        self.topics = set(topics)

    def __call__(self, asked: Sequence[str]) -> None:
        if not self.topics.issuperset(asked):
            raise Broken("none of that name", code="kafka.topics")


def test_a_worker_that_reads_all_goes_on() -> None:
    newcomers = Newcomers(lambda _: ("a", "b"), ("a", "b", "rulings"), Broker("a", "b"))
    assert not newcomers(0)


def test_a_member_that_came_with_its_topics_makes_it_begin_again() -> None:
    promoted = {0: ("a",), 1: ("a", "new")}
    newcomers = Newcomers(lambda now_ms: promoted[now_ms], ("a",), Broker("a", "new"))
    assert [newcomers(now_ms) for now_ms in promoted] == [False, True]


def test_a_topic_that_nobody_made_yet_is_waited_for_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    broker = Broker("a")
    newcomers = Newcomers(lambda _: ("a", "new"), ("a",), broker)
    with caplog.at_level(logging.WARNING):
        assert not newcomers(0)
        assert not newcomers(1)
    assert len(caplog.records) == 1
    broker.topics.add("new")
    assert newcomers(2)


def test_of_two_members_the_one_whose_topics_are_there_is_not_kept_waiting() -> None:
    assert Newcomers(lambda _: ("a", "b"), (), Broker("b"))(0)


def test_a_member_that_left_changes_nothing() -> None:
    assert not Newcomers(lambda _: ("a",), ("a", "gone"), Broker("a"))(0)


def test_a_broker_that_does_not_answer_says_nothing_of_topics() -> None:
    def away(asked: Sequence[str]) -> None:
        raise Temporary(f"no answer about {len(asked)}", code="kafka.away")

    with pytest.raises(Temporary):
        Newcomers(lambda _: ("new",), (), away)(0)
