"""Repairing a past range: whose route or release differs under the rules in force now is decided again, by a ruling."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Row, text

from processors.amending import amended
from processors.intake import Rejected
from processors.retrial import Court, Held, Verdict
from schemas.catalogue import message
from schemas.failures import Refused, Unreadable
from schemas.records.identifiers import MemberId, ReportId, ruling_id_of
from schemas.records.report import ReportSubmitted
from schemas.records.ruling import Ruling, RulingCause
from schemas.records.triage import ReportTriaged
from schemas.records.values import Coordinate
from schemas.topics import TRIAGED
from tocsin.policy.bundle import Bundle
from tocsin.policy.policies import Policies
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.ledger.amendments import amendments_of
from tocsin.runtime.ledger.suspensions import barred
from tocsin.runtime.records import Records
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.transport.slices import RawRecord

MOST_REPORTS: Final = 100_000
"""In one repair; a larger one is narrowed."""
_CHUNK: Final = 500
_CONDITION: Final = re.compile(r"(?P<key>[a-z]+)=(?P<value>.+)")

Conditions = Mapping[str, str]


class Sworn(Struct, frozen=True, kw_only=True):
    """Who repairs what, and why; kept with every ruling."""

    by: str
    reason: str
    occasion: str


class Repair(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One report whose recipients, or what they see, are otherwise by now."""

    ruling: Ruling
    reference: str
    gains: tuple[MemberId, ...] = ()
    loses: tuple[MemberId, ...] = ()
    sees_otherwise: tuple[MemberId, ...] = ()

    def act(self) -> Act:
        """Who has it decided again, and what follows, as the audit log keeps it."""
        follows = {"gets it": self.gains, "sees other fields": self.sees_otherwise, "gives it up": self.loses}
        words = (f"{member} {word}" for word, members in follows.items() for member in members)
        ruling = self.ruling
        return Act(
            person=ruling.decided_by,
            reason=ruling.reason,
            command="reroute",
            what=f"had the report {ruling.report_id} of {ruling.submitter} decided again: {', '.join(words)}",
            member=ruling.submitter,
            report=ruling.report_id,
        )


class Gone(Struct, frozen=True, kw_only=True):
    """One report that cannot be decided again: retention took its record or its decision."""

    report_id: ReportId


class Bureau(Struct, frozen=True, kw_only=True):
    """What a repair is decided with; reads and decides, and sends nothing."""

    rules: Policies
    records: Records
    codec: RecordCodec
    personal_schema_id: int
    now_ms: int
    opener: Opener | None = None

    def repairs(self, connection: Connection, conditions: Conditions, sworn: Sworn) -> Iterator[Repair | Gone | None]:
        """One answer for each report that fits; None where nothing differs."""
        for rows in _chunks(candidates(connection, conditions)):
            decisions = self._decisions(rows)
            records = self.records([recorded.source for recorded in decisions.values()])
            for row in rows:
                recorded = decisions.get(str(row.report_id))
                raw = records.get(recorded.source) if recorded else None
                if recorded is None or raw is None:
                    yield Gone(report_id=ReportId(str(row.report_id)))
                else:
                    yield self._repair(connection, (recorded, raw), sworn)

    def _repair(
        self, connection: Connection, case: tuple[ReportTriaged, RawRecord], sworn: Sworn
    ) -> Repair | Gone | None:
        recorded, raw = case
        court = self._court(self.rules.at(self.now_ms).suspending(barred(connection).keys()))
        accepted = court.readmit(raw, recorded.submitter)
        if isinstance(accepted, Rejected) or not isinstance(accepted.report, ReportSubmitted):
            return Gone(report_id=recorded.report_id)
        ruling = self._ruling(connection, recorded, sworn)
        if ruling.closed:
            return None
        accepted = replace(accepted, report=amended(accepted.report, ruling.amendments))
        after = court.decide(accepted, recorded, self.now_ms, ruling)
        holders = connection.execute(_HOLDERS, {"report": recorded.report_id}).all()
        earlier = {
            digest: self._court(bundle).decide(accepted, recorded, recorded.triaged_as_of.epoch_ms, ruling)
            for digest in {holder.policy for holder in holders}
            if (bundle := self.rules.of(digest)) is not None
        }
        before = {MemberId(holder.recipient): _held(earlier, holder) for holder in holders}
        return compared(ruling, recorded.submitter_reference, before, after)

    def _ruling(self, connection: Connection, recorded: ReportTriaged, sworn: Sworn) -> Ruling:
        """Whom people have added stays added, what they closed stays closed, and what was found out stays found out."""
        key = {"report": recorded.report_id, "revision": recorded.revision}
        people = connection.execute(_PEOPLE, key).one()
        return Ruling(
            ruling_id=ruling_id_of(recorded.report_id, recorded.revision, sworn.occasion),
            report_id=recorded.report_id,
            revision=recorded.revision,
            submitter=recorded.submitter,
            source=recorded.source,
            cause=RulingCause.REROUTE,
            occasion=sworn.occasion,
            decided_by=sworn.by,
            reason=sworn.reason,
            chosen=tuple(map(MemberId, people.chosen or ())),
            closed=bool(people.closed),
            amendments=amendments_of(connection, [recorded.report_id]).get(recorded.report_id, ()),
        )

    def _court(self, bundle: Bundle) -> Court:
        return Court(bundle=bundle, codec=self.codec, personal_schema_id=self.personal_schema_id, opener=self.opener)

    def _decisions(self, rows: Sequence[Row[Any]]) -> Mapping[str, ReportTriaged]:
        """By report; what retention took is left out."""
        places = {
            Coordinate(topic=TRIAGED, partition=row.out_partition, offset=row.out_offset): str(row.report_id)
            for row in rows
        }
        read = ((places[place], self._triaged(raw)) for place, raw in self.records(places).items())
        return {report: triaged for report, triaged in read if triaged is not None}

    def _triaged(self, raw: RawRecord) -> ReportTriaged | None:
        try:
            found = self.codec.loads(raw.value, ReportTriaged)
        except Unreadable:
            return None
        return found if isinstance(found, ReportTriaged) else None


