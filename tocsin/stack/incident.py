"""A record that may hold a picture: whom to tell, in which order, and what of it; pure, and never the record."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.records.identifiers import MemberId
from schemas.topics import RETENTION_MS
from tocsin.policy.members import Member
from tocsin.runtime.ledger.deadletters import OPEN, DeadLetter
from tocsin.runtime.settings import IncidentContacts

_RETENTION: Final = timedelta(milliseconds=RETENTION_MS)


def to_tell(
    letter: DeadLetter, came_ms: int, members: Callable[[], Mapping[MemberId, Member]], contacts: IncidentContacts
) -> Iterator[str]:
    """The lines for whoever looks at a letter that was masked and is open; `came_ms` is the time of its record.

    The members, which are read from the policy store, are asked for only where somebody is to be told.
    """
    if not letter.masked or letter.state != OPEN:
        return
    member = members().get(MemberId(letter.member))
    came = datetime.fromtimestamp(came_ms // 1000, UTC)
    officer, police = contacts.data_protection_officer, contacts.police_unit
    yield "What was masked may be a picture: open no record, and act by docs/runbooks/an-imagery-incident.md."
    yield "Tell, in this order, and not over this exchange:"
    yield f"  1. {letter.member}: {_reached(member.out_of_band if member else '', 'out_of_band in members.toml')}"
    yield f"  2. data-protection officer: {_reached(officer, _setting('data_protection_officer'))}"
    yield f"  3. police unit: {_reached(police, _setting('police_unit'))}"
    yield f"This alone: {letter.name}, {_time(came)}, {letter.value_bytes} bytes, SHA-256 {letter.value_sha256}"
    yield f"Left alone, the broker deletes the record by itself, and not before {_time(came + _RETENTION)}."


def _reached(contact: str, where: str) -> str:
    return contact or f"not named. Set {where}, and ask a colleague meanwhile"


def _setting(name: str) -> str:
    return f"{name} of [incident_contacts] in ops.toml"


def _time(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
