"""A test report through the whole exchange to one member and nobody else: submitted, referred, delivered."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import uuid4

from msgspec import Struct
from sqlalchemy import text

from producers.draft import ReportDraft
from schemas.catalogue import message
from schemas.failures import Refused, Temporary
from schemas.records.identifiers import MemberId
from schemas.records.report import SharingChoices
from schemas.records.values import Mark
from tocsin.policy.bundle import Bundle
from tocsin.publisher import Publisher
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.settings import Settings

_POLL_SECONDS: Final = 0.5


class Trip(Struct, frozen=True, kw_only=True):
    """From whom to whom; the same member where it only submits."""

    submitter: MemberId
    recipient: MemberId | None


def travel(home: Path, ops: Settings, bundle: Bundle, trip: Trip, wait_seconds: float) -> str:
    """Publish one test report and wait until it has arrived; tells its reference.

    Raises Refused where the submitter's key is not here, Temporary where it does not arrive in time.
    """
    settings_file = home / "config" / f"{trip.submitter}.toml"
    if not settings_file.exists():
        raise Refused(message("member.cannot_try", by=trip.submitter), code="member.cannot_try")
    reference = f"round-trip-{uuid4()}"
    with Publisher(settings_file) as publisher:
        publisher.publish(draft(reference, bundle, trip))
    database = database_of(ops)
    try:
        _await(lambda: _arrived(database, reference, trip), wait_seconds)
    finally:
        database.close()
    return reference


def draft(reference: str, bundle: Bundle, trip: Trip) -> ReportDraft:
    """A report of nothing, marked as a test, that its submitter denies to everybody but the one that it is for."""
    others = (member for member in bundle.members if member not in {trip.recipient, trip.submitter})
    country = bundle.members[trip.recipient or trip.submitter].country
    return ReportDraft(
        submitter_reference=reference,
        mark=Mark.TEST,
        incident_types=("other",),
        declared_country=country,
        sharing=SharingChoices(deny_members=tuple(others)),
    )


def _arrived(database: Database, reference: str, trip: Trip) -> bool:
    asked = {"reference": reference, "submitter": trip.submitter, "recipient": trip.recipient}
    with database.transaction() as connection:
        return connection.execute(_DELIVERED if trip.recipient else _TRIAGED, asked).first() is not None


def _await(holds: Callable[[], bool], wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Temporary(message("member.round_trip", seconds=int(wait_seconds)), code="member.round_trip")
        time.sleep(_POLL_SECONDS)


_TRIAGED: Final = text("select 1 from decisions where submitter = :submitter and submitter_reference = :reference")
_DELIVERED: Final = text(
    "select 1 from referrals where submitter = :submitter and submitter_reference = :reference "
    "and recipient = :recipient and state in ('delivered', 'counted', 'taken_up')"
)
