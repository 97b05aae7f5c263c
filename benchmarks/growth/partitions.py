"""Partitions of a member's topic, 1 to 16, with one worker: what a topic made wide in advance costs."""

import time
from collections.abc import Iterator, Sequence
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from benchmarks.growth.points import Point, Say, Size, measured
from benchmarks.peers.job import INPUT
from benchmarks.world import a_world

COUNTS: Final[Sequence[int]] = (1, 2, 4, 8, 16)
_WAIT_SECONDS: Final = 30.0


def curve(size: Size, say: Say) -> Iterator[Point]:
    """The topic is made anew for each point, and filled with the same reports."""
    with a_world() as world:
        admin = AdminClient(world.stack.client("ops"))
        for count in COUNTS:
            say(f"{count} partitions")
            _make_anew(admin, count)
            world.fill(size.reports)
            yield measured(world, size, count, world.forget)


def _make_anew(admin: AdminClient, partitions: int) -> None:
    admin.delete_topics([INPUT])[INPUT].result(_WAIT_SECONDS)
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            admin.create_topics([NewTopic(INPUT, partitions)])[INPUT].result(_WAIT_SECONDS)
        except KafkaException:  # its name is free a moment after it was deleted
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
