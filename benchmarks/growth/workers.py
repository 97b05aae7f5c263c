"""Workers of one lane, 1 to 4, on a topic of eight partitions: what another process adds on this many cores."""

from collections.abc import Iterator, Sequence
from typing import Final

from confluent_kafka.admin import AdminClient, NewPartitions

from benchmarks.growth.points import Point, Say, Size, measured
from benchmarks.peers.job import INPUT
from benchmarks.world import a_world

COUNTS: Final[Sequence[int]] = (1, 2, 4)
_PARTITIONS: Final = 8
_WAIT_SECONDS: Final = 30.0


def curve(size: Size, say: Say) -> Iterator[Point]:
    """The same backlog for each point; workers share its partitions."""
    with a_world() as world:
        admin = AdminClient(world.stack.client("ops"))
        admin.create_partitions([NewPartitions(INPUT, _PARTITIONS)])[INPUT].result(_WAIT_SECONDS)
        world.fill(size.reports)
        for count in COUNTS:
            say(f"{count} workers")
            yield measured(world, size, count, world.forget, workers=count)
