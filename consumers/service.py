"""One member's delivery process: inbox, courier, replies and outgoing Returns, in one loop and one thread."""

import logging
import random
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from consumers import canaries, upkeep
from consumers.agreement import narrowed
from consumers.courier import Courier, Desk, Outlet, unopened
from consumers.erasing import Eraser
from consumers.formats import format_named
from consumers.inbox import Inbox, Terms
from consumers.membership import Membership, Memberships
from consumers.post import Post
from consumers.replies import Replies
from consumers.settings import DeliverySettings
from consumers.sinks.build import build
from consumers.source import KafkaSource, Topics
from consumers.states import State
from consumers.store import arrivals, deliveries
from consumers.store.arrivals import Gap, Position
from consumers.store.engine import DeliveryStore, open_store
from consumers.store.outbox import owed_count
from schemas.failures import Refused, Temporary
from schemas.records.identifiers import MemberId
from tocsin.runtime.envelope import Envelope
from tocsin.runtime.health import Health
from tocsin.runtime.keys.ending import own_seal_warnings
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.keys.signer import Signer
from tocsin.runtime.metrics import failure_met
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings
from tocsin.runtime.tracing.spans import spans_of

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.2
_TENDING_SECONDS = 5.0
_REPLIES_SECONDS = 1.0
_STALE_SECONDS = 60.0
_REST_SECONDS = 2.0
_ERASE_EVERY_TENDINGS = 720
PARTS = ("broker", "inbox", "courier", "returns")
"""Readiness fails when one of these has been silent too long."""


def now_ms() -> int:
    """The wall clock; everything below is given it."""
    return time.time_ns() // 1_000_000


