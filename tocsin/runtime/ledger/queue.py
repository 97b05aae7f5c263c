"""What rules cannot settle, as people work on it: listed with age and deadline, taken by name, decided and closed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Row, text

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import JurisdictionCode, MemberId
from schemas.records.values import Coordinate
from tocsin.runtime.pipeline import Query, send

TRIAGE: Final = "triage"
"""The cause of what triage itself could not settle; every other cause is the id of a return."""


class Act(StrEnum):
    """What a person can decide."""

    REFER = "refer"
    CLOSE = "close"


class Alert(StrEnum):
    """Why an entry cannot wait any longer, the gravest first."""

    URGENT_WITHOUT_RECIPIENT = "urgent and nobody has it"
    OVERDUE = "overdue"
    SOON = "due within the hour"
    NONE = ""


class Waiting(Struct, frozen=True, kw_only=True):
    """One entry: what waits, why, since when, until when, and who works on it."""

    number: int
    report_id: str
    revision: int
    referral_id: str
    """Of a delivery that waits; empty where the report itself does."""
    recipient: str
    """Whose delivery that is."""
    submitter: str
    submitter_reference: str
    mark: str
    tier: str
    reasons: tuple[str, ...]
    recipients: int
    """How many have it while it waits."""
    deadline: datetime | None
    at: datetime
    taken_by: str
    decided_by: str
    """Decided, and not carried out yet."""
    source: Coordinate
    """Where the report lies."""

    def alert(self, now: datetime) -> Alert:
        """What is a test never alarms anybody."""
        if self.mark == "TEST":
            return Alert.NONE
        if self.tier == "URGENT" and not self.recipients:
            return Alert.URGENT_WITHOUT_RECIPIENT
        if self.deadline is None:
            return Alert.NONE
        seconds = (self.deadline - now).total_seconds()
        return Alert.OVERDUE if seconds <= 0 else Alert.SOON if seconds <= _SOON_SECONDS else Alert.NONE


class Ruled(Struct, frozen=True, kw_only=True):
    """What a named person decided about an entry."""

    number: int
    act: Act
    members: tuple[MemberId, ...]
    by: str
    reason: str


class Entered(Struct, frozen=True, kw_only=True):
    """One delivery that a person has to look at, by what its recipient said."""

    referral_id: str
    cause: str
    """Entering it again under the same cause changes nothing."""
    reason: str
    ends: tuple[str, ...] = ()
    """States of the referral that end the waiting by themselves."""
    when_all_refused: bool = False
    """Only where nobody else has the report."""


class Holder(Struct, frozen=True, order=True):
    """A member that has the report now."""

    member: MemberId
    jurisdiction: JurisdictionCode


def enter_queries(entries: Sequence[Entered]) -> Sequence[Query]:
    """Put deliveries into the queue; those of tests need nobody."""
    names = Entered.__struct_fields__
    return [Query(_ENTER, {name: getattr(one, name) for name in names} | {"ends": list(one.ends)}) for one in entries]


def enter(connection: Connection, entries: Sequence[Entered]) -> None:
    """The same, within a transaction."""
    send(connection, enter_queries(entries))


def waiting(connection: Connection, member: str = "") -> Sequence[Waiting]:
    """Everything that waits, the most pressing first; of one member's reports or deliveries where it is named."""
    return [_waiting(row) for row in connection.execute(_OPEN, {"member": member, "number": None})]


def find(connection: Connection, number: int) -> Waiting:
    """One entry that waits; raises Refused where there is none of that number, or no longer."""
    row = connection.execute(_OPEN, {"member": "", "number": number}).first()
    if row is None:
        raise Refused(message("queue.unknown", number=number), code="queue.unknown")
    return _waiting(row)


def take(connection: Connection, entry: Waiting, by: str, *, over: bool = False) -> None:
    """Work on it by name; raises Refused where somebody else does and is not relieved."""
    if entry.taken_by not in {"", by} and not over:
        raise Refused(message("queue.taken", by=entry.taken_by), code="queue.taken")
    connection.execute(_TAKE, {"number": entry.number, "by": by})


