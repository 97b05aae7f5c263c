"""The inbox: a batch of referrals and the positions it was read from become one transaction of the delivery store."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import Connection

from consumers.agreement import Agreement, Standing, Treatment, bundle_due_ms, decide, given_by
from consumers.canaries import KIND as CANARY
from consumers.canaries import is_canary, row_of, unknown
from consumers.codec import Codec
from consumers.held import note_hold
from consumers.messages import recalled_return, state_return
from consumers.notices import is_handed_on, notice_row, recall_row
from consumers.provenance import examined, sentence
from consumers.received import STAGE, Received
from consumers.rows import bundle_row, referral_row
from consumers.settings import Limits
from consumers.states import MAY_HAVE, Event, State, after
from consumers.store import arrivals, deliveries, erasures, traces
from consumers.store.deliveries import RECALL, Delivery
from consumers.store.engine import DeliveryStore
from consumers.store.intake import Intake
from consumers.store.outbox import owe
from schemas.failures import Broken, Refused, Unreadable
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.values import Coordinate
from schemas.topics import status_topic
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.metrics import SIGNATURE_FAILURES, failure_met, record_left, timed

BATCH = 500
_LOG = logging.getLogger(__name__)


class Arrival(Struct, frozen=True, kw_only=True):
    """One record as it lay on the topic."""

    place: Coordinate
    value: bytes
    context: str = ""
    """Its trace context, where traces are on and it has one."""


class Source(Protocol):
    """Where referrals come from, starting at the store's own positions."""

    def fetch(self, limit: int, wait_seconds: float) -> list[Arrival]:
        """What has arrived, at most `limit`; empty after the wait."""

    def rewind(self, unread: Sequence[Arrival]) -> None:
        """These were fetched and are not in the store: deliver them again."""


class Terms(Struct, frozen=True, kw_only=True):
    """Whose inbox it is, what was agreed about duplicates, the limits and the clock."""

    member: MemberId
    agreement: Agreement
    limits: Limits
    now_ms: Callable[[], int]
    directory: Callable[[], Directory] | None = None
    """Of keys, to hold referrals against their submitters' signatures; None where the settings name none."""
    opened: Callable[[Referral], Referral] | None = None
    """Opens for that look what is sealed to the member; it is stored as it came."""


