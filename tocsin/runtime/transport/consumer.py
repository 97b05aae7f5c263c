"""The consumer under Faust: hands over slices, loses nothing it fetched, commits an unbroken head (ADR 0001)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from aiokafka.errors import ConsumerStoppedError, KafkaError, NoOffsetForPartitionError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from schemas.failures import Broken, Temporary
from tocsin.runtime.transport.fairness import Portions
from tocsin.runtime.transport.slices import RawRecord, Slice
from tocsin.runtime.transport.spans import Span, SpanTracker
from tocsin.runtime.transport.unpacking import bound_fetches

log = logging.getLogger(__name__)

IDLE_SECONDS: Final = 0.005
"""Stock Faust sleeps a whole second while every partition's buffer is full."""
DRAIN_SECONDS: Final = 3.0
"""How long started slices may finish when partitions are taken away; well below half the session."""
FETCH_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.01
"""How long the others are waited for while a backlog waits for its turn."""
LEDGER_SECONDS: Final = 1.0
"""How long until a ledger that is away is asked again where to start."""
_LOG_APPEND_TIME: Final = 1
"""Kafka's number for what a timestamp is of (Kafka protocol guide, record batch)."""
HOLES_TOLERATED: Final = 3
"""A fetch that spans a seek can begin late once; an offset that stays out of reach is lost."""

Fetched = dict[TP, Sequence[RawRecord]]
StartPositions = Callable[[Iterable[TP]], Awaitable[Mapping[TP, int]]]


class SliceMessage(ConsumerMessage):
    """One Faust message that carries a slice; `started` once a stage has taken it, `passed` once the next may start."""

    __slots__ = ("passed", "piece", "span", "started")

    piece: Slice
    span: Span
    started: bool
    passed: bool

    @property
    def count(self) -> int:
        """Its records."""
        return len(self.piece.records)

    def pass_on(self) -> None:
        """The next slice of its partition may start."""
        self.passed = True


