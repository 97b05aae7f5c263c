"""What a group knows a worker by: its own name, and which topics it reads."""

from pathlib import Path

from tocsin.runtime.transport.application import WorkerSettings


def known_as(instance: str, *topics: str) -> str:
    return WorkerSettings(group="g", instance=instance, topics=topics, data_folder=Path()).group_instance


def test_a_worker_that_comes_back_with_the_same_topics_in_any_order_is_the_same_member() -> None:
    assert known_as("triage-normal-0", "a", "b") == known_as("triage-normal-0", "b", "a")


def test_a_worker_that_comes_back_with_another_topic_is_another_member_so_that_the_group_shares_out_anew() -> None:
    assert known_as("triage-normal-0", "a") != known_as("triage-normal-0", "a", "b")


def test_two_workers_are_never_the_same_member() -> None:
    assert known_as("triage-normal-0", "a") != known_as("triage-normal-1", "a")
