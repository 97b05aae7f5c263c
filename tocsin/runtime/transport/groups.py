"""What the broker says of groups of readers, asked in a way that outlives whoever keeps the group (ADR 0062).

librdkafka ends the whole process where such a question is open while the broker that keeps the group goes away.
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
    KafkaError,
    NotCoordinatorForGroupError,
    TopicAuthorizationFailedError,
    for_code,
)
from msgspec import Struct

from schemas.failures import Broken, Temporary
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.tls import showing

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

Where = tuple[str, int]
"""Topic and partition."""
T = TypeVar("T")


class GroupFound(Struct, frozen=True, kw_only=True):
    """One group as it is now."""

    state: str
    members: tuple[frozenset[Where], ...]
    """What each has."""

    @property
    def shares(self) -> frozenset[Where]:
        """Every partition that somebody of it has."""
        return frozenset().union(*self.members)


class GroupReader:
    """Connects when it is first asked, and anew after each failure; no event loop runs but during a call."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._loop = asyncio.Runner()
        self._client: AIOKafkaAdminClient | None = None

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
        except (GroupAuthorizationFailedError, TopicAuthorizationFailedError) as error:
            self._loop.run(self._leave())
            raise Broken("A group may not be looked at. Compare: tocsin acl plan", code="kafka.topics") from error
        except (KafkaError, OSError, TimeoutError) as error:
            self._loop.run(self._leave())
            raise Temporary("The broker does not answer. Check: tocsin status", code="kafka.away") from error

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


def _require(error_code: int) -> None:
    if error_code:
        raise for_code(error_code)()


def _shares(assignment: bytes) -> Iterable[Where]:
    """Of one member; it has none while they are dealt out."""
    if not assignment:
        return ()
    dealt = ConsumerProtocolMemberAssignment.decode(assignment).assignment
    return ((topic, partition) for topic, partitions in dealt for partition in partitions)
