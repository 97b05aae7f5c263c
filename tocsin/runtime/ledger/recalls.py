"""Recalls: who was told to give a report up, and who has said that it knows."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Row, text

from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.records.values import Mark

LATE_AFTER: Final = timedelta(hours=1)
"""An inbox that runs acknowledges within seconds: whoever takes longer is not reading."""

OPEN: Final = ("waiting", "parked", "expired", "uncertain")
"""States in which nobody has said that the recall arrived."""


class Recall(Struct, frozen=True, kw_only=True):
    """One member that has to give one report up."""

    referral_id: ReferralId
    """Of the notice itself."""
    report_id: ReportId
    revision: int
    submitter: MemberId
    member: MemberId
    mark: Mark
    sent_at: datetime
    state: str
    state_at: datetime
    known_at: datetime | None = None
    """When its inbox said that it knows and has stopped what had not left; sinks may still have to be told."""
    is_label: bool = False
    """A newer copy of the report stands, without what a recipient had said of an item."""

    @property
    def is_open(self) -> bool:
        """Whether its member has not acknowledged it."""
        return self.state in OPEN

    def is_late(self, now: datetime) -> bool:
        """Whether it should have been acknowledged by now; a test is nobody's emergency."""
        return self.is_open and self.mark is not Mark.TEST and now - self.sent_at > LATE_AFTER

    def age(self, now: datetime) -> timedelta:
        """How long it has been open, or was."""
        return (now if self.is_open else self.state_at) - self.sent_at


class Tally(Struct, frozen=True, kw_only=True):
    """How many are open and late, and since when the oldest waits, in Unix seconds; 0 where none does."""

    open: int
    late: int
    oldest_seconds: float


def recalls(connection: Connection, *, open_only: bool = False) -> tuple[Recall, ...]:
    """The oldest first."""
    rows = connection.execute(_OPEN, {"open": list(OPEN)}) if open_only else connection.execute(_ALL)
    return tuple(map(_recall, rows))


def is_taken_back(connection: Connection, referral: str) -> bool:
    """Whether its recipient was told to give it up, by a recall or for a copy without a label, and not given it again.

    A later copy is another referral; the notice of a recall itself is not taken back.
    """
    return bool(connection.execute(_TAKEN_BACK, {"id": referral}).scalar())


def tally(found: Iterable[Recall], now: datetime) -> Tally:
    """What a worker publishes of them; tests are left out."""
    waiting: Sequence[Recall] = [one for one in found if one.is_open and one.mark is not Mark.TEST]
    return Tally(
        open=len(waiting),
        late=sum(one.is_late(now) for one in waiting),
        oldest_seconds=min((one.sent_at.timestamp() for one in waiting), default=0),
    )


def _recall(row: Row[Any]) -> Recall:
    return Recall(
        referral_id=ReferralId(str(row.referral_id)),
        report_id=ReportId(str(row.report_id)),
        revision=row.revision,
        submitter=MemberId(row.submitter),
        member=MemberId(row.recipient),
        mark=Mark(row.mark),
        sent_at=row.referred_at,
        state=row.state,
        state_at=row.state_at,
        known_at=row.known_at,
        is_label=row.is_label,
    )


_TAKES_BACK: Final = """(r.withdrawal or (r.ruling > 0 and exists (
        select 1 from rulings u where u.report_id = r.report_id and u.revision = r.revision and u.number = r.ruling
        and u.cause = 'LABEL_RECALLED'
    )))"""
"""Notices that take a report back, and copies that stand for one with a label that was taken back."""
_RECALLS: Final = f"""
    select r.referral_id, r.report_id, r.revision, r.submitter, r.recipient, r.mark, r.referred_at, r.state, r.state_at,
           not r.withdrawal as is_label,
           (select min(said.at) from returns said
            where said.referral_id = r.referral_id and said.kind = 'RECALLED') as known_at
    from referrals r where {_TAKES_BACK} {{also}} order by r.referred_at, r.referral_id
"""  # noqa: S608 -- put together from our own text
_ALL: Final = text(_RECALLS.format(also=""))
_OPEN: Final = text(_RECALLS.format(also="and r.state = any(cast(:open as text[]))"))
_TAKEN_BACK: Final = text(f"""
    select exists (
        select 1 from referrals asked join referrals r using (report_id, recipient)
        where asked.referral_id = cast(:id as uuid) and not asked.withdrawal
        and (r.revision, r.ruling) > (asked.revision, asked.ruling) and {_TAKES_BACK}
    )
""")  # noqa: S608 -- as above
"""Of the same order as what `tocsin subscribe` leaves out (consumers/takenback.py)."""
