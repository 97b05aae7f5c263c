"""Sends what waits in the journal, and confirms there what the broker took; a crash in between sends it again."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from producers.journal import entries
from producers.journal.entries import Receipt, Waiting
from producers.journal.store import Journal
from schemas.catalogue import message
from schemas.failures import Broken, Failure, Temporary
from schemas.records.identifiers import MemberId
from tocsin.runtime.logs import Facts, tell_outcomes
from tocsin.runtime.metrics import failure_met, record_left, timed
from tocsin.runtime.settings import KafkaSettings

_LOG = logging.getLogger(__name__)
_STAGE: Final = "publish"
"""As the log calls it."""
_COUNTED: Final = "journal"
"""As metrics call it: what left the journal, how soon, and what kept it there."""
_PAGE: Final = 1_000
_POLL_SECONDS: Final = 0.1
_SETTLING_SECONDS: Final = 10.0
"""Access rules reach every part of a broker a little after they were made."""
_RETRY_SECONDS: Final = 0.5
_DENIED: Final = frozenset(
    {KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._AUTHENTICATION}
)


class Sender:
    """Sends page after page, each awaited and confirmed before the next; at least once, in the journal's order."""

    def __init__(self, kafka: KafkaSettings, journal: Journal, member: MemberId, now_ms: Callable[[], int]) -> None:
        self._kafka = kafka
        self._journal = journal
        self._member = member
        self._now_ms = now_ms

    def send(self, wait_seconds: float, confirmed: Callable[[int], None] = lambda count: None) -> int:
        """Send all that waits; tells how many. Raises Temporary where the broker is away, Broken where it refuses."""
        deadline = time.monotonic() + wait_seconds
        sent, after = 0, 0
        while page := self._waiting(after):
            self._send_page(page, deadline)
            after = page[-1].number
            sent += len(page)
            confirmed(len(page))
        return sent

    def _waiting(self, after: int) -> list[Waiting]:
        with self._journal.begin() as connection:
            return entries.waiting(connection, after, _PAGE)

    @timed(_COUNTED)
    def _send_page(self, page: Sequence[Waiting], deadline: float) -> None:
        """Try the page until all of it is confirmed; what was confirmed stays so whatever happens to the rest."""
        settled_by = min(deadline, time.monotonic() + _SETTLING_SECONDS)
        left = list(page)
        while True:
            attempt = _Attempt(self._kafka, deadline)
            attempt.send(left)
            self._confirm(attempt.receipts)
            done = [entry for entry in left if entry.number in attempt.receipts]
            record_left(_COUNTED, "confirmed", len(done))
            tell_outcomes(_LOG, _STAGE, (_confirmed(entry, attempt.receipts[entry.number]) for entry in done))
            left = [entry for entry in left if entry.number not in attempt.receipts]
            if not left:
                return
            failure = self._failure(attempt)
            if time.monotonic() >= (settled_by if isinstance(failure, Broken) else deadline):
                tell_outcomes(_LOG, _STAGE, ({**_named(entry), "outcome": "waiting"} for entry in left))
                failure_met(_COUNTED, failure)
                raise failure
            time.sleep(_RETRY_SECONDS)

    def _confirm(self, receipts: dict[int, Receipt]) -> None:
        with self._journal.begin() as connection:
            entries.confirm(connection, receipts.values(), self._now_ms())

    def _failure(self, attempt: "_Attempt") -> Failure:
        reason = attempt.reason.name() if attempt.reason else "no answer"
        if attempt.reason and attempt.reason.code() in _DENIED:
            return Broken(message("send.refused", member=self._member, reason=reason), code="send.refused")
        with self._journal.begin() as connection:
            left = entries.waiting_count(connection)
        return Temporary(
            message("send.away", seconds=round(attempt.seconds), reason=reason, waiting=left), code="send.away"
        )


class _Attempt:
    """One producer's try at some entries: an idempotent producer that failed must not be used again."""

    def __init__(self, kafka: KafkaSettings, deadline: float) -> None:
        self.receipts: dict[int, Receipt] = {}
        self.reason: KafkaError | None = None
        self.seconds = max(1.0, deadline - time.monotonic())
        self._open = 0
        self._producer = Producer(
            kafka.client()
            | {
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 2,
                "delivery.timeout.ms": int(self.seconds * 1000),
                "socket.connection.setup.timeout.ms": 5_000,
                "error_cb": self._failed,
                "log_level": 0,
            }
        )

    def send(self, page: Sequence[Waiting]) -> None:
        """Produce everything, and wait for the report on each."""
        for entry in page:
            self._produce(entry)
        while self._open and not self._is_denied():
            self._producer.poll(_POLL_SECONDS)
        self._producer.purge()
        self._producer.flush(_POLL_SECONDS)

    def _produce(self, entry: Waiting) -> None:
        def reported(error: KafkaError | None, record: Message) -> None:
            self._open -= 1
            if error is None:
                self.receipts[entry.number] = _receipt(entry, record)
            elif self.reason is None:
                self.reason = error

        headers: Any = list(entry.headers)
        try:
            self._producer.produce(
                entry.topic, key=entry.report_id, value=entry.value, headers=headers, on_delivery=reported
            )
        except KafkaException as error:
            self.reason = error.args[0]
        else:
            self._open += 1

    def _failed(self, error: KafkaError) -> None:
        """The client's own word on its connections; kept because a timeout alone says less."""
        if self.reason is None or error.code() in _DENIED:
            self.reason = error

    def _is_denied(self) -> bool:
        return self.reason is not None and (self.reason.code() in _DENIED or self.reason.fatal())


def _named(entry: Waiting) -> Facts:
    return {"report_id": entry.report_id, "topic": entry.topic}


def _confirmed(entry: Waiting, receipt: Receipt) -> Facts:
    return {**_named(entry), "outcome": "confirmed", "partition": receipt.partition, "offset": receipt.offset}


def _receipt(entry: Waiting, record: Message) -> Receipt:
    return Receipt(number=entry.number, partition=record.partition() or 0, offset=record.offset() or 0)
