"""The composition of the steps: what needs no other report is decided first, the rest once the claim is known; pure."""

from typing import Final

from msgspec import Struct

from processors.index.port import Claim, Knowledge, NearSighting, Selected, Sighting
from processors.intake import Accepted
from processors.laps import UNTIMED, Laps
from processors.origins import Origin
from processors.steps.classify import rules as classify
from processors.steps.completeness.rules import completeness
from processors.steps.deduplicate import near
from processors.steps.deduplicate import rules as deduplicate
from processors.steps.deduplicate.selectors import Contents, Keys, Selector, contents, selectors
from processors.steps.prioritise import rules as prioritise
from processors.steps.prioritise.signals import Facts
from processors.steps.route import rules as route
from processors.steps.route.evidence import Evidence, evidence
from schemas.commitments import Commitments
from schemas.records.identifiers import CountryCode
from schemas.records.report import PersonalPart, ReportSubmitted
from schemas.records.triage import Completeness, ItemVerdict, Priority
from schemas.records.values import Novelty
from tocsin.policy.bundle import Bundle
from tocsin.policy.jurisdictions import Jurisdiction
from tocsin.policy.members import day_of
from tocsin.runtime.ledger.outcomes import Outcome

ORIGIN_UNVERIFIED: Final = "origin_unverified"
"""Flag of a report whose signature was made with a key that has ended: what is urgent goes on with it."""
ORIGIN_EXPIRED: Final = "route.origin_expired"
_MOST_REMEMBERED: Final = 8
"""Pieces of evidence of one report: what a member names must not fill a bundle's memory."""
_UNPROVEN: Final = route.Route(waiting_reasons=(ORIGIN_EXPIRED,))


class Naming(Struct, frozen=True, kw_only=True):
    """Under what contents are recognised."""

    keys: Keys
    veil: near.Veil


class Proposed(Struct, frozen=True, kw_only=True, gc=False):
    """One report before the claim: verdicts, gates, route and what to claim."""

    report: ReportSubmitted
    personal: PersonalPart | None
    now_ms: int
    evidence: tuple[Evidence, ...]
    verdicts: tuple[ItemVerdict, ...]
    flags: tuple[str, ...]
    gates: tuple[str, ...]
    route: route.Route
    selectors: tuple[Selector, ...]
    contents: Contents
    near: tuple[near.Vector, ...]
    digest: bytes
    held: bool = False
    """A police unit holds notices to hosts."""
    commitments: Commitments | None = None
    """What lets recipients check the submitter's word."""


class Decision(Struct, frozen=True, kw_only=True, gc=False):
    """One report after the claim: everything that its outputs are made from."""

    proposed: Proposed
    outcome: Outcome
    novelties: deduplicate.Novelties
    facts: Facts
    """What priority was decided from: a recipient may weigh it otherwise."""
    priority: Priority
    completeness: Completeness


def propose(accepted: Accepted, bundle: Bundle, naming: Naming, now_ms: int, laps: Laps = UNTIMED) -> Proposed:
    """Decide what needs no other report; the same record at the same instant gives the same proposal."""
    report = accepted.report
    assert isinstance(report, ReportSubmitted)  # noqa: S101 -- withdrawals are not decided
    on = day_of(now_ms)
    pointed = laps.of("route", evidence, report, accepted.personal, bundle.country_of, now_ms)
    verdicts = laps.of("classify", classify.classify, report, _concerned(pointed, bundle), bundle, on)
    anchors = _anchors(pointed, bundle)
    facts = Facts(report=report, personal=accepted.personal, verdicts=verdicts, anchors=anchors, now_ms=now_ms)
    gates = laps.of("prioritise", prioritise.gates, facts, bundle.priority)
    case = route.Case(
        report=report, personal=accepted.personal, verdicts=verdicts, evidence=pointed, is_urgent=bool(gates)
    )
    unproven = (ORIGIN_UNVERIFIED,) if accepted.origin is Origin.EXPIRED else ()
    is_tracking = bundle.tracking(on)
    own = laps.of("deduplicate", selectors, report, accepted.personal, naming.keys, is_tracking)
    return Proposed(
        report=report,
        personal=accepted.personal,
        now_ms=now_ms,
        evidence=pointed,
        verdicts=verdicts,
        flags=(*classify.flags(report, verdicts, bundle), *unproven),
        gates=gates,
        route=_UNPROVEN if unproven and not gates else laps.of("route", route.route, case, bundle, on),
        selectors=own,
        contents=laps.of("deduplicate", contents, report, own, is_tracking),
        near=laps.of("deduplicate", near.vectors, report, naming.veil),
        digest=laps.of("deduplicate", deduplicate.content_digest, report),
        commitments=accepted.commitments,
    )


