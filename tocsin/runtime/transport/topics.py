"""What the broker says of topics."""

from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from msgspec import Struct

from schemas.failures import Broken, Temporary
from tocsin.runtime.settings import KafkaSettings

_ADMIN_SECONDS: Final = 30
_UNANSWERED: Final = frozenset({KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN})


class TopicFound(Struct, frozen=True):
    """One topic as it is now."""

    topic_id: str
    """Given when it was created: one that was deleted and made anew has another."""
    partitions: int


def ids_of_topics(admin: AdminClient, topics: Sequence[str]) -> Mapping[str, str]:
    """The id that the broker gave each topic when it was created; raises Broken where one is missing."""
    return {name: found.topic_id for name, found in topics_found(admin, topics).items()}


def topic_ids_of(kafka: KafkaSettings, topics: Sequence[str]) -> Mapping[str, str]:
    """The same, for who has no administrator's client."""
    return ids_of_topics(AdminClient(kafka.client()), topics)


def topics_found(admin: AdminClient, topics: Sequence[str]) -> Mapping[str, TopicFound]:
    """Each topic as the broker knows it; raises Broken where one is missing."""
    answers = admin.describe_topics(TopicCollection(list(topics)), request_timeout=_ADMIN_SECONDS)
    try:
        described = {name: future.result() for name, future in answers.items()}
    except KafkaException as error:
        raise trouble_with_topics(error.args[0]) from error
    return {name: TopicFound(str(one.topic_id), len(one.partitions)) for name, one in described.items()}


def misdealt(found: Mapping[str, TopicFound], shares: frozenset[tuple[str, int]]) -> tuple[str, ...]:
    """Partitions of these topics that nobody has, and such that somebody has and that are gone; as `topic[3]`."""
    there = {(name, number) for name, topic in found.items() for number in range(topic.partitions)}
    dealt = {(topic, number) for topic, number in shares if topic in found}
    return tuple(f"{topic}[{number}]" for topic, number in sorted(there ^ dealt))


def trouble_with_topics(error: KafkaError) -> Temporary | Broken:
    """The client calls an answer that never came final; it says nothing about topics."""
    if error.retriable() or error.code() in _UNANSWERED:
        return Temporary("The broker does not answer. Check: tocsin status", code="kafka.away")
    return Broken(
        f"A topic is missing or may not be read ({error.name()}). Compare: tocsin acl plan", code="kafka.topics"
    )
