"""Carries orders to erase out: in every sink first, then in the store, and says what could not be done."""

import logging
from collections.abc import Sequence
from typing import Final

from consumers.courier import Desk, Outlet
from consumers.held import keep_for_hold
from consumers.messages import erased_return
from consumers.store import arrivals, deliveries, erasures
from consumers.store.deliveries import Delivery
from consumers.store.engine import DeliveryStore
from consumers.store.erasures import Erasure
from consumers.store.outbox import owe
from schemas.failures import Refused, Temporary
from tocsin.runtime.metrics import failure_met, record_left

_BATCH: Final = 200
_STAGE: Final = "erasure"
_LOG: Final = logging.getLogger(__name__)


class Eraser:
    """At least once: a crash in between erases again what is gone already."""

    def __init__(self, store: DeliveryStore, outlets: Sequence[Outlet], desk: Desk) -> None:
        self._store = store
        self._outlets = tuple(outlets)
        self._desk = desk
        self._kept: frozenset[Erasure] = frozenset()
        """Orders that a legal hold makes wait, and of which that was said."""

    def turn(self) -> int:
        """Carry out what waits; tells how many orders are done. A sink that is away, or a hold, leaves one waiting."""
        with self._store.begin() as connection:
            now_ms = self._desk.now_ms()
            waiting, kept = erasures.waiting(connection, now_ms), frozenset(erasures.held_up(connection, now_ms))
            for one in kept - self._kept:
                keep_for_hold(connection, one, self._desk)
        self._kept = kept
        return sum(self._carry_out(one) for one in waiting)

    def let_go(self) -> int:
        """Erase in sinks and store what is past its own retention; tells how many. What cannot be now waits."""
        with self._store.begin() as connection:
            past = erasures.past(connection, self._desk.now_ms(), _BATCH)
        count = sum(self._let_go(delivery) for delivery in past)
        if count:
            self._store.forget()
            record_left(_STAGE, "let_go", count)
        return count

    def _let_go(self, delivery: Delivery) -> int:
        """A bundle stays in a sink until the last report in it is past."""
        with self._store.begin() as connection:
            if erasures.is_busy(connection, [delivery]):
                return 0
            left = not delivery.bundle_key and deliveries.may_have_arrived(connection, [delivery.key])
        try:
            answers = [self._cleared(outlet, delivery) for outlet in self._outlets if left]
        except Temporary as failure:
            failure_met(_STAGE, failure)
            return 0
        with self._store.begin() as connection:
            erasures.let_go(connection, delivery.key)
        if not all(answers):
            facts = {"referral_id": delivery.key, "code": "erasure.sinks_cannot"}
            _LOG.error("A referral is past its retention, and a sink cannot delete it.", extra={"facts": facts})
        return 1

    def _carry_out(self, one: Erasure) -> int:
        with self._store.begin() as connection:
            found = erasures.of_report(connection, one.report_id)
            arrivals.recall(connection, found, self._desk.now_ms())
            if erasures.is_busy(connection, found):
                return 0
        try:
            answers = [self._cleared(outlet, delivery) for outlet in self._outlets for delivery in found]
        except Temporary as failure:
            failure_met(_STAGE, failure)
            return 0
        code = "erasure.done" if all(answers) else "erasure.sinks_cannot"
        self._finish(one, [delivery.key for delivery in found], code)
        return 1

    def _cleared(self, outlet: Outlet, delivery: Delivery) -> bool:
        """Whether the sink has nothing of it any more; a bundle has others' reports in it, and stays."""
        if delivery.bundle_key:
            return False
        try:
            return outlet.sink.erase(delivery.key)
        except Refused as failure:
            failure_met(_STAGE, failure)
            return False

    def _finish(self, one: Erasure, keys: Sequence[str], code: str) -> None:
        now_ms = self._desk.now_ms()
        with self._store.begin() as connection:
            erasures.finish(connection, one, keys, now_ms)
            if one.referral_id:
                owe(connection, [erased_return(self._desk.member, one, code, now_ms)], now_ms)
        self._store.forget()
        record_left(_STAGE, code.rpartition(".")[2])
        level = logging.INFO if code == "erasure.done" else logging.ERROR
        _LOG.log(level, "A report was erased.", extra={"facts": {"report_id": one.report_id, "code": code}})
