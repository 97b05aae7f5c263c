"""One worker process: the app, its agent, its signals, and a clean end."""

import asyncio
import gc
import logging
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from schemas.failures import Temporary
from tocsin.runtime.health import Health
from tocsin.runtime.producer import OutputProducer
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.transport.application import SliceApp, WorkerSettings, slice_app, slice_topic
from tocsin.runtime.transport.cluster import ClusterReader, topic_ids_of
from tocsin.runtime.transport.pauses import PAUSES_SECONDS, Bookkeeping
from tocsin.runtime.transport.runner import SliceRunner, Stages
from tocsin.runtime.transport.watching import TopicWatch

log = logging.getLogger(__name__)

FETCHES: Final = "fetches"
"""A consumer that was thrown out of its group, or whose buffers stay full, lives and reads nothing."""
_STALE_SECONDS: Final = 30.0
_SWITCH_SECONDS: Final = 0.0002
"""How long the thread that computes keeps the interpreter from one that has an answer to read (ADR 56)."""
SLICES: Final = "slices"
_SLOW_SECONDS: Final = 10.0
"""A slice takes about a second; one that takes longer than this waits for something, were it for smaller ones."""
_STUCK_SECONDS: Final = 5.0
_TURN_SECONDS: Final = 0.1
_DRAIN_SECONDS: Final = 15.0
"""How long started slices may finish at the end; a store that is away must not keep a process from stopping."""


def expect_signs(health: Health) -> None:
    """Name what is silent until a worker runs; before anybody can ask, or it is taken to be ready while it starts."""
    health.expect(FETCHES, _STALE_SECONDS)
    health.expect(SLICES, _STUCK_SECONDS)


def run_worker(
    kafka: KafkaSettings, worker: WorkerSettings, stages: Stages[Any, Any, Any], books: Bookkeeping, health: Health
) -> bool:
    """Run until SIGTERM or SIGINT, then finish what was started and commit; a failure halts the process non-zero.

    True where it ended because it is outdated and has to begin again.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    app = slice_app(kafka, worker, books.positions, topic_ids_of(kafka, worker.topics))
    expect_signs(health)
    watch = TopicWatch(app, worker.group, ClusterReader(kafka), health)
    producer = OutputProducer(kafka)
    try:
        runner = SliceRunner(stages, producer, worker.patience_seconds, worker.spans, books.settled)
        return asyncio.run(_serve(app, worker, runner, (watch, partial(_watch_pauses, app, books, producer)), health))
    finally:
        producer.close()


async def _serve(
    app: SliceApp,
    worker: WorkerSettings,
    runner: SliceRunner[Any, Any, Any],
    watches: tuple[TopicWatch, Callable[[], Coroutine[Any, Any, None]]],
    health: Health,
) -> bool:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    _attach(app, worker, runner)
    watches[0].start()  # before the app: its start takes as long as the first seek, and that may wait for what is gone
    await app.start()
    _spare_what_stays()
    pausing = asyncio.create_task(watches[1]())
    pausing.add_done_callback(partial(halt_if_failed, app.halt))
    while not (stop.is_set() or app.should_stop or pausing.done()):
        if runner.oldest_seconds(time.monotonic()) < _SLOW_SECONDS:
            health.beat(SLICES, time.monotonic())
        health.beat(FETCHES, app.fetched_seconds)
        await asyncio.sleep(_TURN_SECONDS)
    if app.crash_reason is not None:
        app.halt(app.crash_reason)
    begins_again = pausing.done() and not stop.is_set()
    pausing.cancel()
    app.consumer.stop_flow()
    await runner.drain(_DRAIN_SECONDS)
    await app.stop()
    runner.close()
    return begins_again


def _spare_what_stays() -> None:
    """Modules, rules and clients live as long as the process: the collector need not look through them at every turn.

    It went through all of them every few thousand reports, which was a twentieth of what a report costs (ADR 61).
    """
    gc.collect()
    gc.freeze()


def halt_if_failed(halt: Callable[[BaseException], None], watch: "asyncio.Task[None]") -> None:
    """A watch that ended would leave members unpaused and errands undone, in a worker that looks well."""
    if not watch.cancelled() and (failure := watch.exception()) is not None:
        halt(failure)


def _attach(app: SliceApp, worker: WorkerSettings, runner: SliceRunner[Any, Any, Any]) -> None:
    async def slices(stream: Any) -> None:
        async for event in stream.noack().events():
            message = event.message
            if message.generation_id != app.consumer_generation_id:
                continue  # given up in a rebalance; whoever has the partition now reads it again
            message.started = True
            await runner.take(message.piece, partial(app.consumer.ack, message), app.halt, message.pass_on)

    app.agent(slice_topic(app, worker.topics), name=f"{worker.group}.slices")(slices)
    app.finalize()


async def _watch_pauses(app: SliceApp, books: Bookkeeping, producer: OutputProducer) -> None:
    """Leave a topic alone whose member is over its limit, and tell the member when that begins; others go on.

    Ends where the worker has to begin again.
    """
    while True:
        try:
            pause = await asyncio.get_running_loop().run_in_executor(None, books.pause)
            begun = sorted(pause.topics - app.paused_topics)
            for topic in begun:
                await producer.send_all(pause.notices[topic])
            app.paused_topics = pause.topics
            for topic in begun:  # said when it is so
                log.warning("pausing a topic: its member is over its limit", extra={"facts": {"topic": topic}})
            await _run_errand(books, producer)
            if await asyncio.get_running_loop().run_in_executor(None, books.is_outdated):
                return
        except Temporary as failure:
            log.warning("waiting: %s", failure, extra={"facts": {"code": failure.code}})
        await asyncio.sleep(PAUSES_SECONDS)


async def _run_errand(books: Bookkeeping, producer: OutputProducer) -> None:
    """Written down only when the broker has it: after a crash it is said again, with the same id."""
    loop = asyncio.get_running_loop()
    errand = await loop.run_in_executor(None, books.errand)
    if errand.records:
        await producer.send_all(errand.records)
    await loop.run_in_executor(None, errand.done)
