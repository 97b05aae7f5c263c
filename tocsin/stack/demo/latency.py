"""How long an urgent report takes to its first referral, by the broker's own clock on both topics."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from schemas.failures import Temporary

_ASK_SECONDS: Final = 10.0
_BATCH: Final = 1_000
_MOST_KEPT: Final = 100_000


class UrgentLatency:
    """Reads urgent reports and urgent referrals from now on; both have the report's id as key."""

    def __init__(self, client: dict[str, Any], topics: Iterable[str]) -> None:
        self._reported_ms: dict[bytes, int] = {}
        self._referred_ms: dict[bytes, int] = {}
        self._consumer = Consumer(client | {"group.id": "ops.demo", "enable.auto.commit": False})
        self._consumer.assign([TopicPartition(*place) for place in self._ends(topics)])

    def look(self) -> None:
        """Take in what came since the last look, without waiting."""
        while messages := self._consumer.consume(_BATCH, timeout=0.0):
            for message in messages:
                self._take(message)

    def p99_seconds(self) -> float | None:
        """The 99th percentile of all so far; None before the first."""
        return percentile(self._seconds(), 0.99)

    def figures(self) -> tuple[int, float | None, float | None]:
        """How many were measured, their median and their 99th percentile."""
        seconds = self._seconds()
        return len(seconds), percentile(seconds, 0.5), percentile(seconds, 0.99)

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def _seconds(self) -> list[float]:
        both = self._reported_ms.keys() & self._referred_ms.keys()
        return [max(0, self._referred_ms[key] - self._reported_ms[key]) / 1000 for key in both]

    def _take(self, message: Message) -> None:
        key, (_, at_ms) = message.key(), message.timestamp()
        if message.error() or not isinstance(key, bytes) or len(self._reported_ms) >= _MOST_KEPT:
            return
        if (message.topic() or "").startswith("reports."):
            self._reported_ms.setdefault(key, at_ms)
        else:
            self._referred_ms.setdefault(key, at_ms)

    def _ends(self, topics: Iterable[str]) -> list[tuple[str, int, int]]:
        try:
            known = self._consumer.list_topics(timeout=_ASK_SECONDS).topics
            places = [(topic, number) for topic in topics for number in known[topic].partitions]
            return [(*place, self._end(*place)) for place in places]
        except KafkaException as error:
            raise Temporary("The broker does not answer. Check: tocsin status", code="kafka.away") from error

    def _end(self, topic: str, partition: int) -> int:
        _, end = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_ASK_SECONDS)
        return int(end)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that is at least as large as that share of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