class SliceConsumer(driver.Consumer):
    """Faust's consumer with its own delivery, tracking and seeking; everything else is stock 0.15.3."""

    app: Any
    """A SliceApp; Faust's own annotation knows only its interface."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._trackers: dict[TP, SpanTracker] = {}
        self._dropped: set[TP] = set()
        self._holes: dict[TP, int] = {}
        self._gather_seconds = 0.0
        bound_fetches()
        super().__init__(*args, **kwargs)
        self._portions = Portions(self.app.slice_records, self.app.shared_records)

    # --- acknowledgement and commit -------------------------------------------------------------------------------

    def ack(self, message: Any) -> bool:
        """Mark a slice as done; False where its partition was given up since."""
        if message.acked:
            return False
        message.acked = True
        message.span.acknowledged = True
        self._unacked_messages.discard(message)
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in list(self._trackers) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        tracker = self._trackers.get(tp)
        return tracker.committable() if tracker else None

    def _should_commit(self, tp: TP, offset: int) -> bool:
        return True

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        trackers = {tp: self._trackers.get(tp) for tp in offsets}
        done = await super()._commit_offsets(offsets, start_new_transaction=start_new_transaction)
        if done:
            for tp, offset in offsets.items():
                if (tracker := trackers[tp]) is not None:
                    tracker.committed(offset)
        return bool(done)

    # --- rebalance ------------------------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop intake, let started slices finish, commit, then give the partitions up."""
        self.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        abandoned = await self._drained()
        try:
            await asyncio.wait_for(self.commit(), DRAIN_SECONDS)
        except (TimeoutError, KafkaError) as error:
            log.warning("commit on revocation failed", extra={"facts": {"failure": type(error).__name__}})
        log.info("partitions revoked", extra={"facts": {"partitions": len(revoked), "abandoned_slices": abandoned}})
        await super().on_partitions_revoked(revoked)
        self._trackers.clear()
        self._dropped.clear()
        self._portions.forget()

    async def _drained(self) -> int:
        deadline = time.monotonic() + DRAIN_SECONDS
        while (open_slices := self._started_and_open()) and time.monotonic() < deadline:
            await asyncio.sleep(IDLE_SECONDS)
        return open_slices

    def _started_and_open(self) -> int:
        return sum(1 for message in list(self._unacked_messages) if getattr(message, "started", False))

    async def perform_seek(self) -> None:
        """Go explicitly to the position that the application knows, on every assigned partition.

        Stock Faust seeks to the committed offset, which does nothing on a partition that has none yet.
        """
        try:
            positions = await self._known_positions()
        except Broken as failure:
            self.app.halt(failure)
            return
        for tp, position in positions.items():
            await self._seek(tp, position)
            self._trackers[tp] = SpanTracker(position)
            self._read_offset[tp] = position
        self._dropped.clear()
        self._holes.clear()
        self._portions.forget()

    async def deal_anew(self) -> None:
        """Have the group deal its partitions out again, by what the broker has now.

        The client does so by itself only in the member that dealt last, and minutes late. A static member that came
        back within its session is no such member, whatever it was before: then nobody would (KIP-814).
        """
        await self._thread.call_thread(self._rejoin)

    async def _rejoin(self) -> None:
        client = self._thread._ensure_consumer()
        await client._client.force_metadata_update()
        client._coordinator.request_rejoin()

    async def _known_positions(self) -> dict[TP, int]:
        """Waits for a ledger that is away; Faust bounds it, and another rebalance ends it."""
        while True:
            try:
                return await self._start_positions(self._assigned())
            except Temporary as failure:
                log.warning("waiting: %s", failure, extra={"facts": {"code": failure.code}})
            await asyncio.sleep(LEDGER_SECONDS)

    def _assigned(self) -> set[TP]:
        return {TP(tp.topic, tp.partition) for tp in self.assignment()}

    async def _start_positions(self, assigned: set[TP]) -> dict[TP, int]:
        if not assigned:
            return {}
        starts = {TP(*tp): offset for tp, offset in (await self.earliest_offsets(*assigned)).items()}
        known = await self.app.start_positions(starts)
        ends = {TP(*tp): offset for tp, offset in (await self.highwaters(*assigned)).items()}
        return {tp: start_position(tp, known.get(tp), starts[tp], ends[tp]) for tp in assigned}

    # --- delivery -------------------------------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await asyncio.sleep(0)
                if self.flow_active:
                    went_on = await self._fetch_once()
                    if went_on and self._is_placed():
                        self.app.fetched_seconds = time.monotonic()
                else:
                    await self.wait_first(self.can_resume_flow.wait(), timeout=FETCH_SECONDS)
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise
        except Broken as failure:
            self.app.halt(failure)

    def _is_placed(self) -> bool:
        """Whether this worker has joined its group and knows where to read; it may have no share."""
        return self.app.consumer_generation_id > 0 and self._assigned() <= self._trackers.keys()

    async def _fetch_once(self) -> bool:
        """One round: a portion of each partition, least first. False where nothing could be asked for."""
        generation = self.app.consumer_generation_id  # before the fetch: a fetch can sleep through a rebalance
        await self._seek_back()
        wanted = {tp for tp in self._get_active_partitions() if tp.topic not in self.app.paused_topics}
        active = self._portions.open_to(wanted)
        if not active:
            await asyncio.sleep(IDLE_SECONDS)
            return not wanted
        await asyncio.sleep(self._gather_seconds)
        limit = self._portions.records(time.monotonic())
        fetched = await self._fetched(active, limit, FETCH_SECONDS if active == wanted else GATHER_SECONDS, generation)
        is_busy = active != wanted or sum(map(len, fetched.values())) >= limit
        self._gather_seconds = 0.0 if is_busy else self.app.gather_seconds
        counts, left = {tp: len(records) for tp, records in fetched.items()}, self._left(fetched)
        for tp in self._portions.in_turn(counts, left, time.monotonic()):
            if not await self._deliver(tp, fetched[tp], generation):
                self._dropped.add(tp)
        return True

    def _left(self, fetched: Mapping[TP, Sequence[RawRecord]]) -> dict[TP, int]:
        """How many records wait on the broker behind those."""
        return {tp: max(0, (self.highwater(tp) or 0) - records[-1].offset - 1) for tp, records in fetched.items()}

    async def _fetched(self, active: set[TP], limit: int, wait_seconds: float, generation: int) -> Fetched:
        """What the broker has; a fetch that a rebalance overtook finds partitions that were not sought yet."""
        fetched: Fetched = {}
        try:
            await self._thread.call_thread(self._gather, active, limit, wait_seconds, fetched)
        except NoOffsetForPartitionError as error:
            if self._is_current(generation):
                self._seek_again(TP(*error.args[0]), error)
        return fetched

    async def _gather(self, active: set[TP], limit: int, wait_seconds: float, found: Fetched) -> None:
        """In the client's thread: at most `limit` records of each; the client alone would give one backlog whole.

        What was taken out is in `found` also where this raises: nothing that left the fetcher is dropped.
        """
        client, left = self._thread._ensure_consumer(), set(active)
        while left:
            wait = 0.0 if found else wait_seconds
            more = await self._thread._fetch_records(client, left, timeout=wait, max_records=limit)
            if not more:
                return
            found.update((TP(*tp), records) for tp, records in more.items())
            left -= found.keys()
            cut, records = list(more.items())[-1]
            room = limit - len(records)
            if room and sum(map(len, more.values())) == limit:  # the ones before it left it no more than that
                again = await self._thread._fetch_records(client, {cut}, timeout=0.0, max_records=room)
                records.extend(again.get(cut, ()))

    def _seek_again(self, tp: TP, error: NoOffsetForPartitionError) -> None:
        """The client keeps what it found before the partition was sought, and says so once; more often, it is lost."""
        self._holes[tp] = self._holes.get(tp, 0) + 1
        if self._holes[tp] > HOLES_TOLERATED:
            raise error
        self._dropped.add(tp)

    async def _seek_back(self) -> None:
        """Nothing that left the fetcher is dropped without this."""
        for tp in list(self._dropped):
            if (tracker := self._trackers.get(tp)) is not None:
                await self._seek(tp, tracker.position)
            self._dropped.discard(tp)

    async def _deliver(self, tp: TP, records: Sequence[RawRecord], generation: int) -> bool:
        """Hand the records over as one slice: a fetch takes no more of a partition. False where it may not arrive."""
        tracker = self._trackers.get(tp)
        if tracker is None or not self._is_current(generation):
            return False
        fresh = records if records[0].offset >= tracker.position else _from(tracker.position, records)
        if fresh and not self._continues(tp, tracker, fresh[0].offset):
            return False
        if fresh and not await self._hand_over(tp, tracker, fresh, generation):
            return False
        self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
        return True

    def _continues(self, tp: TP, tracker: SpanTracker, offset: int) -> bool:
        if offset == tracker.position:
            self._holes.pop(tp, None)
            return True
        self._holes[tp] = self._holes.get(tp, 0) + 1
        if self._holes[tp] > HOLES_TOLERATED:
            raise _records_gone(tp, tracker.position, offset)
        return False

    async def _hand_over(self, tp: TP, tracker: SpanTracker, records: Sequence[RawRecord], generation: int) -> bool:
        if not self._is_current(generation):
            return False
        message = self._message(tp, tracker, records, generation)
        await self.wait_first(self.callback(message), self.suspend_flow.wait())
        if self._is_current(generation):
            self._portions.handed(tp, message)
            return True
        if self._trackers.get(tp) is tracker and not message.started:
            tracker.retract(message.span)
        return False

    def _is_current(self, generation: int) -> bool:
        return bool(self.flow_active and self.app.consumer_generation_id == generation)

    def _message(self, tp: TP, tracker: SpanTracker, records: Sequence[RawRecord], generation: int) -> SliceMessage:
        last = records[-1]
        message = SliceMessage(
            tp.topic, tp.partition, last.offset, last.timestamp_ms / 1000.0, _LOG_APPEND_TIME,
            None, None, b"", None, 0, 0, tp, generation_id=generation,
        )  # fmt: skip
        message.piece = Slice(
            topic_id=self.app.topic_ids[tp.topic],
            topic=tp.topic,
            partition=tp.partition,
            records=tuple(records),
        )
        message.span = tracker.deliver(records[0].offset, last.offset + 1)
        message.started = message.passed = False
        return message


def _from(position: int, records: Sequence[RawRecord]) -> Sequence[RawRecord]:
    return [record for record in records if record.offset >= position]


class SliceTransport(driver.Transport):
    """Faust's aiokafka transport with the consumer above."""

    Consumer = SliceConsumer


def start_position(tp: TP, known: int | None, log_start: int, log_end: int) -> int:
    """Where to begin: the known position, else the log start; raises Broken where records are gone."""
    if known is None:
        return log_start
    if log_start > known:
        raise _records_gone(tp, known, log_start)
    if known > log_end:
        raise Broken(
            f"{tp.topic}[{tp.partition}] ends at {log_end}, and {known} was reached before: the topic was re-created "
            "or restored. Nothing is processed until somebody decides: tocsin ledger",
            code="transport.position_beyond_end",
        )
    return known


def _records_gone(tp: TP, position: int, found: int) -> Broken:
    return Broken(
        f"{found - position} records of {tp.topic}[{tp.partition}] from offset {position} on are gone from the broker "
        "(retention or deletion). Nothing is processed until somebody decides: tocsin ledger",
        code="transport.records_gone",
    )