class Inbox:
    """Nothing that was fetched is lost: it is in the store, kept aside in the store, or fetched again."""

    def __init__(self, store: DeliveryStore, source: Source, codec: Codec, terms: Terms) -> None:
        self._store = store
        self._source = source
        self._codec = codec
        self._terms = terms
        self._received = Received()

    def agree(self, terms: Terms) -> None:
        """Other terms from the next referral on."""
        self._terms = terms

    def turn(self, wait_seconds: float) -> int:
        """Store what has arrived; tells how many records that were."""
        batch = self._source.fetch(BATCH, wait_seconds)
        if not batch:
            return 0
        try:
            with timed(STAGE), self._batch() as connection:
                read = [(arrival, self._receive(connection, arrival)) for arrival in batch]
                self._accept_all(connection, [(arrival, record) for arrival, record in read if record])
                for place in _last_places(batch):
                    arrivals.advance(connection, place)
        except BaseException:
            self._source.rewind(batch)
            raise
        return len(batch)

    def mend(self) -> int:
        """Try again what could not be read before: a newer release or a registered schema may read it."""
        mended = 0
        with self._batch() as connection:
            for place, value in arrivals.unreadable(connection):
                arrival = Arrival(place=place, value=value)
                try:
                    record = self._read(arrival)
                except (Unreadable, Refused):
                    continue
                self._accept_all(connection, [(arrival, record)])
                arrivals.mend(connection, place, self._terms.now_ms())
                mended += 1
        return mended

    @contextmanager
    def _batch(self) -> Iterator[Connection]:
        """One transaction; what became of its records is told once they are in the store."""
        self._received = received = Received()
        with self._store.begin() as connection:
            yield connection
        received.tell()

    def _receive(self, connection: Connection, arrival: Arrival) -> Referral | Status | None:
        """What it says; None where that cannot be read, and is kept aside."""
        try:
            record = self._read(arrival)
        except (Unreadable, Refused) as failure:
            failure_met(STAGE, failure)
            self._received.left("unreadable", arrival.place, code=failure.code)
            facts = {"topic": arrival.place.topic, "offset": arrival.place.offset, "code": failure.code}
            _LOG.error("A record was kept aside: it is nothing for this member.", extra={"facts": facts})
            arrivals.keep_unreadable(connection, arrival.place, arrival.value, failure.code, self._terms.now_ms())
            return None
        if isinstance(record, Referral):
            self._hold_against_signature(arrival, record)
        return record

    def _accept_all(self, connection: Connection, read: Sequence[tuple[Arrival, Referral | Status]]) -> None:
        """In the order in which they came: what one of them changes, the next one meets."""
        intake = Intake(connection, [record for _, record in read if isinstance(record, Referral)])
        for arrival, record in read:
            if isinstance(record, Referral):
                self._store_once(connection, arrival, record, intake)
            else:
                intake.write()
                self._accept(connection, arrival, record)
            intake.meet(record.report_id)
        intake.write()

    def _accept(self, connection: Connection, arrival: Arrival, status: Status) -> None:
        if status.kind is StatusKind.ERASE:
            erasures.order(connection, status)
            self._received.left("erasure", arrival.place, status)
        elif status.kind is StatusKind.LEGAL_HOLD:
            stands = note_hold(connection, status, self._terms.now_ms())
            self._received.left("held" if stands else "hold_ended", arrival.place, status, status.code)
        elif status.kind is StatusKind.RECALL:
            self._take_back(connection, arrival, status)
        elif is_handed_on(status):
            self._note(connection, arrival, status)
        else:
            self._received.left("passed_by", arrival.place, status)

    def _note(self, connection: Connection, arrival: Arrival, status: Status) -> None:
        """Hand it on beside its referral; where that was taken back, there is nothing left to look at again."""
        copy = deliveries.find_referral(connection, status.referral_id)
        if copy and (copy.state is State.WITHDRAWN or deliveries.is_recalled(connection, copy.key)):
            self._received.left("notice_void", arrival.place, status)
            return
        now_ms = self._terms.now_ms()
        row = notice_row(status, now_ms, self._terms.limits.give_up_ms(now_ms))
        row |= {"retain_ms": copy.retain_ms} if copy else {}
        arrivals.add_notice(connection, row | _origin(arrival))
        self._received.left("notice", arrival.place, status)

    def _take_back(self, connection: Connection, arrival: Arrival, status: Status) -> None:
        """Stop what was given out before and has not left, remember that, and say so; sinks hear by the referral."""
        row = recall_row(status, self._terms.now_ms())
        arrivals.add_notice(connection, row | _origin(arrival))
        self._stop(connection, self._copies_before(connection, status))
        now_ms = self._terms.now_ms()
        owe(connection, [recalled_return(self._terms.member, status, now_ms)], now_ms)
        self._received.left("recall", arrival.place, status)

    def _hold_against_signature(self, arrival: Arrival, referral: Referral) -> None:
        """Sound the alarm where it is not what was signed; it is delivered all the same, because it may be urgent."""
        if self._terms.directory is None:
            return
        try:
            found = examined(self._opened(referral), self._terms.directory())
        except Broken as failure:
            failure_met(STAGE, failure)
            _LOG.warning("Signatures cannot be verified.", extra={"facts": {"code": failure.code}})
            return
        if suspicious := found.suspicious:
            record_left("origin", suspicious[0].provenance)
            SIGNATURE_FAILURES.labels(STAGE).inc()
            facts = {"topic": arrival.place.topic, "offset": arrival.place.offset, "fields": list(found.all_altered)}
            _LOG.error(sentence(found), extra={"facts": facts})

    def _opened(self, referral: Referral) -> Referral:
        """What does not open is no alarm of a signature: that is met on the way to a sink; the rest is held here."""
        try:
            return self._terms.opened(referral) if self._terms.opened else referral
        except (Unreadable, Broken):
            return referral

    def _read(self, arrival: Arrival) -> Referral | Status:
        """A status on the member's status topic, and a referral on every other; never another member's."""
        member, record = self._terms.member, self._decoded(arrival)
        if (record.member if isinstance(record, Status) else record.recipient) != member:
            raise Refused(
                f"This topic holds what is for '{member}', found something for another member. "
                "Tell the operator of the exchange at once.",
                code="inbox.foreign",
            )
        return record

    def _decoded(self, arrival: Arrival) -> Referral | Status:
        if arrival.place.topic == status_topic(self._terms.member):
            return self._codec.loads(arrival.value, Status)
        return self._codec.loads(arrival.value, Referral)

    def _store_once(self, connection: Connection, arrival: Arrival, referral: Referral, intake: Intake) -> None:
        is_first = intake.is_first(referral.report_id)
        if not is_first:
            intake.write()
            if arrivals.known(connection, (referral.referral_id,)):
                self._received.left("replayed", arrival.place, referral)
                return
        row = referral_row(referral, self._terms.now_ms(), self._terms.limits) | _origin(arrival)
        if is_canary(referral):
            intake.add(row_of(row), unknown(referral))
            self._received.left(CANARY, arrival.place, referral)
            return
        void = None if is_first else self._void(connection, referral)
        state, rule = (State.WITHDRAWN, void) if void else self._decide(referral, intake)
        row |= {"state": state, "reason_code": rule}
        if state is State.BUNDLED:
            row["bundle_key"] = self._bundle_for(referral, intake)
        intake.add(row, referral)
        if arrival.context:
            traces.keep(connection, referral.referral_id, arrival.context)
        self._received.left(state, arrival.place, referral, rule)
        if state in (State.COUNTED, State.WITHDRAWN):
            self._tell(connection, [_delivery(referral)], state, rule)

    def _decide(self, referral: Referral, intake: Intake) -> tuple[State, str]:
        agreement = self._terms.agreement
        decision = decide(referral, intake.standing_of(referral, agreement.since_ms(self._terms.now_ms())), agreement)
        return _STATES[decision.treatment], decision.rule

    def _void(self, connection: Connection, referral: Referral) -> str:
        """Why nobody gets it, given what was said of its report before; empty where nothing speaks against it."""
        if erasures.reopen(connection, referral.report_id):
            return "erasure.ordered"
        if referral.withdrawn:
            return "delivery.nothing_to_recall" if self._recall(connection, referral) else ""
        return "delivery.withdrawn" if self._is_recalled(connection, referral) else ""

    def _recall(self, connection: Connection, notice: Referral) -> bool:
        """Stop the copies that have not left; True where no sink can have got any, so that there is nobody to tell."""
        copies = self._copies_before(connection, notice)
        is_out = any(copy.state in MAY_HAVE for copy in copies) or _left(connection, copies)
        self._stop(connection, copies)
        return bool(copies) and not is_out

    def _copies_before(self, connection: Connection, notice: Referral | Status) -> list[Delivery]:
        found = arrivals.copies_until(connection, notice.report_id, notice.revision)
        return [copy for copy in found if self._is_before(copy, notice)]

    def _stop(self, connection: Connection, copies: Sequence[Delivery]) -> None:
        stopped = arrivals.recall(connection, copies, self._terms.now_ms())
        self._tell(connection, stopped, State.WITHDRAWN, "delivery.withdrawn")
        self._reconsider(connection, copies)

    def _reconsider(self, connection: Connection, recalled: Sequence[Delivery]) -> None:
        """What was held back because of a copy that is taken back now would never be had in full: let it go."""
        agreement, now_ms, coming = self._terms.agreement, self._terms.now_ms(), Standing()
        for delivery in arrivals.held_back(connection, [copy.key for copy in recalled]):
            referral = self._codec.loads(delivery.value, Referral)
            standing = arrivals.standing_of(connection, referral, agreement.since_ms(delivery.received_ms))
            decision = decide(referral, standing.beside(coming), agreement)
            if decision.treatment is Treatment.DELIVER:
                self._let_go(connection, delivery, decision.rule, now_ms)
                coming = coming.beside(given_by(referral))

    def _let_go(self, connection: Connection, delivery: Delivery, rule: str, now_ms: int) -> None:
        deliveries.settle(
            connection,
            delivery,
            after(delivery.state, Event.RESUME),
            now_ms,
            due_ms=now_ms,
            expires_ms=min(self._terms.limits.give_up_ms(now_ms), delivery.retain_ms),
            reason_code=rule,
            bundle_key=None,
        )

    def _is_recalled(self, connection: Connection, referral: Referral) -> bool:
        """Whether its recall overtook it: an urgent referral and its recall are on two topics."""
        values = arrivals.values_from(connection, referral.report_id, referral.revision)
        later = (self._codec.loads(value, Referral) for value in values)
        notices = arrivals.notices_from(connection, RECALL, (referral.report_id, referral.revision))
        taken_back = [_order(self._codec.loads(value, Status)) for value in notices]
        taken_back += [_order(other) for other in later if other.withdrawn]
        return any(order > _order(referral) for order in taken_back)

    def _is_before(self, copy: Delivery, notice: Referral | Status) -> bool:
        """Of one revision, the ruling tells; a copy that is erased was here before."""
        if copy.revision != notice.revision or copy.value is None:
            return copy.key != notice.referral_id
        return _order(self._codec.loads(copy.value, Referral)) < _order(notice)

    def _tell(self, connection: Connection, about: Sequence[Delivery], state: State, code: str) -> None:
        now_ms = self._terms.now_ms()
        owe(connection, (state_return(self._terms.member, each, state, now_ms, code) for each in about), now_ms)

    def _bundle_for(self, referral: Referral, intake: Intake) -> str:
        """The open bundle of this period with room in it; a test never shares one with a live report."""
        terms = self._terms
        due_ms = bundle_due_ms(terms.now_ms(), terms.agreement)
        row = bundle_row(referral, due_ms, terms.now_ms(), terms.limits)
        return intake.bundles.joined(f"bundle-{terms.member}-{due_ms}-{referral.mark.lower()}-", row)


