"""Sends the Returns that the store owes, and confirms those that the broker has acknowledged."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from consumers.store import outbox
from consumers.store.engine import DeliveryStore
from schemas.failures import Refused, Temporary
from schemas.records.answers import Return
from schemas.topics import returns_topic
from tocsin.runtime.client_statistics import statistics
from tocsin.runtime.envelope import Envelope
from tocsin.runtime.logs import Facts, client_log, tell_outcomes
from tocsin.runtime.metrics import record_left, timed

BATCH = 500
_STAGE = "returns_sent"
_SEND_SECONDS = 8
_REST_MS = 10_000
_LOG = logging.getLogger(__name__)


class Post:
    """At least once: a crash between sending and confirming sends the same `return_id` again.

    Without a key that may sign now (all are revoked, or the clock is wrong) Returns wait, and referrals go on.
    """

    def __init__(
        self,
        store: DeliveryStore,
        client: Mapping[str, Any],
        envelope: Envelope,
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._envelope = envelope
        self._topic = returns_topic(envelope.member)
        self._now_ms = now_ms
        self._rest_until_ms = 0
        self._settings = (
            dict(client)
            | client_log()
            | statistics("post")
            | {
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 1,
                "delivery.timeout.ms": _SEND_SECONDS * 1000,
                "compression.type": "gzip",  # which every reader can open without another library
            }
        )
        self._producer = Producer(self._settings)

    def turn(self) -> int:
        """Send what is owed; tells how many Returns were confirmed. While the broker is away it rests between tries."""
        self._producer.poll(0)  # what it says of itself would pile up while nothing is owed
        if 0 < self._rest_until_ms - self._now_ms() <= _REST_MS:  # further ahead is from a clock that was wrong
            return 0
        with self._store.begin() as connection:
            owed = outbox.owed(connection, BATCH)
        if not owed:
            return 0
        with timed(_STAGE):
            confirmed = self._send(owed)
            with self._store.begin() as connection:
                outbox.confirm(connection, confirmed, self._now_ms())
        record_left(_STAGE, "confirmed", len(confirmed))
        known = frozenset(confirmed)
        tell_outcomes(_LOG, _STAGE, (_told(answer) for answer in owed if answer.return_id in known))
        if len(confirmed) < len(owed):
            self._rest_until_ms = self._now_ms() + _REST_MS
        return len(confirmed)

    def close(self) -> None:
        """Give what is under way a last moment."""
        self._producer.flush(_SEND_SECONDS)

    def _send(self, owed: list[Return]) -> list[str]:
        """The ids that the broker has acknowledged; a producer that cannot go on is replaced by a fresh one."""
        confirmed: list[str] = []
        try:
            for answer in owed:
                self._produce(answer, confirmed)
        except KafkaException as error:
            self._producer = Producer(self._settings)
            self._rest_until_ms = self._now_ms() + _REST_MS
            raise Temporary(
                f"The broker does not take this member's Returns ({error.args[0].name()}). They wait in the store. "
                "Check access rules and certificate: tocsin doctor",
                code="returns.away",
            ) from error
        self._producer.flush(_SEND_SECONDS + 2)
        return confirmed

    def _produce(self, answer: Return, confirmed: list[str]) -> None:
        try:
            wrapped = self._envelope.wrap(answer, answer.return_id, answer.at.epoch_ms)
        except Refused as failure:
            self._rest_until_ms = self._now_ms() + _REST_MS
            raise Temporary(str(failure), code=failure.code) from failure
        self._producer.produce(
            self._topic,
            key=answer.referral_id.encode(),
            value=wrapped.value,
            headers=dict(wrapped.headers),
            on_delivery=partial(_note, answer.return_id, confirmed),
        )


def _told(answer: Return) -> Facts:
    """The broker has it: of which report, and what kind of answer it is."""
    said = answer.kind.lower()
    return {"outcome": "confirmed", "said": said, "report_id": answer.report_id, "revision": answer.revision}


def _note(return_id: str, confirmed: list[str], error: KafkaError | None, _: Message) -> None:
    if error is None:
        confirmed.append(return_id)
    else:
        _LOG.warning("A Return waits for the broker.", extra={"facts": {"code": error.name()}})
