"""Who does not take part whatever the policy bundle says: suspended or left by a named person's word, at once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, text

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.pipeline import Query

Barred = Mapping[MemberId, int]
"""By member, the instant from which its records are refused, in UTC milliseconds; it receives nothing any more."""


class Kind(StrEnum):
    """Whether the member may come back by a word, or has to be added again."""

    SUSPENDED = "suspended"
    LEFT = "left"


class Suspension(Struct, frozen=True, kw_only=True):
    """One that is in force."""

    member: MemberId
    kind: Kind
    since: datetime
    decided_by: str
    reason: str


def barred(connection: Connection) -> Barred:
    """Every suspension in force, whichever its kind."""
    return barred_in(connection.execute(_IN_FORCE))


def barred_in(rows: Iterable[Any]) -> Barred:
    """As BARRED answers."""
    return {MemberId(row.member): int(row.since.timestamp() * 1000) for row in rows}


def suspensions(connection: Connection) -> Sequence[Suspension]:
    """By member."""
    return [
        Suspension(
            member=MemberId(row.member),
            kind=Kind(row.kind),
            since=row.since,
            decided_by=row.decided_by,
            reason=row.reason,
        )
        for row in connection.execute(_IN_FORCE)
    ]


def suspend(connection: Connection, member: MemberId, kind: Kind, excuse: Excuse) -> None:
    """From this commit on; who is suspended may leave, and keeps the earlier instant."""
    row = {"member": member, "kind": kind, "by": excuse.by, "reason": excuse.reason}
    connection.execute(_SUSPEND, row)
    connection.execute(_NOTE, row | {"step": kind})


def lift(connection: Connection, member: MemberId, excuse: Excuse) -> None:
    """It takes part again, as far as the bundle says so; raises Refused where it is not suspended, or has left."""
    row = {"member": member, "step": "lifted", "by": excuse.by, "reason": excuse.reason}
    if connection.execute(_LIFT, row).rowcount == 0:
        raise Refused(message("member.not_suspended", member=member), code="member.not_suspended")
    connection.execute(_NOTE, row)


_IN_FORCE: Final = text("select member, kind, since, decided_by, reason from suspensions order by member")
BARRED: Final = Query(_IN_FORCE)
_SUSPEND: Final = text(
    "insert into suspensions (member, kind, decided_by, reason) values (:member, :kind, :by, :reason) "
    "on conflict (member) do update set kind = excluded.kind, decided_by = excluded.decided_by, "
    "reason = excluded.reason where suspensions.kind = 'suspended'"
)
_LIFT: Final = text("delete from suspensions where member = :member and kind = 'suspended'")
_NOTE: Final = text(
    "insert into suspension_history (member, step, decided_by, reason) values (:member, :step, :by, :reason)"
)
