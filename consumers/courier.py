"""The courier: takes what is due, sends it with a stable key, records every try, and owes a Return for every change."""

import logging
import random
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from consumers.canaries import KIND as CANARY
from consumers.canaries import STOPPED, arrived
from consumers.codec import Codec
from consumers.endings import Ending, Result, Verdict, after_silence, retry_delay_ms, verdict
from consumers.escalation import Contacts
from consumers.formats import notice_json
from consumers.letters import Format, Letter, parcel_of
from consumers.messages import state_return
from consumers.settings import Limits
from consumers.sinks.port import Away, Later, Sink, Unanswered
from consumers.states import TOLD, Event, State, after, allows
from consumers.store import deliveries, traces
from consumers.store.deliveries import BUNDLE, NOTICE, Delivery, Settled
from consumers.store.engine import DeliveryStore
from consumers.store.outbox import owe
from schemas.failures import Failure, Refused, Temporary, Unreadable
from schemas.records.answers import Return, Status
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from tocsin.runtime.logs import Facts, tell_outcomes
from tocsin.runtime.metrics import failure_met, record_left, timed
from tocsin.runtime.tracing.spans import UNTRACED, Spans

_STAGE = "courier"
UNREADABLE = "courier.unreadable"
SHUT = frozenset({"sealed.damaged", "sealed.key_gone", "sealed.other_audience"})
"""Why a personal part does not open: whoever is called needs to know which."""
_LOG = logging.getLogger(__name__)


class Outlet(Struct, frozen=True, kw_only=True):
    """A sink with its name and the format it is given."""

    name: str
    sink: Sink
    write: Format


def unopened(referral: Referral) -> Referral:
    """Without keys what is sealed stays sealed."""
    return referral


class Desk(Struct, frozen=True, kw_only=True):
    """Who delivers, within which limits, by which clock and with which chance."""

    member: MemberId
    limits: Limits
    now_ms: Callable[[], int]
    chance: random.Random
    contacts: Contacts = {}
    """Whom the policy names for a step of the escalation."""
    opened: Callable[[Referral], Referral] = unopened
    """Opens what is sealed to the member; raises Unreadable where it cannot."""
    takes_canaries: bool = False
    """Whether canaries go on to the sinks."""
    spans: Spans = UNTRACED


class Job(Struct, frozen=True, kw_only=True):
    """One delivery of this turn, its letter, and the sinks that do not have it yet."""

    delivery: Delivery
    letter: Letter | str
    """The code of the reason where its record cannot be read."""
    outlets: tuple[Outlet, ...]
    stops: bool = False
    """It is a canary and goes no further."""
    contexts: tuple[str, ...] = ()
    """Of the traces that its referrals came with."""


