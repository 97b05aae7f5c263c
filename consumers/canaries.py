"""Canaries at their end: they came all the way, the courier counts and stops them, unless the member wants them."""

from collections.abc import Iterable
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import Connection, select

from consumers.codec import Codec
from consumers.states import State
from consumers.store.deliveries import Delivery
from consumers.store.tables import DELIVERIES
from schemas.failures import Unreadable
from schemas.records.identifiers import MemberId
from schemas.records.referral import CANARY, Referral
from schemas.records.values import Mark
from tocsin.runtime.metrics import CANARY_SENT

KIND: Final = "canary"
"""Of its delivery: no referral, so that nothing that counts, lists, bundles or answers referrals sees it (ADR 0043)."""
STOPPED: Final = "courier.canary"
_URGENT: Final = ".urgent.v1"


def is_canary(referral: Referral) -> bool:
    """Only triage writes the word, and only into what the policy's canary sent; a live report never stops here."""
    return CANARY in referral.changes and referral.mark is Mark.TEST


def row_of(row: dict[str, Any]) -> dict[str, Any]:
    """The row of a referral as that of a canary: no person is ever called for it."""
    return row | {"kind": KIND, "state": State.RECEIVED, "escalate_ms": None}


def unknown(referral: Referral) -> Referral:
    """Without the keys by which later reports would be held against it."""
    return replace(referral, content_keys=(), circumstance_keys=())


def lane_of(topic: str) -> str:
    """Which way it came: triage's lanes end on the recipient's two topics."""
    return "escalated" if topic.endswith(_URGENT) else "normal"


def arrived(member: MemberId, delivery: Delivery, referral: Referral) -> None:
    """Publish when the newest that came was sent: its age says that the way is open, and how long it takes."""
    CANARY_SENT.labels(member, lane_of(delivery.topic)).set(referral.submitted_at.epoch_ms / 1000)


def remember(connection: Connection, member: MemberId, codec: Codec) -> int:
    """Publish it again after a start; tells of how many lanes. A way that was never open has no canary to remember."""
    found = dict(_newest(connection, codec))
    for delivery, referral in found.values():
        arrived(member, delivery, referral)
    return len(found)


def _newest(connection: Connection, codec: Codec) -> Iterable[tuple[str, tuple[Delivery, Referral]]]:
    columns = DELIVERIES.c
    for lane in ("escalated", "normal"):
        is_urgent = columns.topic.endswith(_URGENT)
        statement = (
            select(columns.key, columns.topic, columns.value)
            .where(columns.kind == KIND, columns.state == State.DELIVERED, columns.value.is_not(None))
            .where(is_urgent if lane == "escalated" else ~is_urgent)
            .order_by(columns.received_ms.desc())
            .limit(1)
        )
        for row in connection.execute(statement):
            try:
                yield lane, (Delivery(key=row.key, topic=row.topic), codec.loads(row.value, Referral))
            except Unreadable:
                continue