def _order(said: Referral | Status) -> tuple[int, int]:
    return said.revision, said.ruling


def _left(connection: Connection, copies: Sequence[Delivery]) -> bool:
    """Whether a sink may have a copy all the same: one of several sinks, or a bundle with the copy in it."""
    keys = {copy.key for copy in copies} | {copy.bundle_key for copy in copies if copy.bundle_key}
    return deliveries.may_have_arrived(connection, sorted(keys))


def _last_places(batch: Sequence[Arrival]) -> list[Coordinate]:
    """The last record of each partition; a topic that was made anew counts as another one."""
    last: dict[tuple[str, str, int], Coordinate] = {}
    for arrival in batch:
        place = arrival.place
        key = (place.topic, place.topic_id, place.partition)
        last[key] = max(place, last.get(key, place))
    return list(last.values())


_STATES = {
    Treatment.DELIVER: State.RECEIVED,
    Treatment.BUNDLE: State.BUNDLED,
    Treatment.COUNT: State.COUNTED,
}


def _delivery(referral: Referral) -> Delivery:
    return Delivery(
        key=referral.referral_id, report_id=referral.report_id, revision=referral.revision, mark=referral.mark
    )


def _origin(arrival: Arrival) -> dict[str, Any]:
    """The record as it came, and where it lay."""
    return {
        "value": arrival.value,
        "topic": arrival.place.topic,
        "topic_id": arrival.place.topic_id,
        "partition": arrival.place.partition,
        "offset": arrival.place.offset,
    }
