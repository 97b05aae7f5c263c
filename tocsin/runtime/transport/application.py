"""The Faust application that a stage runs in: its settings, its topics, and how it halts."""

import asyncio
import hashlib
import logging
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import faust
from faust.types import TP
from mode import CrashingSupervisor
from msgspec import Struct

from schemas.failures import Failure
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.tls import showing
from tocsin.runtime.tracing.spans import UNTRACED, Spans
from tocsin.runtime.transport.consumer import SliceConsumer, SliceTransport
from tocsin.runtime.transport.fairness import MOST_AT_ONCE
from tocsin.runtime.transport.monitor import SliceMonitor
from tocsin.runtime.transport.pauses import Positions

log = logging.getLogger(__name__)

EXIT_BROKEN: Final = 4
"""As the command line documents it: the environment is broken or away."""


class WorkerSettings(Struct, frozen=True, kw_only=True):
    """How one worker joins its group."""

    group: str
    instance: str
    """Static membership: a restart of the same instance costs no rebalance."""
    topics: tuple[str, ...]
    data_folder: Path
    """Faust makes it and keeps nothing in it."""
    slice_records: int = MOST_AT_ONCE
    shared_records: int = MOST_AT_ONCE
    """The same while others send too: whoever sends a few waits for no more than this of anybody."""
    gather_seconds: float = 0.0
    """How long a fetch waits for company where the last one was small: a slice costs the same for one as for many."""
    patience_seconds: float = math.inf
    """How long a slice waits for the claim store before what may not wait is sent."""
    buffered_slices: int = 16
    session_seconds: float = 8.0
    heartbeat_seconds: float = 1.0
    commit_seconds: float = 1.0
    spans: Spans = UNTRACED

    @property
    def group_instance(self) -> str:
        """What the group knows it by; another one for other topics.

        A static member that comes back within its session keeps what it had, whatever it subscribes to by then: the
        broker tells nobody, and topics that came since would be read by no one (Kafka, KIP-814; aiokafka asks in the
        way of before).
        """
        return f"{self.instance}-{hashlib.sha256(','.join(sorted(self.topics)).encode()).hexdigest()[:8]}"


class SliceApp(faust.App):
    """A Faust app on the batch transport; built by `slice_app` only."""

    slice_records: int
    shared_records: int
    gather_seconds: float
    topic_ids: Mapping[str, str]
    paused_topics: frozenset[str] = frozenset()
    """Assigned, and left alone for now."""
    fetched_seconds: float = float("-inf")
    """Monotonic second of the last fetch that came to an end and was handed over."""
    _positions: Positions

    def _new_transport(self) -> SliceTransport:
        return SliceTransport(self.conf.broker_consumer, self)

    async def start_positions(self, log_starts: Mapping[TP, int]) -> Mapping[TP, int]:
        """What the ledger knows of these partitions; asked again at every assignment, with where their logs start."""
        starts = {(tp.topic, tp.partition): offset for tp, offset in log_starts.items()}
        known = await asyncio.get_running_loop().run_in_executor(None, self._positions, starts)
        return {TP(*key): offset for key, offset in known.items()}

    async def deal_anew(self) -> None:
        """Have the group deal its partitions out again, by what the broker has now."""
        await cast(SliceConsumer, self.consumer).deal_anew()

    def halt(self, failure: BaseException) -> None:
        """End the process at once, without committing anything more; its manager restarts it."""
        facts = {
            "failure": type(failure).__name__,
            "code": failure.code if isinstance(failure, Failure) else "",
            "records": list(getattr(failure, "__notes__", ())),
        }
        log.critical(
            "halting: %s", failure if isinstance(failure, Failure) else "unexpected failure", extra={"facts": facts}
        )
        for handler in logging.getLogger().handlers:
            handler.flush()
        os._exit(EXIT_BROKEN)


def slice_app(
    kafka: KafkaSettings, worker: WorkerSettings, positions: Positions, topic_ids: Mapping[str, str]
) -> SliceApp:
    """Build the app of one worker; nothing connects before it is started."""
    app = SliceApp(
        worker.group,
        broker=[f"kafka://{address}" for address in kafka.bootstrap.split(",")],
        broker_credentials=_credentials(kafka),
        broker_commit_interval=worker.commit_seconds,
        broker_session_timeout=worker.session_seconds,
        broker_heartbeat_interval=worker.heartbeat_seconds,
        broker_max_poll_interval=3600.0,
        broker_check_crcs=True,
        consumer_group_instance_id=worker.group_instance,
        consumer_auto_offset_reset="none",
        consumer_max_fetch_size=4 * 1024 * 1024,
        stream_buffer_maxsize=worker.buffered_slices,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        agent_supervisor=CrashingSupervisor,
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        web_enabled=False,
        Monitor=SliceMonitor,
        datadir=worker.data_folder,
    )
    app.slice_records = min(worker.slice_records, MOST_AT_ONCE)
    app.shared_records = min(worker.shared_records, app.slice_records)
    app.gather_seconds = worker.gather_seconds
    app.topic_ids = topic_ids
    app._positions = positions
    return app


def slice_topic(app: SliceApp, topics: Sequence[str]) -> Any:
    """The one channel on which all slices of these topics arrive, undecoded."""
    return app.topic(*topics, key_type=bytes, value_type=bytes, value_serializer="raw", schema=_Undecoded())


class _Undecoded(faust.Schema):  # type: ignore[type-arg]  # generic for checkers only
    """Leaves key and value alone: a codec error inside Faust would lose the record."""

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        return message.value

    def loads_key(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:
        return message.key


def _credentials(kafka: KafkaSettings) -> faust.SSLCredentials | None:
    context = showing(kafka)
    return faust.SSLCredentials(context=context) if context else None