class Service:
    """Built once a process; `run` ends when it is told to stop, or when a failure says that it cannot go on."""

    def __init__(
        self, settings: Settings, delivery: DeliverySettings, memberships: Memberships, *, gap_reason: str = ""
    ) -> None:
        self._memberships = memberships
        self._membership = membership = memberships.current
        opener = Opener.of(settings.trust, membership.member, now_ms)
        self._desk = Desk(
            member=membership.member,
            limits=delivery.limits,
            now_ms=now_ms,
            chance=random.SystemRandom(),
            contacts=membership.contacts,
            opened=opener.referral if opener else unopened,
            takes_canaries=delivery.canaries,
            spans=spans_of(settings),
        )
        self._delivery = delivery
        self._directory = directory_of(settings.trust)
        self._store = open_store(delivery.store, membership.member)
        self.health = Health()
        for part in PARTS:  # before anybody can ask
            self.health.expect(part, _STALE_SECONDS)
        self._codec = codec = RecordCodec(SchemaDirectory(settings.registry))
        self._source = _source(settings, membership, self._store, gap_reason)
        self._inbox = Inbox(self._store, self._source, codec, self._terms())
        outlets = _outlets(delivery)
        self._courier = Courier(self._store, outlets, codec, self._desk)
        self._eraser = Eraser(self._store, outlets, self._desk)
        self._signer = Signer.of(settings.trust, membership.member, now_ms)
        envelope = Envelope(member=membership.member, codec=codec, signer=self._signer)
        self._post = Post(self._store, settings.kafka.client(), envelope, now_ms)
        self._replies = Replies(self._store, settings.state / "replies", membership.member, now_ms)
        self._rest_until_seconds: dict[str, float] = {}
        self._tended_seconds = 0.0
        self._replied_seconds = 0.0
        self._tendings = 0
        self._lets_go = False
        self._shown: dict[State, int] = {}

    def run(self, should_stop: Callable[[], bool], *, once: bool = False) -> dict[State, int]:
        """Deliver until told to stop; with `once`, until nothing is left to read, to send or to tell."""
        self._attempt("inbox", self._inbox.mend)
        self._attempt("canaries", self._remember_canaries)
        self._attempt("courier", lambda: self._courier.recover(all_claims=not self._store.shared))
        idle_turns = 0
        while not should_stop():
            moved = self._turn()
            idle_turns = 0 if moved else idle_turns + 1
            if once and idle_turns and self._is_drained():
                break
        return upkeep.show_age(self._store, self._desk)

    def warnings(self) -> tuple[str, ...]:
        """What the member should do soon, before its answers count no more and nothing can be sealed to it."""
        sealing = own_seal_warnings(self._directory(), self._desk.member, now_ms()) if self._directory else ()
        try:
            return (*(self._signer.warnings() if self._signer else ()), *sealing)
        except Refused as failure:
            return (str(failure), *sealing)  # without a key answers wait; referrals are delivered all the same

    def resume(self, states: tuple[State, ...]) -> int:
        """A person lets deliveries go again; tells how many."""
        return upkeep.resume(self._store, self._desk, states)

    def close(self) -> None:
        """Leave the group, close the sinks, give the store back."""
        for part in (self._source, self._courier, self._post, self._store):
            part.close()

    def _turn(self) -> int:
        """One round of every part; what is away for now rests alone, and the others go on."""
        self._renew()
        read = self._attempt("inbox", lambda: self._inbox.turn(self._wait_seconds()))
        sent = self._attempt("courier", self._courier.turn)
        sent += self._attempt("erasure", self._eraser.turn)
        told = self._attempt("returns", self._post.turn)
        if read:
            self._attempt("progress", self._show_progress)
        self._tend()
        self._let_go()
        if self._rests("inbox") and not sent + told:
            time.sleep(_POLL_SECONDS)
        return read + sent + told

    def _renew(self) -> None:
        """Another bundle may have taken effect: what was agreed and who is called may differ from now on."""
        membership = self._memberships.at(now_ms())
        if membership is not self._membership:
            self._membership = membership
            self._desk = replace(self._desk, contacts=membership.contacts)
            self._inbox.agree(self._terms())
            _LOG.info("The membership is renewed.", extra={"facts": {"policy": membership.policy[:16]}})

    def _terms(self) -> Terms:
        return Terms(
            member=self._membership.member,
            agreement=narrowed(self._membership.agreement, self._delivery.duplicates),
            limits=self._delivery.limits,
            now_ms=now_ms,
            directory=self._directory,
            opened=self._desk.opened,
        )

    def _attempt(self, part: str, act: Callable[[], int]) -> int:
        if self._rests(part):
            return 0
        try:
            done = act()
        except Temporary as failure:
            failure_met(part, failure)
            _LOG.warning(str(failure), extra={"facts": {"part": part, "code": failure.code}})
            self._rest_until_seconds[part] = time.monotonic() + _REST_SECONDS
            return 0
        if part in PARTS:
            self.health.beat(part, time.monotonic())
        return done

    def _rests(self, part: str) -> bool:
        return self._rest_until_seconds.get(part, 0.0) > time.monotonic()

    def _show_progress(self) -> int:
        self._source.show_progress()
        return 0

    def _wait_seconds(self) -> float:
        """No waiting while the courier has work that is due."""
        with self._store.begin() as connection:
            due_ms = deliveries.next_due_ms(connection)
        if due_ms is None:
            return _POLL_SECONDS
        return min(_POLL_SECONDS, max(0.0, (due_ms - now_ms()) / 1000))

    def _tend(self) -> None:
        """Every second: replies; every few: left claims, expiry, escalation, age; rarely: old files, and erasure."""
        if time.monotonic() - self._replied_seconds >= _REPLIES_SECONDS:
            self._replied_seconds = time.monotonic()
            self._attempt("replies", self._replies.turn)
        if time.monotonic() - self._tended_seconds < _TENDING_SECONDS:
            return
        self._tended_seconds = time.monotonic()
        self._attempt("broker", self._source.reach)
        self._attempt("recover", lambda: self._courier.recover(all_claims=False))
        self._attempt("clock", lambda: upkeep.hasten(self._store, self._desk))
        self._attempt("expiry", lambda: upkeep.expire(self._store, self._desk))
        self._attempt("escalation", lambda: upkeep.escalate(self._store, self._desk, self._delivery.escalation))
        if self._tendings % _ERASE_EVERY_TENDINGS == 0:
            self._lets_go = True
            self._attempt("replies", self._replies.let_go)
        self._tendings += 1
        counts = upkeep.show_age(self._store, self._desk)
        if counts != self._shown:
            _LOG.info("Deliveries by state.", extra={"facts": {"deliveries": counts}})
        self._shown = counts

    def _let_go(self) -> None:
        """What is past its time goes once the status topic is read up to its end: a hold may lie there unread."""
        if self._lets_go and self._attempt("holds", self._source.has_heard_everything):
            self._lets_go = False
            self._attempt("erasure", lambda: upkeep.erase(self._store, self._desk))
            self._attempt("erasure", self._eraser.let_go)

    def _remember_canaries(self) -> int:
        with self._store.begin() as connection:
            return canaries.remember(connection, self._desk.member, self._codec)

    def _is_drained(self) -> bool:
        """Nothing to read, nothing due, nothing to tell; what waits for a person or for a later time does not count."""
        with self._store.begin() as connection:
            due_ms = deliveries.next_due_ms(connection)
            owes = owed_count(connection)
        return (due_ms is None or due_ms > now_ms()) and not owes and self._source.has_read_everything()


def _source(settings: Settings, membership: Membership, store: DeliveryStore, gap_reason: str) -> KafkaSource:
    def positions() -> dict[tuple[str, int], Position]:
        with store.begin() as connection:
            return arrivals.positions(connection)

    def accept_gap(gap: Gap) -> None:
        with store.begin() as connection:
            arrivals.accept_gap(connection, gap, gap_reason, now_ms())
        _LOG.error("A gap was accepted.", extra={"facts": {"topic": gap.topic, "first_offset": gap.first_offset}})

    return KafkaSource(
        settings.kafka.client(),
        f"{membership.member}.inbox",
        Topics(referrals=membership.topics(), status=membership.told_on(), carries=settings.traces),
        positions,
        accept_gap if gap_reason else None,
    )


def _outlets(delivery: DeliverySettings) -> list[Outlet]:
    return [
        Outlet(name=chosen.name, sink=build(chosen), write=format_named(chosen.format)) for chosen in delivery.sinks
    ]


def delivery_file(config: Path, member: MemberId) -> Path:
    """Where a member's delivery settings are: beside its process settings."""
    return config / f"{member}.delivery.toml"
