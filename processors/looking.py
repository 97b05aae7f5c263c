"""What members say of people who look at their referrals, as the audit log keeps it; pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from processors.intake import Rejected
from processors.telling import Read
from schemas.catalogue import message
from schemas.looking import REFERRALS, refusal_of_reading
from schemas.records.answers import ReferralsRead
from schemas.records.values import Instant
from tocsin.runtime.audit.statements import Fact, Reading, Span
from tocsin.runtime.transport.slices import RawRecord

COMMAND = "subscribe"


def looked(raw: RawRecord, said: ReferralsRead) -> Read:
    """As it came, or with why it cannot be kept."""
    code = refusal_of_reading(said)
    rejected = Rejected(code=code, field="", message=message(code)) if code else None
    return Read(raw=raw, looked=said, said=ReferralsRead, rejected=rejected)


def facts(read: Iterable[Read]) -> Iterator[Fact]:
    """One for each that counts, at the broker's time and not at the member's."""
    for entry in read:
        if entry.looked is not None and entry.rejected is None:
            yield Fact(statement=_reading(entry.looked), at_ms=entry.raw.timestamp_ms, log_offset=entry.raw.offset)


def _reading(said: ReferralsRead) -> Reading:
    """No member can name a person of the exchange, or of another member: whose person it is belongs to the name."""
    span = f"from {_when(said.since, 'the first')} until {_when(said.until, 'the last')}"
    return Reading(
        person=f"{said.person.strip()} of {said.member}",
        purpose=said.purpose or "not stated",
        command=COMMAND,
        what=f"the {said.what} of {said.member} {span}",
        member=said.member,
        span=_span(said) if said.what == REFERRALS else None,
    )


def _span(said: ReferralsRead) -> Span:
    since, until = (None if at is None else at.epoch_ms for at in (said.since, said.until))
    return Span(since_ms=since, until_ms=until)


def _when(at: Instant | None, otherwise: str) -> str:
    """Whatever a member writes as an instant has words."""
    if at is None:
        return otherwise
    try:
        return f"{datetime.fromtimestamp(at.epoch_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return "an instant that no calendar has"
