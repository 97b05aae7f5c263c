"""What a legal hold does in an inbox: it is written down, and an order to erase that meets it waits (ADR 0048)."""

import logging
from typing import Final

from sqlalchemy import Connection

from consumers.courier import Desk
from consumers.messages import held_return
from consumers.store import arrivals, erasures
from consumers.store.erasures import Erasure
from consumers.store.outbox import owe
from consumers.store.tables import HOLDS
from schemas.records.answers import Status
from tocsin.runtime import holding

_LOG: Final = logging.getLogger(__name__)


def note_hold(connection: Connection, status: Status, now_ms: int) -> bool:
    """Write down what was told of a report, whether it came here before or comes later; tells whether a hold stands."""
    stands = holding.stands(holding.note(connection, HOLDS, status), now_ms)
    word = "A report is under legal hold." if stands else "No legal hold is on a report any more."
    _LOG.info(word, extra={"facts": {"report_id": status.report_id, "code": status.code}})
    return stands


def keep_for_hold(connection: Connection, order: Erasure, desk: Desk) -> None:
    """Stop what has not left of a report that is to be erased, and is held; the exchange is told, once an order."""
    now_ms = desk.now_ms()
    arrivals.recall(connection, erasures.of_report(connection, order.report_id), now_ms)
    if order.referral_id and owe(connection, [held_return(desk.member, order, now_ms)], now_ms):
        facts = {"report_id": order.report_id, "code": "erasure.held"}
        _LOG.warning("An order to erase waits for a legal hold to end.", extra={"facts": facts})
