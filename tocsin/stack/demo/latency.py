"""How long an urgent report takes to its first referral, by the broker's own clock on both topics."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from schemas.failures import Temporary
from schemas.headers import read_headers
from schemas.records.identifiers import MemberId, ReportId, referral_id_of
from schemas.topics import escalated_topic, urgent_topic
from tocsin.policy.members import Member

_ASK_SECONDS: Final = 10.0
_BATCH: Final = 1_000
_MOST_KEPT: Final = 100_000
_FIRST_REVISION: Final = 1


class UrgentLatency:
    """Reads urgent reports and urgent referrals from now on.

    A referral's id follows from its report and stands in its headers, so nothing is decoded; first revisions only.
    """

    def __init__(self, client: dict[str, Any], submitters: Iterable[MemberId], recipients: Iterable[Member]) -> None:
        self._reported_ms: dict[str, int] = {}
        self._referred_ms: dict[str, int] = {}
        self._recipients = tuple(member.id for member in recipients)
        topics = [escalated_topic(member) for member in submitters]
        topics += [urgent_topic(member.jurisdiction, member.id) for member in recipients]
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
        found = ((at_ms, self._first_referral_ms(ReportId(report))) for report, at_ms in self._reported_ms.items())
        return [max(0, first_ms - at_ms) / 1000 for at_ms, first_ms in found if first_ms is not None]

    def _first_referral_ms(self, report: ReportId) -> int | None:
        ids = (referral_id_of(report, _FIRST_REVISION, recipient) for recipient in self._recipients)
        return min((self._referred_ms[name] for name in ids if name in self._referred_ms), default=None)

    def _take(self, message: Message) -> None:
        if message.error() or len(self._reported_ms) >= _MOST_KEPT:
            return
        is_report = (message.topic() or "").startswith("reports.")
        name, (_, at_ms) = _report_of(message) if is_report else _event_of(message), message.timestamp()
        if name:
            (self._reported_ms if is_report else self._referred_ms).setdefault(name, at_ms)

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


def _report_of(message: Message) -> str:
    key = message.key()
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else ""


def _event_of(message: Message) -> str:
    """Of a referral its own id: its key is its report's (ADR 58)."""
    headers: Any = message.headers()
    return read_headers(headers).event_id


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that is at least as large as that share of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
