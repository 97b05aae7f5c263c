"""One idempotent producer per process: everything a slice made is sent, and every delivery report awaited."""

import asyncio
import threading
from collections.abc import Sequence
from functools import partial
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.failures import Broken
from schemas.records.values import Coordinate
from tocsin.runtime.client_statistics import statistics
from tocsin.runtime.logs import client_log
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.transport.slices import OutRecord

_POLL_SECONDS: Final = 0.05
_FULL_SECONDS: Final = 0.01
_DELIVERY_TIMEOUT_MS: Final = 600_000
"""Above the longest broker outage that is ridden out without a restart."""
_CLOSE_SECONDS: Final = 10.0


class TooLarge(Broken):
    """A record above its topic's limit, found before anything was sent; `index` is its place in the batch."""

    def __init__(self, index: int, size_bytes: int) -> None:
        super().__init__(
            f"Output {index} of a slice has {size_bytes} bytes, more than its topic takes. The input is set aside by: "
            "tocsin ledger skip",
            code="producer.too_large",
        )
        self.index = index


class OutputProducer:
    """Sends batches for an event loop; librdkafka's callbacks run on a thread of its own."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._producer = Producer(
            kafka.client()
            | {
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 2,
                "delivery.timeout.ms": _DELIVERY_TIMEOUT_MS,
                "queue.buffering.max.messages": 200_000,
            }
            | statistics("outputs")
            | client_log()
        )
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="producer", daemon=True)
        self._thread.start()

    async def send_all(self, records: Sequence[OutRecord]) -> tuple[Coordinate, ...]:
        """Produce in order and return where each landed, once every delivery report is in; raises Broken."""
        if not records:
            return ()
        batch = _Batch(asyncio.get_running_loop(), len(records))
        for index, record in enumerate(records):
            while not self._takes(record, index, batch):  # let delivery reports make room, without holding the loop
                await asyncio.sleep(_FULL_SECONDS)
        return await batch.done

    def close(self) -> None:
        """Send what is queued, within a bound, and end the thread."""
        self._producer.flush(_CLOSE_SECONDS)
        self._closing.set()
        self._thread.join()

    def _takes(self, record: OutRecord, index: int, batch: "_Batch") -> bool:
        """False where the queue is full; a function of its own, and no coroutine, because each output comes by here."""
        try:
            self._producer.produce(
                record.topic,
                record.value,
                record.key,
                headers=list(record.headers) or None,  # an empty list would cost as much as the record
                on_delivery=partial(batch.report, index),
            )
        except BufferError:
            return False
        except KafkaException as error:
            raise _refused(error.args[0], index, record) from error
        return True

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(_POLL_SECONDS)


class _Batch:
    """Collects the delivery reports of one batch."""

    def __init__(self, loop: asyncio.AbstractEventLoop, count: int) -> None:
        self.done: asyncio.Future[tuple[Coordinate, ...]] = loop.create_future()
        self._loop = loop
        self._left = count
        self._coordinates: list[Coordinate] = [Coordinate()] * count

    def report(self, index: int, error: KafkaError | None, message: Message) -> None:
        """Called on the producer's thread, once per record."""
        if error is not None:
            self._loop.call_soon_threadsafe(self._fail, error)
            return
        self._coordinates[index] = Coordinate(
            topic=message.topic() or "", partition=message.partition() or 0, offset=message.offset() or 0
        )
        self._left -= 1
        if not self._left:
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(tuple(self._coordinates))

    def _fail(self, error: KafkaError) -> None:
        if not self.done.done():
            self.done.set_exception(
                Broken(
                    f"The broker did not take an output: {error.str()}. Check: tocsin doctor", code="producer.failed"
                )
            )


def _refused(error: KafkaError, index: int, record: OutRecord) -> Broken:
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return TooLarge(index, len(record.value))
    return Broken(f"An output cannot be produced: {error.str()}. Check: tocsin doctor", code="producer.failed")
