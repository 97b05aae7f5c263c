"""Records read from given places on, within the bounds of ADR 0040: for whoever reads what a member's client packed.

librdkafka unpacks a batch of gzip however large it becomes, and never gets past one of zstd that is too large for it.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from schemas.failures import Temporary
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.tls import showing
from tocsin.runtime.transport.slices import RawRecord
from tocsin.runtime.transport.unpacking import BATCH_BYTES, FETCH_BYTES, bound_fetches

WAIT_SECONDS: Final = 20.0
"""How long the broker may take to answer."""
_POLL_SECONDS: Final = 0.2
_IDLE_SECONDS: Final = 0.1
"""How long a request rests at a broker that has nothing new; a jump to another place may wait as long."""
_MS: Final = 1000

Where = tuple[str, int]
"""Topic and partition."""
T = TypeVar("T")


def bounded_client(kafka: KafkaSettings) -> AIOKafkaConsumer:
    """A client without a group, which commits nothing; to be made where its event loop runs."""
    bound_fetches()
    context = showing(kafka)
    return AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap.split(","),
        security_protocol="SSL" if context else "PLAINTEXT",
        ssl_context=context,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_bytes=FETCH_BYTES,
        fetch_max_wait_ms=int(_IDLE_SECONDS * _MS),
        max_partition_fetch_bytes=BATCH_BYTES,
        request_timeout_ms=int(WAIT_SECONDS * _MS),
    )


class BoundedReader:
    """Reads many partitions; connects when it first begins, and runs no event loop but during a call."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._loop = asyncio.Runner()
        self._client: AIOKafkaConsumer | None = None
        self.gone: set[Where] = set()
        """Partitions that retention overtook: nothing more is read from them."""

    def begin(self, starts: Mapping[Where, int]) -> None:
        """Read from these places on, and no others; raises Temporary where the broker does not answer."""
        self._run(self._begin({TopicPartition(*where): offset for where, offset in starts.items()}))

    def more(self, most: int) -> Mapping[Where, list[RawRecord]]:
        """The next records of one partition, in their order; nothing where none came for a moment.

        One partition at a time, so that what is unpacked at once does not grow with their number.
        """
        return self._run(self._more(most))

    def reached(self, ends: Mapping[Where, int]) -> set[Where]:
        """Those that were read up to their end, whether or not a record is left before it; nothing more comes there."""
        return self._run(self._reached(ends))

    def leave(self, wheres: Iterable[Where]) -> None:
        """Read nothing more there."""
        self._run(self._leave(wheres))

    def close(self) -> None:
        """Let go of the connections."""
        with self._loop:
            if self._client is not None:
                self._run(self._client.stop())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._loop.run(work)
        except (KafkaError, TimeoutError) as error:
            raise Temporary("The broker does not answer. Check: tocsin doctor", code="kafka.away") from error

    async def _begin(self, starts: Mapping[TopicPartition, int]) -> None:
        client = await self._connected()
        client.assign(list(starts))
        for partition, offset in starts.items():
            client.seek(partition, offset)

    async def _connected(self) -> AIOKafkaConsumer:
        if self._client is None:
            self._client = bounded_client(self._kafka)
            await asyncio.wait_for(self._client.start(), WAIT_SECONDS)
        return self._client

    async def _more(self, most: int) -> Mapping[Where, list[RawRecord]]:
        client = await self._connected()
        try:
            found = await client.getmany(timeout_ms=int(_POLL_SECONDS * _MS), max_records=1)
        except OffsetOutOfRangeError as error:
            await self._lost(error)
            return {}
        for partition, records in found.items():
            with suppress(OffsetOutOfRangeError):  # comes again
                if most > 1:
                    records.extend((await client.getmany(partition, max_records=most - 1)).get(partition, ()))
        return {(each.topic, each.partition): list(records) for each, records in found.items()}

    async def _lost(self, error: OffsetOutOfRangeError) -> None:
        lost = {(partition.topic, partition.partition) for partition in error.args[0]}
        self.gone |= lost
        await self._leave(lost)

    async def _reached(self, ends: Mapping[Where, int]) -> set[Where]:
        client = await self._connected()
        found = {where for where, end in ends.items() if await client.position(TopicPartition(*where)) >= end}
        await self._leave(found)
        return found

    async def _leave(self, wheres: Iterable[Where]) -> None:
        (await self._connected()).pause(*(TopicPartition(*where) for where in wheres))
