"""What five SIGKILLs lose and repeat: the reports that went in beside the decisions that a committed reader finds."""

import random
import time
from collections import Counter
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition
from msgspec import Struct

from benchmarks.measuring import await_done, started
from benchmarks.peers.venvs import command
from benchmarks.world import World
from schemas.topics import TRIAGED

KILLS: Final = 5
_STILL_SECONDS: Final = 25.0
"""Above the session, the longest that a dead process keeps its partitions."""
_LOOK_SECONDS: Final = 0.1
_SEED: Final = 7
_LATEST_SECONDS: Final = 2.0
"""Above the time that any peer takes for a slice of its own: it is met wherever in its work it is."""


class Kills(Struct, frozen=True, kw_only=True):
    """What came out of a run with kills in it."""

    reports: int
    kills: int
    missing: int
    duplicates: int
    """Decisions beyond the first of each report, before anybody's inbox drops what it has."""


def kills(world: World, peer: str, count: int) -> Kills:
    """Kill the peer at a random moment after each sixth, then let it finish.

    A look at the ledger answers right after a settlement, when a peer without overlapping slices has nothing in hand:
    the moment is drawn anew, the same for every peer.
    """
    moments = random.Random(_SEED)  # noqa: S311 -- not for secrets
    world.forget()
    before = world.ends(TRIAGED)
    words = command(peer, world.home, f"triage.kill-{peer}-{int(time.time())}")
    log = world.home / "logs" / f"kill-{peer}.log"
    for number in range(1, KILLS + 1):
        with started(words, log) as child:  # leaving it is a SIGKILL
            await_done(child, number * count // (KILLS + 1), world.settled)
            time.sleep(moments.uniform(0, _LATEST_SECONDS))
    with started(words, log):
        _until_still(world, count)
    found = _decided(world, {part: end for part, (_, end) in before.items()})
    return judged(count, found)


def judged(count: int, found: Counter[bytes]) -> Kills:
    """Decisions by report, beside how many reports there were."""
    return Kills(reports=count, kills=KILLS, missing=count - len(found), duplicates=sum(found.values()) - len(found))


def _until_still(world: World, count: int) -> None:
    """Until everything is settled, or nothing has been for a while: a peer that lost a record never gets there."""
    done, since = world.settled(), time.monotonic()
    while done < count and time.monotonic() - since < _STILL_SECONDS:
        time.sleep(_LOOK_SECONDS)
        now = world.settled()
        if now != done:
            done, since = now, time.monotonic()
    time.sleep(1.0)  # a transaction that settled is committed a moment later


def _decided(world: World, starts: dict[int, int]) -> Counter[bytes]:
    """How often each report was decided on, since `starts`."""
    consumer = Consumer(world.stack.client("ops") | _READER)
    consumer.assign([TopicPartition(TRIAGED, part, offset) for part, offset in starts.items()])
    found: Counter[bytes] = Counter()
    waiting = set(starts)
    while waiting:
        message = consumer.poll(10.0)
        if message is None:
            break
        if message.error() is not None:
            waiting.discard(message.partition() or 0)
        else:
            found[message.key() or b""] += 1
    consumer.close()
    return found


_READER: Final[dict[str, Any]] = {
    "group.id": "ops.bench-kills",
    "enable.auto.commit": False,
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
}
