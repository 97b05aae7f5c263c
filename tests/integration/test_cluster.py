"""Who reads what, and how far they came, as the real broker says it to the lag exporter, to workers and to `doctor`."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from schemas.failures import Broken
from tests.builders.waiting import until
from tocsin.runtime.settings import load
from tocsin.runtime.transport.cluster import STABLE, ClusterReader, TopicFound

pytestmark = pytest.mark.stack
PARTITIONS = 3


@pytest.fixture
def topic(stack: Any) -> str:
    name = f"groups-{uuid.uuid4().hex[:8]}"
    admin = AdminClient(stack.client("ops"))
    until(lambda: admin.create_topics([NewTopic(name, PARTITIONS)])[name].exception(30) is None)
    return name


@pytest.fixture
def reader(stack: Any) -> Iterator[ClusterReader]:
    made = ClusterReader(load(stack.config("ops")).kafka)
    yield made
    made.close()


def test_a_topic_has_the_id_and_the_partitions_that_the_other_client_knows(
    stack: Any, topic: str, reader: ClusterReader
) -> None:
    admin = AdminClient(stack.client("ops"))
    described = admin.describe_topics(TopicCollection([topic]))[topic].result(30)
    assert reader.topics([topic]) == {topic: TopicFound(str(described.topic_id), PARTITIONS)}


def test_a_topic_that_is_missing_is_said_to_be(topic: str, reader: ClusterReader) -> None:
    with pytest.raises(Broken, match="UnknownTopicOrPartitionError"):
        reader.topics([topic, f"{topic}.none"])


def members_of(stack: Any, topic: str, count: int) -> list[Consumer]:
    config = stack.client("ops") | {"group.id": f"{topic}.group", "auto.offset.reset": "earliest"}
    joined = [Consumer(config | {"enable.auto.commit": False}) for _ in range(count)]
    for one in joined:
        one.subscribe([topic])
    until(lambda: min(map(partitions_of, joined)))
    return joined


def partitions_of(member: Consumer) -> int:
    """How many it has, once it has heard what there is to hear."""
    member.poll(0.1)
    return len(member.assignment())


def test_each_member_has_its_partitions_and_the_group_has_all(stack: Any, topic: str, reader: ClusterReader) -> None:
    joined = members_of(stack, topic, 2)
    found = reader.described([f"{topic}.group"])[f"{topic}.group"]
    had = {frozenset((place.topic, place.partition) for place in one.assignment()) for one in joined}
    for one in joined:
        one.close()
    assert (found.state, set(found.members)) == (STABLE, had)
    assert found.shares == {(topic, number) for number in range(PARTITIONS)}


def test_a_group_came_as_far_as_it_kept_and_nowhere_where_it_kept_nothing(
    stack: Any, topic: str, reader: ClusterReader
) -> None:
    producer = Producer(stack.client("ops"))
    producer.produce(topic, b"a record", partition=1)
    assert producer.flush(30) == 0
    group = f"{topic}.group"
    consumer = Consumer(stack.client("ops") | {"group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 1, 1)], asynchronous=False)
    consumer.close()
    assert reader.committed([group]) == {group: {(topic, 1): 1}}


def test_a_group_that_nobody_formed_has_no_members_and_came_nowhere(topic: str, reader: ClusterReader) -> None:
    assert [found.members for found in reader.described([f"{topic}.none"]).values()] == [()]
    assert reader.committed([f"{topic}.none"]) == {f"{topic}.none": {}}


def test_another_members_group_may_not_be_looked_at(stack: Any) -> None:
    reader = ClusterReader(load(stack.config("us-hotline")).kafka)
    with pytest.raises(Broken, match="tocsin acl plan"):
        reader.described(["nl-hotline.deliver"])
    reader.close()
