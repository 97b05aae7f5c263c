"""What a worker looks after at the broker: that its topics are the same, and that each partition has a reader."""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from schemas.failures import Broken, Temporary
from tocsin.runtime.health import Health
from tocsin.runtime.transport.application import SliceApp
from tocsin.runtime.transport.cluster import STABLE, ClusterReader, TopicFound, misdealt

log = logging.getLogger(__name__)

BROKER: Final = "broker"
PARTITIONS: Final = "partitions"
"""A partition that nobody of the group has is read by nobody, and the group gives no sign of it."""
_STALE_SECONDS: Final = 30.0
_MISDEALT_SECONDS: Final = 60.0
_WATCH_SECONDS: Final = 5.0
_DEAL_SECONDS: Final = 20.0
"""How long a group may take to be dealt out anew, before it is asked for again."""


class TopicWatch:
    """Looks every few seconds, in a thread of its own; `start` is called in the loop of the app."""

    def __init__(self, app: SliceApp, group: str, cluster: ClusterReader, health: Health) -> None:
        self._app, self._group, self._cluster, self._health = app, group, cluster, health
        self._asked_seconds = -math.inf
        health.expect(BROKER, _STALE_SECONDS)
        health.expect(PARTITIONS, _MISDEALT_SECONDS)

    def start(self) -> None:
        """From now on."""
        threading.Thread(target=self._watch, args=(asyncio.get_running_loop(),), daemon=True).start()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._app.should_stop:
            try:
                self._look(lambda: self._deal_anew(loop))
            except Temporary:
                log.warning("the broker does not answer; waiting")
            except Broken as failure:
                self._app.halt(failure)
            time.sleep(_WATCH_SECONDS)

    def _look(self, deal_anew: Callable[[], None]) -> None:
        found = self._cluster.topics(self._app.topic_ids)
        require_same(self._app.topic_ids, found)
        self._health.beat(BROKER, time.monotonic())
        group = self._cluster.described([self._group]).get(self._group)
        if group is None or group.state != STABLE or self._app.consumer_generation_id <= 0:
            return
        if not (wrong := misdealt(found, group.shares)):
            self._health.beat(PARTITIONS, time.monotonic())
        elif time.monotonic() - self._asked_seconds > _DEAL_SECONDS:
            self._asked_seconds = time.monotonic()
            log.warning("partitions came or went: asking for new shares", extra={"facts": {"partitions": wrong}})
            deal_anew()

    def _deal_anew(self, loop: asyncio.AbstractEventLoop) -> None:
        asking = asyncio.run_coroutine_threadsafe(self._app.deal_anew(), loop)
        try:
            asking.result(_DEAL_SECONDS)
        except TimeoutError:
            asking.cancel()
            log.warning("the group was not asked for new shares in time; it is asked again")


def require_same(expected: Mapping[str, str], found: Mapping[str, TopicFound]) -> None:
    """A topic deleted and created again under a running worker gives no error anywhere else; raises Broken."""
    changed = sorted(name for name, topic_id in expected.items() if found[name].topic_id != topic_id)
    if changed:
        raise Broken(f"Topic {changed[0]} was deleted and created again.", code="transport.topic_recreated")
