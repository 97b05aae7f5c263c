"""What is said of a group where nobody answers, and that the loss of its keeper ends no process (ADR 0062)."""

import socket
from pathlib import Path

import pytest

import consumers
import processors
import producers
import tocsin
from schemas.failures import Temporary
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.transport.cluster import ClusterReader, GroupFound

ASKS_WHO_KEEPS_A_GROUP = (
    "alter_consumer_group_offsets",
    "delete_consumer_groups",
    "describe_consumer_groups",
    "list_consumer_group_offsets",
)


def test_a_broker_that_is_away_is_said_to_be_as_often_as_it_is_asked_and_the_reader_can_be_closed() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        reader = ClusterReader(KafkaSettings(bootstrap=f"127.0.0.1:{nobody.getsockname()[1]}", plaintext=True))
        for ask in (reader.topics, reader.described, reader.committed):
            with pytest.raises(Temporary) as failure:
                ask(["triage.normal"])
            assert failure.value.code == "kafka.away"
        reader.close()


def test_who_was_never_asked_can_be_closed() -> None:
    ClusterReader(KafkaSettings(bootstrap="127.0.0.1:1", plaintext=True)).close()


def test_a_group_has_what_any_of_its_members_has() -> None:
    found = GroupFound(state="Stable", members=(frozenset({("a", 0)}), frozenset(), frozenset({("a", 1), ("b", 0)})))
    assert found.shares == {("a", 0), ("a", 1), ("b", 0)}
    assert GroupFound(state="Empty", members=()).shares == frozenset()


def test_no_program_of_ours_asks_who_keeps_a_group_through_the_client_that_ends_the_process() -> None:
    asking = {
        path.name
        for package in (consumers, processors, producers, tocsin)
        for path in Path(package.__path__[0]).rglob("*.py")
        if any(f".{question}(" in path.read_text() for question in ASKS_WHO_KEEPS_A_GROUP)
    }
    assert asking == {"cluster.py"}