class Courier:
    """At least once with a stable key; one effect where the sink can tell or honours the key, else *uncertain*."""

    def __init__(self, store: DeliveryStore, outlets: Sequence[Outlet], codec: Codec, desk: Desk) -> None:
        self._store = store
        self._outlets = tuple(outlets)
        self._codec = codec
        self._desk = desk
        self._paused_until_ms: dict[str, int] = {}
        self._pauses: dict[str, int] = {}
        self._unsettled: list[tuple[Job, list[Ending]]] = []
        self._claimed_until_ms = 0

    def turn(self) -> int:
        """Deliver one burst; tells how many deliveries were settled. Raises Temporary where the store is away."""
        now_ms = self._desk.now_ms()
        settled = self._settle_burst(now_ms)
        if self._outlets and all(self._is_paused(outlet, now_ms) for outlet in self._outlets):
            return settled
        jobs = self._take(now_ms)
        self._claimed_until_ms = now_ms + self._desk.limits.claim_seconds * 1000
        ends_ms = now_ms + int(self._desk.limits.burst_seconds * 1000)
        self._unsettled = [(job, self._deliver(job, ends_ms)) for job in jobs]
        return settled + self._settle_burst(now_ms)

    def _settle_burst(self, now_ms: int) -> int:
        """What the store had no room for is written down first of all; once its claim is over, the sink is asked."""
        if now_ms >= self._claimed_until_ms:
            self._unsettled = []
        self._settle(self._unsettled)
        settled, self._unsettled = len(self._unsettled), []
        return settled

    def recover(self, *, all_claims: bool) -> int:
        """Ask what became of deliveries whose process ended while sending; tells how many there were."""
        now_ms = self._desk.now_ms()
        with self._store.begin() as connection:
            left = deliveries.left_behind(connection, now_ms, all_claims=all_claims)
            asked = deliveries.sinks_open(connection, [delivery.key for delivery in left])
        outlets = {outlet.name: outlet for outlet in self._outlets}
        found = [
            (
                Job(delivery=delivery, letter=UNREADABLE, outlets=()),
                [self._ask(outlets.get(name), name, delivery.key) for name in sorted(asked[delivery.key])]
                or [Ending(sink="", result=Result.HELD, code="courier.not_sent")],
            )
            for delivery in left
        ]
        self._settle(found, sink_failed=False)
        return len(left)

    def close(self) -> None:
        """Close every sink."""
        for outlet in self._outlets:
            outlet.sink.close()

    def _take(self, now_ms: int) -> list[Job]:
        """Claim deliveries, and write down which sinks are about to be asked, in one transaction."""
        limits = self._desk.limits
        with self._store.begin() as connection:
            taken = deliveries.take(connection, now_ms, self._burst(), limits.claim_seconds * 1000)
            done = deliveries.sinks_done(connection, [delivery.key for delivery in taken])
            jobs = [self._job(connection, delivery, done) for delivery in taken]
            asked = ((job.delivery.key, outlet.name) for job in jobs for outlet in job.outlets)
            deliveries.open_attempts(connection, asked, now_ms)
        return jobs

    def _burst(self) -> int:
        """One at a time where a crash could leave doubt about each of them."""
        return self._desk.limits.burst if all(outlet.sink.honours_key for outlet in self._outlets) else 1

    def _job(self, connection: Connection, delivery: Delivery, done: Mapping[str, frozenset[str]]) -> Job:
        stops = delivery.kind == CANARY and not self._desk.takes_canaries
        missing = (outlet for outlet in self._outlets if outlet.name not in done[delivery.key])
        letter = self._letter(connection, delivery)
        return Job(
            delivery=delivery,
            letter=letter,
            outlets=() if stops else tuple(missing),
            stops=stops,
            contexts=self._contexts(connection, letter),
        )

    def _contexts(self, connection: Connection, letter: Letter | str) -> tuple[str, ...]:
        if not self._desk.spans.carries or isinstance(letter, str):
            return ()
        return traces.contexts_of(connection, [one.referral_id for one in letter.referrals])

    def _letter(self, connection: Connection, delivery: Delivery) -> Letter | str:
        if delivery.kind == NOTICE:
            return self._notice(delivery)
        is_bundle = delivery.kind == BUNDLE
        parts = deliveries.members_of(connection, delivery.key) if is_bundle else [delivery]
        try:
            referrals = tuple(self._desk.opened(self._codec.loads(part.value, Referral)) for part in parts)
        except Unreadable as failure:
            failure_met(_STAGE, failure)
            return failure.code if failure.code in SHUT else UNREADABLE
        return Letter(key=delivery.key, referrals=referrals, is_bundle=is_bundle)

    def _notice(self, delivery: Delivery) -> Letter | str:
        try:
            return Letter(key=delivery.key, notices=(self._codec.loads(delivery.value, Status),))
        except Unreadable as failure:
            failure_met(_STAGE, failure)
            return UNREADABLE

    def _deliver(self, job: Job, ends_ms: int) -> list[Ending]:
        if self._desk.now_ms() > ends_ms:
            return [Ending(sink=outlet.name, result=Result.HELD, code="courier.burst_ended") for outlet in job.outlets]
        if job.delivery.kind == CANARY and isinstance(job.letter, Letter):
            arrived(self._desk.member, job.delivery, job.letter.referrals[0])
        if job.stops:
            return [_stopped(job)]
        if isinstance(job.letter, str):
            return [Ending(sink=outlet.name, result=Result.PARK, code=job.letter) for outlet in job.outlets]
        if not (job.letter.referrals or job.letter.notices):
            return []  # a bundle whose members were all withdrawn
        return [self._send(outlet, job.letter, job.contexts) for outlet in job.outlets]

    def _send(self, outlet: Outlet, letter: Letter, contexts: tuple[str, ...]) -> Ending:
        if self._is_paused(outlet, self._desk.now_ms()):
            return Ending(sink=outlet.name, result=Result.HELD, code="courier.sink_paused")
        try:
            with timed(_STAGE), self._desk.spans.delivering(contexts) as context:
                parcel = parcel_of(letter, notice_json.write if letter.notices else outlet.write)
                outlet.sink.send(replace(parcel, context=context) if context else parcel)
        except Failure as failure:
            failure_met(_STAGE, failure)
            return self._failed(outlet, letter.key, failure)
        self._pauses.pop(outlet.name, None)
        return Ending(sink=outlet.name, result=Result.DELIVERED)

    def _failed(self, outlet: Outlet, key: str, failure: Failure) -> Ending:
        """Each kind of failure has one meaning; a Broken one ends the process."""
        if isinstance(failure, Unanswered):
            return self._ask(outlet, outlet.name, key)
        if isinstance(failure, Away):
            self._pause(outlet.name, failure)
            return Ending(sink=outlet.name, result=Result.HELD, code=failure.code)
        if isinstance(failure, Temporary):
            wait_seconds = failure.wait_seconds if isinstance(failure, Later) else 0.0
            return Ending(sink=outlet.name, result=Result.RETRY, code=failure.code, wait_seconds=wait_seconds)
        if isinstance(failure, Refused | Unreadable):
            _LOG.error("A referral is parked.", extra={"facts": {"sink": outlet.name, "code": failure.code}})
            return Ending(sink=outlet.name, result=Result.PARK, code=failure.code)
        raise failure

    def _ask(self, outlet: Outlet | None, name: str, key: str) -> Ending:
        """The sink's word on a parcel whose answer is missing; a sink no longer configured leaves it uncertain."""
        if outlet is None:
            return Ending(sink=name, result=Result.DOUBT, code="courier.sink_removed")
        if self._is_paused(outlet, self._desk.now_ms()):
            return self._ask_later(name, "courier.sink_paused")
        try:
            result, code = after_silence(outlet.sink.check(key), honours_key=outlet.sink.honours_key)
        except Away as failure:
            self._pause(name, failure)
            return self._ask_later(name, failure.code)
        except Temporary as failure:
            longest_seconds = self._desk.limits.longest_pause_seconds
            return Ending(sink=name, result=Result.ASK_LATER, code=failure.code, wait_seconds=longest_seconds)
        return Ending(sink=name, result=result, code=code)

    def _ask_later(self, name: str, code: str) -> Ending:
        """As soon as the sink's pause is over."""
        left_ms = self._paused_until_ms[name] - self._desk.now_ms()
        return Ending(sink=name, result=Result.ASK_LATER, code=code, wait_seconds=left_ms / 1000)

    def _pause(self, name: str, failure: Away) -> None:
        _LOG.warning("A sink is away.", extra={"facts": {"sink": name, "code": failure.code}})
        limits = self._desk.limits
        self._pauses[name] = self._pauses.get(name, 0) + 1
        delay_ms = retry_delay_ms(self._pauses[name], limits, self._desk.chance.random())
        pause_ms = min(delay_ms, int(limits.longest_pause_seconds * 1000))
        self._paused_until_ms[name] = self._desk.now_ms() + pause_ms

    def _is_paused(self, outlet: Outlet, now_ms: int) -> bool:
        """Never longer than a pause can be: a clock that was ahead when it began does not silence a sink."""
        left_ms = self._paused_until_ms.get(outlet.name, 0) - now_ms
        return 0 < left_ms <= self._desk.limits.longest_pause_seconds * 1000

    def _settle(self, results: Sequence[tuple[Job, list[Ending]]], *, sink_failed: bool = True) -> None:
        """Write down what became of a burst, with the Returns that it owes, in one transaction.

        Where our own process ended, not the sink, the next try need not wait.
        """
        if not results:
            return
        now_ms = self._desk.now_ms()
        with self._store.begin() as connection:
            deliveries.close_attempts(connection, _closed(results), now_ms)
            concluded = [
                (job.delivery, settled)
                for job, endings in results
                if (settled := self._conclude(connection, job.delivery, endings, waits=sink_failed))
            ]
            deliveries.settle_all(connection, (settled for _, settled in concluded), now_ms)
            owe(connection, [one for each in concluded for one in self._returns(connection, *each)], now_ms)
        for delivery, settled in concluded:
            record_left(_STAGE, settled.state if delivery.kind != CANARY else CANARY)
        tell_outcomes(_LOG, _STAGE, (_told(*each) for each in concluded))

    def _conclude(
        self, connection: Connection, delivery: Delivery, endings: Sequence[Ending], *, waits: bool
    ) -> Settled | None:
        """What its endings change of a delivery; None where it stays as it is, to be asked about later."""
        now_ms = self._desk.now_ms()
        found = verdict(endings, delivery.attempts, self._desk.limits)
        if found.event is None:
            ask_at_ms = now_ms + int(found.wait_seconds * 1000)
            deliveries.change(connection, delivery.key, claimed_until_ms=ask_at_ms, reason_code=found.code)
            return None
        return Settled(
            key=delivery.key,
            state=_next_state(connection, delivery, found.event),
            reason_code=found.code,
            attempts=delivery.attempts if found.counts else delivery.attempts - 1,
            due_ms=self._due_ms(delivery, found, now_ms) if waits else now_ms,
        )

    def _due_ms(self, delivery: Delivery, found: Verdict, now_ms: int) -> int:
        if found.event is not Event.RETRY:
            return delivery.due_ms
        if not found.counts:
            return max(now_ms, min(self._paused_until_ms.values(), default=now_ms))
        delay_ms = retry_delay_ms(delivery.attempts, self._desk.limits, self._desk.chance.random())
        return now_ms + max(delay_ms, int(found.wait_seconds * 1000))

    def _returns(self, connection: Connection, delivery: Delivery, settled: Settled) -> list[Return]:
        """One Return a referral and none a notice; a bundle speaks for its members, and closes them when it arrived."""
        now_ms, member = self._desk.now_ms(), self._desk.member
        state, code = settled.state, settled.reason_code
        if state not in TOLD or delivery.kind == NOTICE:
            return []
        if delivery.kind != BUNDLE:
            return [state_return(member, delivery, state, now_ms, code)]
        parts = deliveries.members_of(connection, delivery.key)
        if state is State.DELIVERED:
            for part in parts:
                deliveries.settle(connection, part, after(part.state, Event.CONFIRM), now_ms)
        return [state_return(member, part, state, now_ms, code) for part in parts]


