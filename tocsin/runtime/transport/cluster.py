"""What brokers say of topics and of groups of readers, asked in a way that outlives brokers (ADR 0062).

Where such a question is open while brokers go away, librdkafka keeps two processors busy, or ends the whole process.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final, TypeVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    GroupIdNotFound,
    GroupLoadInProgressError,
    InvalidTopicError,
    KafkaError,
    NotCoordinatorForGroupError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from msgspec import Struct

from schemas.failures import Broken, Temporary
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.tls import showing
from tocsin.runtime.transport.metadata import TopicsByName, topics_of

ASK_SECONDS: Final = 10.0
"""How long the broker may take to answer."""
STABLE: Final = "Stable"
_MS: Final = 1000
_UNSETTLED: Final = (
    GroupCoordinatorNotAvailableError,
    GroupIdNotFound,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
"""Whoever keeps the group changes, begins, or has not met it yet: it cannot be described just now."""
_FINAL: Final = (
    GroupAuthorizationFailedError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

Where = tuple[str, int]
"""Topic and partition."""
T = TypeVar("T")


class TopicFound(Struct, frozen=True):
    """One topic as it is now."""

    topic_id: str
    """Given when it was created: one that was deleted and made anew has another."""
    partitions: int


class GroupFound(Struct, frozen=True, kw_only=True):
    """One group as it is now."""

    state: str
    members: tuple[frozenset[Where], ...]
    """What each has."""

    @property
    def shares(self) -> frozenset[Where]:
        """Every partition that somebody of it has."""
        return frozenset().union(*self.members)


class ClusterReader:
    """Connects when it is first asked, and anew after each failure; no event loop runs but during a call."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._loop = asyncio.Runner()
        self._client: AIOKafkaAdminClient | None = None

    def topics(self, names: Iterable[str]) -> Mapping[str, TopicFound]:
        """Each topic as the brokers know it; raises as `described`, and Broken where one is missing."""
        return self._asked(self._topics(list(names))) or {}

    def described(self, names: Iterable[str]) -> Mapping[str, GroupFound]:
        """Those of them that can be described just now.

        Raises Temporary where the broker does not answer, Broken where it may not be asked.
        """
        return self._each(names, self._described)

    def committed(self, names: Iterable[str]) -> Mapping[str, Mapping[Where, int]]:
        """How far each came: the offset that it reads next, where it kept one; raises as `described`."""
        return self._each(names, self._committed)

    def close(self) -> None:
        """Let go of the connections."""
        with self._loop:
            self._loop.run(self._leave())

    def _each(self, names: Iterable[str], ask: Callable[[str], Coroutine[Any, Any, T]]) -> Mapping[str, T]:
        return {name: found for name in names if (found := self._asked(ask(name))) is not None}

    def _asked(self, question: Coroutine[Any, Any, T]) -> T | None:
        try:
            return self._loop.run(asyncio.wait_for(question, ASK_SECONDS))
        except _UNSETTLED:
            return None
        except (KafkaError, OSError, TimeoutError) as error:
            self._loop.run(self._leave())
            raise trouble_with(error) from error

    async def _topics(self, names: list[str]) -> Mapping[str, TopicFound]:
        client = await self._connected()
        found = topics_of(await client._send_request(TopicsByName(names)))
        for error_code, *_ in found:
            _require(error_code)
        return {name: TopicFound(topic_id, partitions) for _, name, topic_id, partitions in found}

    async def _described(self, name: str) -> GroupFound:
        (answer,) = await (await self._connected()).describe_consumer_groups([name])
        ((error_code, _, state, _, _, members, *_),) = answer.groups
        _require(error_code)
        return GroupFound(state=state, members=tuple(frozenset(_shares(member[-1])) for member in members))

    async def _committed(self, name: str) -> Mapping[Where, int]:
        places = await (await self._connected()).list_consumer_group_offsets(name)
        return {(place.topic, place.partition): found.offset for place, found in places.items() if found.offset >= 0}

    async def _connected(self) -> AIOKafkaAdminClient:
        if self._client is None:
            context = showing(self._kafka)
            self._client = AIOKafkaAdminClient(
                bootstrap_servers=self._kafka.bootstrap.split(","),
                security_protocol="SSL" if context else "PLAINTEXT",
                ssl_context=context,
                request_timeout_ms=int(ASK_SECONDS * _MS),
            )
            await self._client.start()
        return self._client

    async def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def trouble_with(error: Exception) -> Temporary | Broken:
    """An answer that never came says nothing of topics; one that is final does."""
    if isinstance(error, _FINAL):
        return Broken(
            f"A topic or group is missing or may not be read ({type(error).__name__}). Compare: tocsin acl plan",
            code="kafka.topics",
        )
    return Temporary("The broker does not answer. Check: tocsin status", code="kafka.away")


def topic_ids_of(kafka: KafkaSettings, topics: Iterable[str]) -> Mapping[str, str]:
    """The id that each topic was given when it was created, for who asks once; raises as `ClusterReader.topics`."""
    reader = ClusterReader(kafka)
    try:
        return {name: found.topic_id for name, found in reader.topics(topics).items()}
    finally:
        reader.close()


def misdealt(found: Mapping[str, TopicFound], shares: frozenset[Where]) -> tuple[str, ...]:
    """Partitions of these topics that nobody has, and such that somebody has and that are gone; as `topic[3]`."""
    there = {(name, number) for name, topic in found.items() for number in range(topic.partitions)}
    dealt = {(topic, number) for topic, number in shares if topic in found}
    return tuple(f"{topic}[{number}]" for topic, number in sorted(there ^ dealt))


def _require(error_code: int) -> None:
    if error_code:
        raise for_code(error_code)()


def _shares(assignment: bytes) -> Iterable[Where]:
    """Of one member; it has none while they are dealt out."""
    if not assignment:
        return ()
    dealt = ConsumerProtocolMemberAssignment.decode(assignment).assignment
    return ((topic, partition) for topic, partitions in dealt for partition in partitions)
