"""Deciding a report again: the ruling, the record that it is about, and whom people added; pure but for the look-up."""

from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from processors.decision import Proposed
from processors.intake import Accepted, Door, Rejected
from processors.steps.route.rules import Addressee
from schemas.catalogue import message
from schemas.failures import Unreadable
from schemas.records.report import ReportSubmitted
from schemas.records.ruling import Ruling
from schemas.records.values import Coordinate
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import day_of
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.transport.slices import RawRecord

LookUp = Callable[[Coordinate], RawRecord | None]
"""Reads a record where it lies; None where retention took it. May raise Temporary."""

CHOSEN = "person.chosen"


def no_record(_: Coordinate) -> RawRecord | None:
    """For whoever decides nothing again."""
    return None


class Reopened(Struct, frozen=True, kw_only=True):
    """A ruling with the record that it is about."""

    ruling: Ruling
    accepted: Accepted


def reopened(raw: RawRecord, codec: RecordCodec, door: Door, look_up: LookUp) -> Reopened | Rejected:
    """Read a ruling and its record; whether the member still takes part does not matter: it was accepted then."""
    try:
        ruling = codec.loads(raw.value, Ruling)
    except Unreadable as failure:
        return Rejected(code=failure.code, field="", message=str(failure))
    found = look_up(ruling.source)
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
    return Reopened(ruling=ruling, accepted=admitted)


def with_people(proposed: Proposed, ruling: Ruling, bundle: Bundle) -> Proposed:
    """What a person decided settles what the rules could not, and adds to whom they name."""
    if not (ruling.chosen or ruling.closed):
        return proposed
    named = {addressee.member for addressee in proposed.route.recipients}
    added = tuple(one for one in _chosen(ruling, bundle, proposed.now_ms) if one.member not in named)
    route = replace(proposed.route, recipients=(*proposed.route.recipients, *added), waiting_reasons=())
    return replace(proposed, route=route)


def _chosen(ruling: Ruling, bundle: Bundle, now_ms: int) -> Iterator[Addressee]:
    for name in ruling.chosen:
        member = bundle.members.get(name)
        if member is None or not member.receives or not member.takes_part(day_of(now_ms)):
            continue
        if member.id != ruling.submitter:
            yield Addressee(
                member=member.id,
                jurisdiction=member.jurisdiction,
                sector=member.sector,
                country=member.country,
                rules=(CHOSEN,),
            )


def _rejected(code: str) -> Rejected:
    return Rejected(code=code, field="source", message=message(code))
