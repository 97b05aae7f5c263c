"""The administrator's client as a source of offsets: it may describe, and can read no record."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from schemas.failures import Temporary
from tocsin.runtime.families import LABELS
from tocsin.runtime.lag.backlog import Found, Group, Place
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.transport.cluster import ClusterReader, GroupFound

_ASK_SECONDS: Final = 10.0
_GONE: Final = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED})
"""What went away between two questions, or is not ours to see, is no failure."""
_OURS: Final = re.compile(LABELS["consumergroup"])
"""Groups that keep positions; a member may call others of its own whatever it likes, and nobody serves those names."""
_NOTHING: Final = -1
_EARLIEST: Final[OffsetSpec] = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # the client has no annotation here
_LATEST: Final[OffsetSpec] = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # as above
Answer = TypeVar("Answer")
Key = TypeVar("Key")


class KafkaOffsets:
    """Every question is bounded in time."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._admin = AdminClient(kafka.client() | {"log_level": 0})  # what is wrong is logged by who asks, once
        self._reader = ClusterReader(kafka)

    def groups(self) -> Sequence[Group]:
        """Every group that this principal may describe, with committed and assigned partitions."""
        return _translated(lambda: tuple(self._groups()))

    def starts(self) -> Mapping[Place, int]:
        """The first offset of every partition that this principal may describe."""
        return _translated(lambda: self._listed(self._places(), _EARLIEST))

    def ends(self, places: Iterable[Place]) -> Mapping[Place, int]:
        """The offset that the next record will have."""
        return _translated(lambda: self._listed(places, _LATEST))

    def since(self, times_ms: Mapping[Place, int]) -> Mapping[Place, Found | None]:
        """The first record at or after a time."""
        asked = {place: OffsetSpec.for_timestamp(at_ms) for place, at_ms in times_ms.items()}
        return _translated(
            lambda: {
                place: None if found.offset == _NOTHING else Found(offset=found.offset, at_ms=found.timestamp)
                for place, found in self._answers(asked)
            }
        )

    def _groups(self) -> Iterator[Group]:
        listed = self._admin.list_consumer_groups(request_timeout=_ASK_SECONDS).result()
        if listed.errors:
            raise listed.errors[0]
        names = sorted(group.group_id for group in listed.valid if _OURS.fullmatch(group.group_id))
        described = self._reader.described(names)
        committed = self._reader.committed(described)
        for name in committed:
            yield group_of(name, described[name], committed[name])

    def _places(self) -> list[Place]:
        topics = self._admin.list_topics(timeout=_ASK_SECONDS).topics
        return [
            Place(name, partition)
            for name, topic in topics.items()
            if not name.startswith("__")
            for partition in topic.partitions
        ]

    def _listed(self, places: Iterable[Place], which: OffsetSpec) -> dict[Place, int]:
        return {place: found.offset for place, found in self._answers(dict.fromkeys(places, which))}

    def _answers(self, asked: dict[Place, OffsetSpec]) -> Iterator[tuple[Place, Any]]:
        if asked:
            wanted = {TopicPartition(*place): spec for place, spec in asked.items()}
            answers = self._admin.list_offsets(wanted, request_timeout=_ASK_SECONDS)
            yield from _there({Place(one.topic, one.partition): future for one, future in answers.items()})


def group_of(name: str, found: GroupFound, committed: Mapping[tuple[str, int], int]) -> Group:
    """Where it is in each partition that it has or had; None where it has one and kept no position."""
    positions: dict[Place, int | None] = {Place(*where): None for where in found.shares}
    positions |= {Place(*where): offset for where, offset in committed.items()}
    return Group(name=name, members=len(found.members), positions=positions)


def _there(futures: Mapping[Key, "Future[Any]"]) -> Iterator[tuple[Key, Any]]:
    for key, future in futures.items():
        try:
            yield key, future.result()
        except KafkaException as error:
            if error.args[0].code() not in _GONE:
                raise


def _translated(ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except KafkaException as error:
        raise Temporary(
            f"The broker did not say how far its groups are ({error.args[0].name()}). Check: tocsin doctor",
            code="kafka.away",
        ) from error