def _told(delivery: Delivery, settled: Settled) -> Facts:
    """The line of one delivery: it names no member but the one whose log it is."""
    told = {"outcome": str(settled.state), "delivery": delivery.key, "report_id": delivery.report_id}
    return told | {"revision": delivery.revision, "tries": settled.attempts, "code": settled.reason_code}


def _stopped(job: Job) -> Ending:
    """No sink is asked; one that cannot be read is parked like any other, so that its age tells."""
    if isinstance(job.letter, str):
        return Ending(sink="", result=Result.PARK, code=job.letter)
    return Ending(sink="", result=Result.DELIVERED, code=STOPPED)


def _next_state(connection: Connection, delivery: Delivery, event: Event) -> State:
    """A copy that was recalled while it was leaving stops where its sending fails."""
    state = after(delivery.state, event)
    stops = allows(state, Event.WITHDRAW) and deliveries.is_recalled(connection, delivery.key)
    return after(state, Event.WITHDRAW) if stops else state


def _closed(results: Sequence[tuple[Job, list[Ending]]]) -> dict[tuple[str, str], tuple[str, str]]:
    """The attempts that ended; one that is to be asked about stays open."""
    return {
        (job.delivery.key, ending.sink): (ending.result, ending.code)
        for job, endings in results
        for ending in endings
        if ending.result is not Result.ASK_LATER
    }
