"""The last look at the broker as metrics, under the names that kafka_exporter gave them."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tocsin.runtime.families import LAGS, Family
from tocsin.runtime.lag.backlog import Backlog, Place, Snapshot

_STALE_MS: Final = 60_000
"""Older figures are not shown: a lag that nobody reads any more would look like one that stands still."""
Row = tuple[tuple[str, ...], float]


class LagCollector(Collector):
    """Costs the broker nothing at a scrape; seconds are those of the scrape, not of the look."""

    def __init__(self, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._now_ms = now_ms
        self._snapshot: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """What is served from now on."""
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Every family, without series where nothing recent is known."""
        snapshot, now_ms = self._snapshot, self._now_ms()
        fresh = snapshot if snapshot is not None and now_ms - snapshot.at_ms <= _STALE_MS else None
        for family in LAGS:
            metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
            for labels, value in _bounded(family, _ROWS[family.name](fresh, now_ms)) if fresh else ():
                metric.add_metric(labels, value)
            yield metric


def seconds_behind(backlog: Backlog, now_ms: int) -> float:
    """For how long the first unread record has waited; 0 where there is none."""
    return max(0, now_ms - backlog.oldest_ms) / 1000 if backlog.oldest_ms else 0.0


def _bounded(family: Family, rows: Iterator[Row]) -> list[Row]:
    """Where there are more than the cap, the largest: who is behind is what is looked for."""
    found = list(rows)
    return found if len(found) <= family.most_series else sorted(found, key=lambda row: -row[1])[: family.most_series]


def _at(place: Place) -> tuple[str, str]:
    return place.topic, str(place.partition)


def _of(backlog: Backlog) -> tuple[str, str, str]:
    return backlog.group, *_at(backlog.place)


_ROWS: Final[dict[str, Callable[[Snapshot, int], Iterator[Row]]]] = {
    "kafka_topic_partition_oldest_offset": lambda seen, _: ((_at(at), offset) for at, offset in seen.starts.items()),
    "kafka_topic_partition_current_offset": lambda seen, _: ((_at(at), offset) for at, offset in seen.ends.items()),
    "kafka_consumergroup_members": lambda seen, _: (((group.name,), group.members) for group in seen.groups),
    "kafka_consumergroup_current_offset": lambda seen, _: (
        (_of(one), one.position) for one in seen.backlogs if one.position is not None
    ),
    "kafka_consumergroup_lag": lambda seen, _: ((_of(one), one.records) for one in seen.backlogs),
    "kafka_consumergroup_lag_seconds": lambda seen, now_ms: (
        (_of(one), seconds_behind(one, now_ms)) for one in seen.backlogs
    ),
}