def claim_of(proposed: Proposed, log_offset: int) -> Claim:
    """What this report claims in the index."""
    report = proposed.report
    return Claim(
        log_offset=log_offset,
        member=report.submitter,
        report_id=report.report_id,
        revision=report.revision,
        digest=proposed.digest,
        selectors=tuple(Selected(selector.digest, selector.bound) for selector in proposed.selectors),
        near=tuple(vector.veiled for vector in proposed.near),
    )


def conclude(proposed: Proposed, knowledge: Knowledge | None, bundle: Bundle, laps: Laps = UNTIMED) -> Decision:
    """Add what the index knows; None where it is away, which is said and never guessed."""
    novelties = laps.of("deduplicate", _novelties, proposed, knowledge)
    return conclude_as(proposed, novelties, bundle, _outcome(proposed, knowledge), laps)


def conclude_as(
    proposed: Proposed,
    novelties: deduplicate.Novelties,
    bundle: Bundle,
    outcome: Outcome | None = None,
    laps: Laps = UNTIMED,
) -> Decision:
    """Add what is known of other reports; whoever has no outcome of its own gets that of the route."""
    facts = Facts(
        report=proposed.report,
        personal=proposed.personal,
        verdicts=proposed.verdicts,
        novelty=novelties.novelty,
        corroboration=novelties.corroboration,
        known_account=novelties.known_account,
        anchors=_anchors(proposed.evidence, bundle),
        now_ms=proposed.now_ms,
    )
    return Decision(
        proposed=proposed,
        outcome=outcome or _outcome(proposed, None),
        novelties=novelties,
        facts=facts,
        priority=laps.of("prioritise", prioritise.prioritise, facts, bundle.priority),
        completeness=laps.of("completeness", completeness, proposed.report, proposed.personal),
    )


def _anchors(pointed: tuple[Evidence, ...], bundle: Bundle) -> frozenset[CountryCode]:
    """The countries that the report points to, strongly enough for a route."""
    if len(pointed) > _MOST_REMEMBERED:
        return _found_anchors(pointed, bundle)
    return bundle.memory.recall(("anchors", pointed), lambda: _found_anchors(pointed, bundle))


def _found_anchors(pointed: tuple[Evidence, ...], bundle: Bundle) -> frozenset[CountryCode]:
    strong = (found for found in pointed if route.is_strong(found, bundle))
    known = (bundle.jurisdiction_of(found.country) for found in strong)
    return frozenset(jurisdiction.country for jurisdiction in known if jurisdiction)


def _concerned(pointed: tuple[Evidence, ...], bundle: Bundle) -> tuple[Jurisdiction, ...]:
    """The jurisdictions whose law is asked: those that the report points to."""
    found = (bundle.jurisdiction_of(found.country) for found in pointed)
    return tuple({jurisdiction.code: jurisdiction for jurisdiction in found if jurisdiction}.values())


def _novelties(proposed: Proposed, knowledge: Knowledge | None) -> deduplicate.Novelties:
    if knowledge is None:
        return deduplicate.Novelties(novelty=Novelty.UNKNOWN, corroboration=0, links=())
    seen = [_seen(sighting) for sighting in knowledge.sightings]
    near_by = [_near(match, proposed.near) for match in knowledge.near]
    return deduplicate.novelties(
        proposed.selectors, seen, near_by, proposed.report, resubmitted=knowledge.is_resubmission
    )


def _seen(sighting: Sighting) -> deduplicate.Seen:
    return deduplicate.Seen(sighting.selector, sighting.member, sighting.report_id, sighting.bound, sighting.state)


def _near(match: NearSighting, own: tuple[near.Vector, ...]) -> deduplicate.Near:
    content_id = own[match.position].content_id
    return deduplicate.Near(content_id, match.member, match.report_id, match.distance, match.state)


def _outcome(proposed: Proposed, knowledge: Knowledge | None) -> Outcome:
    if knowledge is not None and (knowledge.is_stale or knowledge.is_conflicting):
        return Outcome.STALE
    if proposed.route.recipients:
        return Outcome.ROUTED
    return Outcome.WAITING_PERSON if proposed.route.waiting_reasons else Outcome.NO_RECIPIENT
