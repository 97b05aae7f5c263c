"""Deciding a report again: the ruling, the record that it is about, and whom people added; pure but for the look-up."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from processors.amending import amended
from processors.decision import Proposed
from processors.examined import Examined
from processors.intake import CLOSED, Accepted, Door, Rejected
from processors.standing import is_restricted
from processors.steps.route.rules import SUPPORT, Case, addressee_of, refusal
from schemas.catalogue import message
from schemas.failures import Unreadable
from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted
from schemas.records.ruling import Ruling
from schemas.records.triage import RouteRefusal
from schemas.records.values import Coordinate
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import day_of
from tocsin.runtime.ledger.amendments import Amendments
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.transport.slices import RawRecord

LookUp = Callable[[Iterable[Coordinate]], Mapping[Coordinate, RawRecord]]
"""Reads records where they lie; what retention took is left out. May raise Temporary."""

CHOSEN = "person.chosen"


def no_records(_: Iterable[Coordinate]) -> Mapping[Coordinate, RawRecord]:
    """For whoever decides nothing again."""
    return {}


class Reopened(Struct, frozen=True, kw_only=True):
    """A ruling with the record that it is about."""

    ruling: Ruling
    accepted: Accepted


def ruling_in(raw: RawRecord, codec: RecordCodec) -> Ruling | Rejected:
    """What somebody ruled, or why that cannot be read."""
    try:
        ruling = codec.loads(raw.value, Ruling)
    except Unreadable as failure:
        return Rejected(code=failure.code, field="", message=str(failure))
    assert isinstance(ruling, Ruling)  # noqa: S101 -- loads gives the type it was asked for
    return ruling


def informed(ruling: Ruling, found: Amendments) -> Ruling:
    """Whoever rules, and whatever they knew: what the ledger knows of the items counts."""
    return replace(ruling, amendments=found.get(ruling.report_id, ruling.amendments))


def keeping(entry: Examined, chosen: tuple[MemberId, ...], bundle: Bundle) -> Examined:
    """With whom earlier rulings added; known once this one is claimed, because another may be decided ahead of it."""
    if entry.ruling is None or entry.ruling.closed or not chosen:
        return entry
    added = replace(entry.ruling, chosen=chosen)
    proposed, before = (one and with_people(one, added, bundle) for one in (entry.proposed, entry.before))
    return replace(entry, proposed=proposed, before=before)


def reopened(ruling: Ruling, found: RawRecord | None, door: Door) -> Reopened | Rejected:
    """Open its record; whether the member still takes part does not matter: it was accepted then."""
    if found is None:
        return _rejected("ruling.record_gone")
    admitted = replace(door, member=ruling.submitter).readmit(found)
    if isinstance(admitted, Rejected):
        return replace(admitted, report=None)
    report = admitted.report
    if not isinstance(report, ReportSubmitted) or (report.report_id, report.revision) != (
        ruling.report_id,
        ruling.revision,
    ):
        return _rejected("ruling.another_record")
    return Reopened(ruling=ruling, accepted=replace(admitted, report=amended(report, ruling.amendments)))


def with_people(proposed: Proposed, ruling: Ruling, bundle: Bundle) -> Proposed:
    """What a person decided settles what the rules could not, and adds to whom they name, against no rule."""
    if is_restricted(proposed.route) or not (ruling.chosen or ruling.closed):
        return proposed
    found = proposed.route
    kept = [one for one in found.recipients if not ruling.closed or one.member in ruling.unchanged]
    named = {one.member for one in kept}
    considered = [(name, refused(proposed, name, bundle)) for name in ruling.chosen if name not in named]
    added = [addressee_of(bundle.members[name], (CHOSEN,)) for name, rule in considered if not rule]
    refusals = [RouteRefusal(member=name, rule=rule) for name, rule in considered if rule]
    settled = replace(found, recipients=(*kept, *added), refusals=(*found.refusals, *refusals), waiting_reasons=())
    return replace(proposed, route=settled)


def reopened_for(raw: RawRecord, door: Door, names: Iterable[MemberId]) -> tuple[tuple[MemberId, str], ...]:
    """Whether people may choose these members for a record: each with the rule that is against it, or nothing.

    What only a personal part that is closed here could tell, triage decides.
    """
    admitted = door.readmit(raw)
    is_closed = isinstance(admitted, Rejected) and admitted.code == CLOSED
    if not isinstance(admitted.report, ReportSubmitted) or (isinstance(admitted, Rejected) and not is_closed):
        return tuple((name, "ruling.another_record") for name in names)
    personal = None if isinstance(admitted, Rejected) else admitted.personal
    case = Case(report=admitted.report, personal=personal, verdicts=(), evidence=(), is_urgent=True)
    found = ((name, _against(case, name, door.bundle, day_of(raw.timestamp_ms))) for name in names)
    return tuple((name, "" if is_closed and rule == SUPPORT else rule) for name, rule in found)


def refused(proposed: Proposed, name: MemberId, bundle: Bundle) -> str:
    """The rule by which no person may choose that member, or nothing."""
    case = Case(
        report=proposed.report,
        personal=proposed.personal,
        verdicts=proposed.verdicts,
        evidence=proposed.evidence,
        is_urgent=bool(proposed.gates),
    )
    return _against(case, name, bundle, day_of(proposed.now_ms))


def _against(case: Case, name: MemberId, bundle: Bundle, on: date) -> str:
    member = bundle.members.get(name)
    return refusal(case, member, bundle, on) if member is not None and member.receives else "person.no_recipient"


def _rejected(code: str) -> Rejected:
    return Rejected(code=code, field="source", message=message(code))
