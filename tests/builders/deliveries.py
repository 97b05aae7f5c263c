"""A delivery desk without Kafka: a store, a source that holds records in a list, sinks that do as they are told."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consumers.agreement import Agreement
from consumers.courier import Courier, Desk, Outlet, unopened
from consumers.erasing import Eraser
from consumers.formats.referral_json import write
from consumers.inbox import Arrival, Inbox, Terms
from consumers.letters import Parcel
from consumers.settings import Limits, StoreSettings
from consumers.sinks.port import Presence, Sink
from consumers.store import deliveries, outbox
from consumers.store.deliveries import Delivery
from consumers.store.engine import DeliveryStore, open_store
from schemas.failures import Failure
from schemas.records.answers import Return, Status
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.values import Coordinate
from schemas.topics import status_topic
from tests.builders.referrals import RECIPIENT
from tests.builders.reports import NOON_MS
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.tracing.spans import UNTRACED, Spans

TOPIC = "referrals.nl.nl-hotline.v1"
CODEC = RecordCodec(FixedDirectory())


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_ms: int = NOON_MS

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class ListSource:
    """Records in a list instead of a topic."""

    values: list[bytes] = field(default_factory=list)
    read: int = 0
    told: set[int] = field(default_factory=set)
    """Which of them lie on the status topic."""
    contexts: dict[int, str] = field(default_factory=dict)
    """Trace contexts, by offset."""

    def fetch(self, limit: int, wait_seconds: float) -> list[Arrival]:
        found = [
            Arrival(
                place=Coordinate(topic_id="topic-1", topic=topic, partition=0, offset=offset),
                value=value,
                context=self.contexts.get(offset, ""),
            )
            for offset, value in enumerate(self.values)
            for topic in (status_topic(RECIPIENT) if offset in self.told else TOPIC,)
        ][self.read : self.read + limit]
        self.read += len(found)
        return found

    def rewind(self, unread: Sequence[Arrival]) -> None:
        self.read = min(arrival.place.offset for arrival in unread)


@dataclass
class ObedientSink:
    """Keeps what it is sent; `failures` are raised by the next sends, before or after the effect."""

    honours_key: bool = True
    presence: Presence | None = None
    failures: list[Failure | None] = field(default_factory=list)
    effect_before_failure: bool = False
    sent: list[Parcel] = field(default_factory=list)
    closed: bool = False

    def send(self, parcel: Parcel) -> None:
        failure = self.failures.pop(0) if self.failures else None
        if failure is None or self.effect_before_failure:
            self.sent.append(parcel)
        if failure:
            raise failure

    def check(self, key: str) -> Presence:
        if self.presence is not None:
            return self.presence
        return Presence.PRESENT if key in {parcel.key for parcel in self.sent} else Presence.ABSENT

    def erase(self, key: str) -> bool:
        if failure := self.failures.pop(0) if self.failures else None:
            raise failure
        self.sent = [parcel for parcel in self.sent if parcel.key != key]
        return True

    def close(self) -> None:
        self.closed = True

    @property
    def keys(self) -> list[str]:
        return [parcel.key for parcel in self.sent]


@dataclass
class Counter:
    """One member's counter: everything between a topic and a sink, on a SQLite store in a folder."""

    folder: Path
    agreement: Agreement = field(default_factory=Agreement)
    member: MemberId = RECIPIENT
    limits: Limits = field(default_factory=Limits)
    sinks: dict[str, Sink] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    source: ListSource = field(default_factory=ListSource)
    store_settings: StoreSettings | None = None
    opened: Callable[[Referral], Referral] = unopened
    takes_canaries: bool = False
    spans: Spans = UNTRACED

    def __post_init__(self) -> None:
        self.sink = ObedientSink()
        self.sinks = self.sinks or {"sink": self.sink}
        self.open()

    def open(self) -> None:
        """Start the process, on the store that the process before left behind."""
        self.store: DeliveryStore = open_store(self.store_settings or StoreSettings(folder=self.folder), self.member)
        self.desk = Desk(
            member=self.member,
            limits=self.limits,
            now_ms=self.clock,
            chance=random.Random(1),  # noqa: S311 -- a test wants the same chance again
            opened=self.opened,
            takes_canaries=self.takes_canaries,
            spans=self.spans,
        )
        terms = Terms(member=self.member, agreement=self.agreement, limits=self.limits, now_ms=self.clock)
        self.inbox = Inbox(self.store, self.source, CODEC, terms)
        outlets = [Outlet(name=name, sink=sink, write=write) for name, sink in self.sinks.items()]
        self.courier = Courier(self.store, outlets, CODEC, self.desk)
        self.eraser = Eraser(self.store, outlets, self.desk)

    def close(self) -> None:
        self.store.close()

    def arrive(self, *referrals: Referral | Status) -> None:
        """Put referrals on the topic and let the inbox read them."""
        self.source.values.extend(CODEC.dumps(referral) for referral in referrals)
        while self.inbox.turn(0):
            pass

    def hear(self, *statuses: Status) -> None:
        """Put messages on the member's status topic and let the inbox read them."""
        for status in statuses:
            self.source.told.add(len(self.source.values))
            self.arrive(status)

    def find(self, key: str) -> Delivery:
        with self.store.begin() as connection:
            found = deliveries.find(connection, key)
        assert found is not None
        return found

    def owed(self) -> list[Return]:
        with self.store.begin() as connection:
            return outbox.owed(connection, 1000)

    def told(self) -> list[tuple[str, Any]]:
        """Every Return that is owed, as referral id and kind."""
        return [(answer.referral_id, answer.kind) for answer in self.owed()]


def counters(folder: Path) -> Iterator[Callable[..., Counter]]:
    """Builds counters below a folder, and closes them afterwards."""
    opened: list[Counter] = []

    def build(**changes: Any) -> Counter:
        opened.append(Counter(folder=folder / f"store-{len(opened)}", **changes))
        return opened[-1]

    yield build
    for counter in opened:
        counter.close()
