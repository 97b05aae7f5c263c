"""Which members a report concerns: evidence, jurisdictions, members, and who takes what nobody else does."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import chain
from typing import Final

from msgspec import Struct

from processors.steps.route.canaries import is_canary, perch
from processors.steps.route.evidence import Evidence
from schemas.records.identifiers import CountryCode, JurisdictionCode, MemberId
from schemas.records.report import ContentItem, PersonalPart, ReportSubmitted
from schemas.records.triage import UNVERIFIED_NATIONAL, ItemVerdict, RouteRefusal
from schemas.records.values import NexusKind, Realism, SyntheticOrigin, Ternary, Verdict
from tocsin.policy.bundle import Bundle
from tocsin.policy.jurisdictions import Jurisdiction
from tocsin.policy.members import POLICE, Member, Sector

ORPHAN: Final = "orphan"
"""The mandate of hotlines that work on what nobody else is concerned by (ICCAM's orphaned queue)."""

SUPPORT: Final = "route.self_generated_support"
"""Known only to who can look into the personal part."""


class Addressee(Struct, frozen=True, kw_only=True, gc=False):
    """A member that gets the report, and the rules that say so."""

    member: MemberId
    jurisdiction: JurisdictionCode
    sector: Sector
    country: CountryCode
    rules: tuple[str, ...]


class Route(Struct, frozen=True, kw_only=True, gc=False):
    """Who gets it, who was considered and does not, and what only a person can settle."""

    recipients: tuple[Addressee, ...] = ()
    refusals: tuple[RouteRefusal, ...] = ()
    waiting_reasons: tuple[str, ...] = ()


class Case(Struct, frozen=True, kw_only=True, gc=False):
    """What the route is decided from, beside the policy."""

    report: ReportSubmitted
    personal: PersonalPart | None
    verdicts: tuple[ItemVerdict, ...]
    evidence: tuple[Evidence, ...]
    is_urgent: bool


def route(case: Case, bundle: Bundle, on: date) -> Route:
    """Decide for one report; a pure function of what is said and of the policy of that day."""
    if is_canary(case.report, bundle):
        return _of_canary(case.report, bundle, on)
    office = _Office(case=case, bundle=bundle, on=on)
    waiting: list[str] = []
    if case.verdicts and all(verdict.verdict is Verdict.NOT_ILLEGAL for verdict in case.verdicts):
        but = next((code for code, holds in _LAWFUL_BUT if holds(case)), "")
        if not but:
            return Route(refusals=(RouteRefusal(rule="route.not_illegal_anywhere"),))
        waiting.append(but)
    waiting += unsettled(case.verdicts)
    strong = [found for found in case.evidence if office.counts(found)]
    if not strong:
        waiting.append("route.no_evidence")
        considered = list(office.orphaned(CountryCode(""), "route.no_evidence"))
    else:
        considered = list(chain.from_iterable(map(office.concerned, strong)))
    return _settled(considered, waiting)


def _of_canary(report: ReportSubmitted, bundle: Bundle, on: date) -> Route:
    found = perch(report, bundle, on)
    if isinstance(found, RouteRefusal):
        return Route(refusals=(found,))
    return Route(recipients=(addressee_of(found, ("route.canary",)),))


def is_strong(found: Evidence, bundle: Bundle) -> bool:
    """Whether evidence is strong enough for a route of its own."""
    routing = bundle.routing
    return routing.confidence.get(found.kind, 0.0) * found.certainty >= routing.least_confidence


CONFLICT: Final = "classify.contradictory_claims"
_NOT_FOR_THE_QUEUE: Final = frozenset(
    {"classify.no_human_label", "classify.nothing_to_judge", "classify.machine_only", UNVERIFIED_NATIONAL, CONFLICT}
)
"""Undetermined because no person has said anything, or because nobody has checked the law yet: nothing that another
person could settle from metadata. A conflict has a reason of its own.
"""


def unsettled(verdicts: Iterable[ItemVerdict]) -> Iterator[str]:
    """What a person has to settle about the law, while everybody concerned gets the report: claims that contradict each
    other, and an item that people judged and no law concerned decides.
    """
    by_item: dict[str, list[ItemVerdict]] = {}
    for verdict in verdicts:
        by_item.setdefault(verdict.content_id, []).append(verdict)
    if any(CONFLICT in verdict.rules for verdict in chain.from_iterable(by_item.values())):
        yield "route.conflict"
    if any(map(_is_undetermined, by_item.values())):
        yield "route.undetermined"


def _is_undetermined(verdicts: Iterable[ItemVerdict]) -> bool:
    return all(
        verdict.verdict is Verdict.UNDETERMINED and _NOT_FOR_THE_QUEUE.isdisjoint(verdict.rules) for verdict in verdicts
    )


_CONDUCT: Final = frozenset({"unsolicited_material", "travel", "live_streaming", "live_stream"})


def tells_of_conduct(report: ReportSubmitted) -> bool:
    """Whether somebody's conduct is reported beside the content, which no verdict on the content can settle."""
    streams = any(item.live_stream is Ternary.YES for item in report.items)
    return streams or not (_COERCION | _CONDUCT).isdisjoint(_codes(report))


def may_show_a_real_child(case: Case) -> bool:
    """Whether an item is lawful only as synthetic, and nobody says that a machine made all of it (domain facts 5.3)."""
    as_synthetic = {one.content_id for one in case.verdicts if not _SYNTHETIC_LAW.isdisjoint(one.rules)}
    return any(item.content_id in as_synthetic and _is_doubtful(item) for item in case.report.items)


_SYNTHETIC_LAW: Final = frozenset({"classify.realistic_synthetic", "classify.synthetic_or_drawn"})
_LAWFUL_BUT: Final[tuple[tuple[str, Callable[[Case], bool]], ...]] = (
    ("route.not_illegal_but_urgent", lambda case: case.is_urgent),
    ("route.not_illegal_but_conduct", lambda case: tells_of_conduct(case.report)),
    ("route.not_illegal_but_maybe_real", may_show_a_real_child),
)
"""What is lawful everywhere goes to nobody, except for these, which a person sees; the first one is told."""


def _is_doubtful(item: ContentItem) -> bool:
    origin = item.synthetic_origin
    return origin is SyntheticOrigin.PARTIAL or (
        item.realism is Realism.REALISTIC and origin is not SyntheticOrigin.FULL
    )


def _codes(report: ReportSubmitted) -> frozenset[str]:
    of_items = chain.from_iterable(item.annotations for item in report.items)
    return frozenset((*report.incident_types, *report.annotations, *of_items))


_COERCION: Final = frozenset(
    {
        "sextortion",
        "grooming",
        "solicitation",
        "trafficking",
        "molestation",
        "production",
        "csam_solicitation",
        "contact_abuse",
        "imminent_danger",
        "sadistic_online_exploitation",
    }
)
"""Incident types and annotations by which somebody else is involved."""


def is_for_support(case: Case) -> bool:
    """Whether all content is the depicted child's own and nothing points to somebody else: hotline and removal, and no
    police, because the child would be who is named (domain facts, note to 6.2).
    """
    report = case.report
    if case.is_urgent or not report.items or not all(map(_is_own, report.items)):
        return False
    adult = any(claim.kind in {NexusKind.SUSPECT, NexusKind.OFFENCE} for claim in report.nexus)
    suspects = any(account.role == "suspect" for account in case.personal.accounts) if case.personal else False
    return _COERCION.isdisjoint(_codes(report)) and not adult and not suspects


def _is_own(item: ContentItem) -> bool:
    return item.self_generated is Ternary.YES or "self_generated" in item.annotations


def refusal(case: Case, member: Member, bundle: Bundle, on: date) -> str:
    """The rule that keeps a report from a member whoever names it, or nothing; no person decides against one."""
    return _Office(case=case, bundle=bundle, on=on).refusal_of(member, member.country)


class _Considered(Struct, frozen=True, kw_only=True, gc=False):
    """A member that a rule names and what speaks against it; no member where the rule finds nobody."""

    member: Member | None
    country: CountryCode
    rule: str
    refusal: str = ""


class _Office(Struct, frozen=True, kw_only=True, gc=False):
    """One case under the policy of one day."""

    case: Case
    bundle: Bundle
    on: date

    def counts(self, found: Evidence) -> bool:
        """Whether evidence is strong enough for a route of its own."""
        return is_strong(found, self.bundle)

    def concerned(self, found: Evidence) -> Iterator[_Considered]:
        """Hotline and police of the country, and for what it lacks its fall-back chain: a mandated hotline
        stands in for a hotline, and only police for police.
        """
        jurisdiction = self.bundle.jurisdiction_of(found.country)
        if jurisdiction is None:
            yield from self.orphaned(found.country, "route.no_jurisdiction")
            return
        for sector, lacking in ((Sector.HOTLINE, "route.no_hotline"), (Sector.LEA, "route.no_police")):
            named = list(self._owners(jurisdiction, sector, f"route.{found.kind}"))
            yield from named
            if not any(entry.refusal != "route.not_taking_part" for entry in named):
                names = (*self.bundle.in_line(jurisdiction, sector), *self.bundle.routing.last_resort)
                yield from self._first_able(names, jurisdiction.country, lacking)

    def last_resort(self, country: CountryCode, rule: str) -> Iterator[_Considered]:
        """Who takes what nobody else does."""
        return self._first_able(self.bundle.routing.last_resort, country, rule)

    def orphaned(self, country: CountryCode, rule: str) -> Iterator[_Considered]:
        """What points to no country, or to one that the policy does not know: a mandated hotline takes the hotline's
        part, and where there is a country or haste the last resort that of police.
        """
        mandated = [member.id for member in self.bundle.members.values() if ORPHAN in member.mandate]
        last = self.bundle.routing.last_resort if country else ()
        yield from self._first_able((*mandated, *last), country, rule)
        if country or self.case.is_urgent:
            yield from self.last_resort(country, rule)

    def _owners(self, jurisdiction: Jurisdiction, sector: Sector, rule: str) -> Iterator[_Considered]:
        """The owners; a stand-in takes the place of one that does not take part, once, so that a ring ends."""
        for owner in self.bundle.owners(jurisdiction.code, sector):
            first = self._considered(owner, jurisdiction.country, rule)
            yield first
            if first.refusal == "route.not_taking_part" and owner.stand_in:
                yield self._considered(self.bundle.members[owner.stand_in], jurisdiction.country, "route.stand_in")

    def _first_able(self, names: Iterable[MemberId], country: CountryCode, rule: str) -> Iterator[_Considered]:
        """Along the chain until somebody can take it: data, not code."""
        for name in names:
            entry = self._considered(self.bundle.members[name], country, rule)
            yield entry
            if not entry.refusal:
                return
        yield _Considered(member=None, country=country, rule=rule, refusal="route.nobody")

    def _considered(self, member: Member, country: CountryCode, rule: str) -> _Considered:
        return _Considered(member=member, country=country, rule=rule, refusal=self.refusal_of(member, country))

    def refusal_of(self, member: Member, country: CountryCode) -> str:
        """The rule that keeps the report from this member, or nothing."""
        choices = self.case.report.sharing
        if member.sector in POLICE and is_for_support(self.case):
            return SUPPORT
        if not member.takes_part(self.on):
            return "route.not_taking_part"
        if member.id == self.case.report.submitter:
            return "route.own_report"
        if member.id in choices.deny_members or member.sector in choices.deny_sectors:
            return "route.submitter_denies_member"
        denied = {denied.upper() for denied in choices.deny_countries}
        return "route.submitter_denies_country" if denied & {member.country, country} else ""


def _settled(considered: list[_Considered], waiting: list[str]) -> Route:
    """Nobody at all is something that a person has to see."""
    taken: dict[MemberId, tuple[Member, dict[str, None]]] = {}
    refused: dict[tuple[MemberId, str], RouteRefusal] = {}
    for entry in considered:
        name = entry.member.id if entry.member else MemberId("")
        if entry.member is None or entry.refusal:
            refusal = RouteRefusal(member=name, country=entry.country, rule=entry.refusal)
            refused.setdefault((name, entry.refusal), refusal)
        else:
            taken.setdefault(name, (entry.member, {}))[1][entry.rule] = None
    if considered and not taken:
        waiting = [*waiting, "route.all_denied" if _somebody_was_denied(refused.values()) else "route.nobody"]
    return Route(
        recipients=tuple(addressee_of(member, rules) for _, (member, rules) in sorted(taken.items())),
        refusals=tuple(refused[key] for key in sorted(refused)),
        waiting_reasons=tuple(waiting),
    )


def _somebody_was_denied(refusals: Iterable[RouteRefusal]) -> bool:
    return any(refusal.rule.startswith("route.submitter_denies") for refusal in refusals)


def addressee_of(member: Member, rules: Iterable[str]) -> Addressee:
    """The member as it gets the report by these rules."""
    return Addressee(
        member=member.id,
        jurisdiction=member.jurisdiction,
        sector=member.sector,
        country=member.country,
        rules=tuple(rules),
    )