def record(connection: Connection, ruled: Ruled) -> None:
    """Write down what was decided before anything is sent; raises Refused where another decision stands."""
    row = {"members": list(ruled.members), "act": ruled.act, "by": ruled.by, "reason": ruled.reason}
    if connection.execute(_DECIDE, row | {"number": ruled.number}).rowcount == 0:
        raise Refused(message("queue.decided"), code="queue.decided")


def close(connection: Connection, number: int) -> None:
    """It was carried out."""
    connection.execute(_CLOSE, {"number": number})


def holders(connection: Connection, report_id: str) -> tuple[Holder, ...]:
    """Who has the report at the moment: not who was told to give it up."""
    rows = connection.execute(_HOLDERS, {"report": report_id})
    return tuple(
        Holder(MemberId(row.recipient), JurisdictionCode(row.jurisdiction)) for row in rows if not row.withdrawal
    )


def alarms(entries: Sequence[Waiting], now: datetime) -> Mapping[Alert, int]:
    """How many entries stand under each alert."""
    found = dict.fromkeys(Alert, 0)
    for entry in entries:
        found[entry.alert(now)] += 1
    return found


def _waiting(row: Row[Any]) -> Waiting:
    taken = {name: row._mapping[name] for name in Waiting.__struct_fields__ if name != "source"}
    place = Coordinate(topic_id=row.topic_id, topic=row.topic, partition=row.partition, offset=row.log_offset)
    return Waiting(**(taken | {"reasons": tuple(row.reasons), "source": place}))


_SOON_SECONDS: Final = 3600
_ENTER: Final = text("""
    insert into queue (stream, log_offset, cause, report_id, revision, referral_id, recipient, submitter,
                       submitter_reference, mark, tier, reasons, recipients, deadline, ends)
    select r.stream, r.log_offset, cast(:cause as text), r.report_id, r.revision, r.referral_id, r.recipient,
           r.submitter, r.submitter_reference, r.mark, r.tier, array[cast(:reason as text)], others.n,
           case when r.tier = 'URGENT' then now() end, cast(:ends as text[])
    from referrals r cross join lateral (
        select count(distinct o.recipient) as n from referrals o
        where o.report_id = r.report_id and o.revision = r.revision and not o.withdrawal
          and o.recipient <> r.recipient and o.state not in ('refused', 'withdrawn', 'left')
    ) others
    where r.referral_id = cast(:referral_id as uuid) and r.mark <> 'TEST'
      and (not :when_all_refused or others.n = 0)
    on conflict do nothing
""")
_OPEN: Final = text("""
    select q.number, q.report_id::text, q.revision, coalesce(q.referral_id::text, '') as referral_id, q.recipient,
           q.submitter, q.submitter_reference, q.mark, q.tier, q.reasons, q.recipients, q.deadline, q.at,
           coalesce(q.taken_by, '') as taken_by, coalesce(q.decided_by, '') as decided_by,
           s.topic_id, s.topic, s.partition, own.log_offset
    from queue q join report_revisions own on own.report_id = q.report_id and own.revision = q.revision
         join streams s on s.stream = own.stream left join referrals r on r.referral_id = q.referral_id
    where q.closed_at is null and (cast(:number as bigint) is null or q.number = :number)
      and :member in ('', q.submitter, q.recipient)
      and not coalesce(r.state = any(q.ends), false)
      and not exists (
          select 1 from report_revisions later
          where later.report_id = q.report_id and later.revision > q.revision
      )
    order by q.mark = 'TEST', q.tier <> 'URGENT', q.deadline nulls last, q.at, q.number
""")
"""A later revision, or a delivery that went through after all, ends the waiting by itself."""
_TAKE: Final = text("update queue set taken_by = :by, taken_at = now() where number = :number")
_DECIDE: Final = text("""
    update queue set act = :act, members = :members, decided_by = :by, decided_at = now(), reason = :reason,
                     taken_by = coalesce(taken_by, :by), taken_at = coalesce(taken_at, now())
    where number = :number and closed_at is null
      and (decided_by is null or decided_at < now() - interval '10 minutes'
           or (act = :act and members = cast(:members as text[])))
""")
_CLOSE: Final = text("update queue set closed_at = now() where number = :number")
_HOLDERS: Final = text("""
    select distinct on (recipient) recipient, jurisdiction, withdrawal from referrals
    where report_id = cast(:report as uuid) order by recipient, revision desc, ruling desc
""")
