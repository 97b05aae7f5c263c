"""One broker or three: what belongs together, and how many copies there are of what is written."""

from pathlib import Path

from tocsin.stack.kafka import Cluster
from tocsin.stack.local import LocalStack, brokers_of

ALONE = Cluster(((9092, 9093),))
THREE = Cluster(((9092, 9093), (9094, 9095), (9096, 9097)))


def test_one_broker_has_one_copy_of_everything() -> None:
    assert set(ALONE.copies().values()) == {"1"}


def test_of_three_brokers_each_has_a_copy_and_two_must_have_it_before_it_counts() -> None:
    copies = THREE.copies()
    assert copies["default.replication.factor"] == copies["offsets.topic.replication.factor"] == "3"
    assert copies["min.insync.replicas"] == "2"
    assert copies.keys() == ALONE.copies().keys()


def test_clients_and_voters_know_each_of_them() -> None:
    assert THREE.bootstrap == "localhost:9092,localhost:9094,localhost:9096"
    assert THREE.voters == "1@127.0.0.1:9093,2@127.0.0.1:9095,3@127.0.0.1:9097"


def test_the_nodes_of_a_home_share_an_id_that_no_other_home_has(tmp_path: Path) -> None:
    assert THREE.id_in(tmp_path) == THREE.id_in(tmp_path) != THREE.id_in(tmp_path / "other")


def test_a_home_keeps_the_brokers_that_it_was_made_with(tmp_path: Path) -> None:
    assert brokers_of(tmp_path) == 1
    assert len(LocalStack(tmp_path / "three", brokers=3).brokers) == 3
    again = LocalStack(tmp_path / "three")
    assert [broker.name for broker in again.brokers] == ["kafka", "kafka-2", "kafka-3"]
    assert len(LocalStack(tmp_path / "one").brokers) == 1
