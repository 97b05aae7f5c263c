"""Says on the member's returns topic that a person looks at its referrals, before anything is shown."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec.structs import replace

from schemas.catalogue import message
from schemas.failures import Refused, Temporary
from schemas.looking import refusal_of_reading
from schemas.records.answers import ReferralsRead
from schemas.topics import returns_topic
from tocsin.runtime.envelope import Envelope

_SEND_SECONDS: Final = 10


class Looking:
    """For one member."""

    def __init__(self, client: Mapping[str, Any], envelope: Envelope) -> None:
        self._client = dict(client) | {"enable.idempotence": True, "delivery.timeout.ms": _SEND_SECONDS * 1000}
        self._envelope = envelope

    def say(self, said: ReferralsRead) -> None:
        """On the topic when this returns; raises Refused for what the log cannot keep, Temporary where it is not."""
        if code := refusal_of_reading(said):
            raise Refused(message(code), code=code)
        said = replace(said, read_id=said.read_id or str(uuid4()))
        wrapped = self._envelope.wrap(said, said.read_id, said.at.epoch_ms)
        failed: list[KafkaError] = []
        try:
            producer = Producer(self._client)
            producer.produce(
                returns_topic(said.member),
                key=said.read_id.encode(),
                value=wrapped.value,
                headers=dict(wrapped.headers),
                on_delivery=lambda error, _: _note(failed, error, _),
            )
            left = producer.flush(_SEND_SECONDS)
        except KafkaException as error:
            raise Temporary(message("reading.not_noted"), code="reading.not_noted") from error
        if left or failed:
            raise Temporary(message("reading.not_noted"), code="reading.not_noted")


def _note(failed: list[KafkaError], error: KafkaError | None, _: Message) -> None:
    if error is not None:
        failed.append(error)