def conditions_of(words: Sequence[str]) -> Conditions:
    """`key=value` as people write them; raises Refused for what nobody knows, and for none."""
    found: dict[str, str] = {}
    for word in words:
        condition = _CONDITION.fullmatch(word)
        if condition is None or condition["key"] not in _WHERE:
            raise Refused(message("reroute.condition", keys=", ".join(_WHERE)), code="reroute.condition")
        found[condition["key"]] = condition["value"]
    if not found:
        raise Refused(message("reroute.condition", keys=", ".join(_WHERE)), code="reroute.condition")
    return found


def candidates(connection: Connection, conditions: Conditions) -> Sequence[Row[Any]]:
    """The latest decision on each report that fits; what was withdrawn or revised since is nobody's any more."""
    where = " and ".join(_WHERE[key] for key in conditions)
    statement = text(_CANDIDATES.format(where=where))
    rows = connection.execute(statement, {**conditions, "limit": MOST_REPORTS + 1}).all()
    if len(rows) > MOST_REPORTS:
        raise Refused(message("reroute.too_many", most=MOST_REPORTS), code="reroute.too_many")
    return rows


def _chunks(rows: Sequence[Row[Any]]) -> Iterator[Sequence[Row[Any]]]:
    return (rows[first : first + _CHUNK] for first in range(0, len(rows), _CHUNK))


def _held(earlier: Mapping[str, Verdict], holder: Row[Any]) -> Held | None:
    """What the member has, as far as the bundle that gave it is still there."""
    verdict = earlier.get(holder.policy)
    return verdict.held.get(MemberId(holder.recipient)) if verdict else None


def compared(ruling: Ruling, reference: str, before: Mapping[MemberId, Held | None], after: Verdict) -> Repair | None:
    """What differs, or None; in doubt about what a member has, it gets another copy."""
    both = sorted(before.keys() & after.held.keys())
    stands = tuple(m for m in both if (held := before[m]) is not None and held.sees_as(after.held[m]))
    found = Repair(
        ruling=replace(ruling, unchanged=stands),
        reference=reference,
        gains=tuple(sorted(after.held.keys() - before.keys())),
        loses=tuple(sorted(before.keys() - after.held.keys())),
        sees_otherwise=tuple(m for m in both if m not in stands),
    )
    return found if found.gains or found.loses or found.sees_otherwise else None


_WHERE: Final = {
    "policy": "d.policy like :policy || '%'",
    "submitter": "d.submitter = :submitter",
    "reference": "d.submitter_reference = :reference",
    "report": "d.report_id = cast(:report as uuid)",
    "tier": "d.tier = upper(:tier)",
    "mark": "d.mark = upper(:mark)",
    "from": "d.at >= cast(:from as timestamptz)",
    "until": "d.at < cast(:until as timestamptz)",
    "recipient": "exists (select 1 from referrals r where r.report_id = d.report_id and r.recipient = :recipient)",
}
_CANDIDATES: Final = """
    select d.report_id, d.revision, d.ruling, d.out_partition, d.out_offset from decisions d
    where not exists (
        select 1 from decisions later where later.report_id = d.report_id
        and (later.revision, later.ruling) > (d.revision, d.ruling)
    ) and not exists (
        select 1 from report_revisions other where other.report_id = d.report_id and other.revision > d.revision
    ) and {where}
    order by d.out_partition, d.out_offset limit :limit
"""
_HOLDERS: Final = text("""
    select held.recipient, coalesce(d.policy, '') as policy from (
        select distinct on (recipient) recipient, report_id, revision, ruling, withdrawal from referrals
        where report_id = cast(:report as uuid) order by recipient, revision desc, ruling desc
    ) held left join decisions d using (report_id, revision, ruling)
    where not held.withdrawal order by held.recipient
""")
_PEOPLE: Final = text("""
    select array_agg(distinct name) filter (where name is not null) as chosen, bool_or(closed) as closed
    from rulings left join lateral unnest(chosen) as name on true
    where report_id = cast(:report as uuid) and revision = :revision
""")
