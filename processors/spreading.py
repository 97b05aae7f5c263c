"""A report that is taken back or disputed: whoever was told that another one is linked to it is told of that as well.

One link far and no farther: near is not chained (ADR 0009). Runs beside the returns, from what the database has.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Row, text

from processors.letters import Writer, status_id
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.records.triage import LinkState
from schemas.records.values import Instant, Mark
from tocsin.policy.bundle import Bundle
from tocsin.policy.policies import Policies
from tocsin.runtime.database import Database
from tocsin.runtime.transport.errands import Errand

_MOST: Final = 500
"""At once; the others follow."""
SETTLED_MS: Final = 600_000
"""How long a fall is looked at again: a decision that was claimed before it may be settled after it."""
WHOLE_MS: Final = 3_600_000
"""How often all falls are looked at, for a decision that was settled later than that."""
CODES: Final = {LinkState.RETRACTED: "link.retracted", LinkState.DISPUTED: "link.disputed"}


class Changed(Struct, frozen=True, kw_only=True):
    """A referral whose recipient was told of links, and one linked report that stands no more."""

    referral_id: ReferralId
    report_id: ReportId
    revision: int
    mark: Mark
    recipient: MemberId
    other: ReportId
    state: LinkState
    distance: int | None


class Trail:
    """From which claim number on falls are looked through: those of the last minutes, and all of them now and then."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque()
        self._after = 0
        self._whole_ms: int | None = None

    def after(self, now_ms: int) -> int:
        """Falls with a higher number than this one have to be looked at now."""
        if self._whole_ms is None or now_ms - self._whole_ms >= WHOLE_MS:
            self._whole_ms, self._after = now_ms, 0
        return self._after

    def passed(self, now_ms: int, last: int) -> None:
        """All falls up to that number were looked at, and nothing was left over."""
        self._seen.append((now_ms, last))
        while self._seen and self._seen[0][0] <= now_ms - SETTLED_MS:
            self._after = self._seen.popleft()[1]


class Spreading:
    """Looks for what is not told yet; one per process, and harmless in several."""

    def __init__(self, policies: Policies, writer: Writer, database: Database) -> None:
        self._trail = Trail()
        self._policies = policies
        self._writer = writer
        self._database = database

    def __call__(self, now_ms: int) -> Errand:
        """What to send, and what to write down once it is sent. May raise Temporary."""
        asked = {"limit": _MOST, "after": self._trail.after(now_ms)}
        with self._database.transaction() as connection:
            last = connection.execute(_LAST).scalar_one()
            changed = [_changed(row) for row in connection.execute(_CHANGED, asked)]
        if len(changed) < _MOST:
            self._trail.passed(now_ms, last)
        told = (status for status in notices(changed, self._policies.at(now_ms), now_ms))
        return Errand(records=tuple(map(self._writer.status, told)), done=lambda: self._note(changed))

    def _note(self, changed: Sequence[Changed]) -> None:
        rows = [{"referral_id": one.referral_id, "other": one.other, "state": one.state} for one in changed]
        if rows:
            with self._database.transaction() as connection:
                connection.execute(_NOTE, rows)


def notices(changed: Sequence[Changed], bundle: Bundle, now_ms: int) -> list[Status]:
    """One status for each; a near match farther than the recipient wants to hear of was never told as a link."""
    return [_status(one, now_ms) for one in changed if _was_told(one, bundle)]


def _was_told(one: Changed, bundle: Bundle) -> bool:
    member = bundle.members.get(one.recipient)
    return member is not None and (one.distance is None or one.distance <= member.near_distance)


def _status(one: Changed, now_ms: int) -> Status:
    """Names neither the other report nor whose it is."""
    return Status(
        status_id=status_id(f"{one.referral_id}\x1f{one.other}\x1f{one.state}", one.revision, StatusKind.LINK_CHANGED),
        member=one.recipient,
        report_id=one.report_id,
        referral_id=one.referral_id,
        revision=one.revision,
        mark=one.mark,
        kind=StatusKind.LINK_CHANGED,
        at=Instant(epoch_ms=now_ms),
        code=CODES[one.state],
    )


def _changed(row: Row[Any]) -> Changed:
    return Changed(
        referral_id=ReferralId(str(row.referral_id)),
        report_id=ReportId(str(row.report_id)),
        revision=row.revision,
        mark=Mark(row.mark),
        recipient=MemberId(row.recipient),
        other=ReportId(str(row.other)),
        state=LinkState(row.state),
        distance=row.distance,
    )


_CHANGED: Final = text("""
    with fallen as (
        select report_id, 'RETRACTED' as state from report_revisions where withdrawn and claim_number > :after
        union
        select report_id, 'DISPUTED' from disputes d
        where claim_number > :after
        and not exists (select 1 from report_revisions r where r.report_id = d.report_id and r.withdrawn)
    ),
    held as (
        select distinct on (report_id, recipient) referral_id, report_id, revision, mark, recipient, withdrawal,
               links_told
        from referrals where report_id in (select l.report_id from links l join fallen f on f.report_id = l.other)
        order by report_id, recipient, revision desc, ruling desc
    )
    select h.referral_id, h.report_id, h.revision, h.mark, h.recipient, l.other, f.state, l.distance
    from fallen f join links l on l.other = f.report_id join held h on h.report_id = l.report_id
    where h.links_told and not h.withdrawal and not exists (
        select 1 from link_notices n
        where n.referral_id = h.referral_id and n.other = l.other and n.state = f.state
    )
    order by h.referral_id, l.other limit :limit
""")
_LAST: Final = text("""
    select greatest((select max(claim_number) from report_revisions where withdrawn),
                    (select max(claim_number) from disputes), 0)
""")
_NOTE: Final = text(
    "insert into link_notices (referral_id, other, state) "
    "values (cast(:referral_id as uuid), cast(:other as uuid), :state) on conflict do nothing"
)
