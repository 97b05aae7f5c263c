"""Which members a report concerns: evidence, jurisdictions, members, and who takes what nobody else does."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain
from typing import Final

from msgspec import Struct

from schemas.records.identifiers import CountryCode, JurisdictionCode, MemberId
from schemas.records.report import Hosting, NexusClaim, PersonalPart, ReportSubmitted
from schemas.records.triage import ItemVerdict, RouteRefusal
from schemas.records.values import NexusKind, Ternary, Verdict
from tocsin.policy.bundle import Bundle
from tocsin.policy.jurisdictions import Jurisdiction
from tocsin.policy.members import Member, Sector

ORPHAN: Final = "orphan"
"""The mandate of hotlines that work on what nobody else is concerned by (ICCAM's orphaned queue)."""


class Evidence(Struct, frozen=True, order=True):
    """Why a country is concerned: the kind is a key of routing.toml, the certainty what the report itself states."""

    country: CountryCode
    kind: str
    certainty: float = 1.0


class Addressee(Struct, frozen=True, kw_only=True):
    """A member that gets the report, and the rules that say so."""

    member: MemberId
    jurisdiction: JurisdictionCode
    sector: Sector
    country: CountryCode
    rules: tuple[str, ...]


class Route(Struct, frozen=True, kw_only=True):
    """Who gets it, who was considered and does not, and what only a person can settle."""

    recipients: tuple[Addressee, ...] = ()
    refusals: tuple[RouteRefusal, ...] = ()
    waiting_reasons: tuple[str, ...] = ()


class Case(Struct, frozen=True, kw_only=True):
    """What the route is decided from, beside the policy."""

    report: ReportSubmitted
    personal: PersonalPart | None
    verdicts: tuple[ItemVerdict, ...]
    is_urgent: bool


def evidence(report: ReportSubmitted, personal: PersonalPart | None) -> tuple[Evidence, ...]:
    """Every country that the report names and how it comes in, each with the surest statement of it."""
    surest: dict[tuple[CountryCode, str], float] = {}
    for country, kind, certainty in chain(_hosting(report), _claims(report), _personal(personal)):
        if country:
            key = CountryCode(country.upper()), kind
            surest[key] = max(certainty, surest.get(key, 0.0))
    return tuple(Evidence(country, kind, surest[country, kind]) for country, kind in sorted(surest))


def route(case: Case, bundle: Bundle, on: date) -> Route:
    """Decide for one report; a pure function of what is said and of the policy of that day."""
    office = _Office(case=case, bundle=bundle, on=on)
    waiting: list[str] = []
    if case.verdicts and all(verdict.verdict is Verdict.NOT_ILLEGAL for verdict in case.verdicts):
        if not case.is_urgent:
            return Route(refusals=(RouteRefusal(rule="route.not_illegal_anywhere"),))
        waiting.append("route.not_illegal_but_urgent")
    strong = [found for found in evidence(case.report, case.personal) if office.counts(found)]
    if not strong:
        waiting.append("route.no_evidence")
        considered = list(office.orphaned("route.no_evidence"))
    else:
        considered = list(chain.from_iterable(map(office.concerned, strong)))
    return _settled(considered, waiting)


class _Considered(Struct, frozen=True, kw_only=True):
    """A member that a rule names and what speaks against it; no member where the rule finds nobody."""

    member: Member | None
    country: CountryCode
    rule: str
    refusal: str = ""


class _Office(Struct, frozen=True, kw_only=True):
    """One case under the policy of one day."""

    case: Case
    bundle: Bundle
    on: date

    def counts(self, found: Evidence) -> bool:
        """Whether evidence is strong enough for a route of its own."""
        routing = self.bundle.routing
        return routing.confidence.get(found.kind, 0.0) * found.certainty >= routing.least_confidence

    def concerned(self, found: Evidence) -> Iterator[_Considered]:
        """Hotline and police of the country, and for what it lacks its fall-back chain."""
        jurisdiction = self.bundle.jurisdiction_of(found.country)
        if jurisdiction is None:
            yield from self.last_resort(found.country, "route.no_jurisdiction")
            return
        for sector, lacking in ((Sector.HOTLINE, "route.no_hotline"), (Sector.LEA, "route.no_police")):
            named = list(self._owners(jurisdiction, sector, f"route.{found.kind}"))
            yield from named
            if not any(entry.refusal != "route.not_taking_part" for entry in named):
                names = (*jurisdiction.fallback, *self.bundle.routing.last_resort)
                yield from self._first_able(names, jurisdiction.country, lacking)

    def last_resort(self, country: CountryCode, rule: str) -> Iterator[_Considered]:
        """Who takes what nobody else does."""
        return self._first_able(self.bundle.routing.last_resort, country, rule)

    def orphaned(self, rule: str) -> Iterator[_Considered]:
        """What points to no country: a mandated hotline looks at it, and at what is urgent the last resort as well."""
        mandated = [member.id for member in self.bundle.members.values() if ORPHAN in member.mandate]
        yield from self._first_able(mandated, CountryCode(""), rule)
        if self.case.is_urgent:
            yield from self.last_resort(CountryCode(""), rule)

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
        return _Considered(member=member, country=country, rule=rule, refusal=self._refusal(member, country))

    def _refusal(self, member: Member, country: CountryCode) -> str:
        """The rule that keeps the report from this member, or nothing."""
        choices = self.case.report.sharing
        if not member.takes_part(self.on):
            return "route.not_taking_part"
        if member.id == self.case.report.submitter:
            return "route.own_report"
        if member.id in choices.deny_members or member.sector in choices.deny_sectors:
            return "route.submitter_denies_member"
        denied = {denied.upper() for denied in choices.deny_countries}
        return "route.submitter_denies_country" if denied & {member.country, country} else ""


def _hosting(report: ReportSubmitted) -> Iterator[tuple[str, str, float]]:
    places: list[Hosting | None] = [item.hosting for item in report.items]
    if report.source_url:
        places.append(report.source_url.hosting)
    for hosting in places:
        if hosting:
            kind = "hosting_cdn" if hosting.content_delivery_network is Ternary.YES else "hosting"
            yield hosting.country, kind, 1.0


def _claims(report: ReportSubmitted) -> Iterator[tuple[str, str, float]]:
    for claim in report.nexus:
        kind = NexusKind.DECLARED if claim.kind is NexusKind.UNKNOWN else claim.kind
        yield claim.country, kind.lower(), _certainty(claim)
    yield report.declared_country, "declared", 1.0


def _certainty(claim: NexusClaim) -> float:
    """What the claimant says; a number that is none (outside 0 to 1) takes nothing away."""
    stated = claim.confidence
    return stated if stated is not None and 0.0 <= stated <= 1.0 else 1.0


def _personal(personal: PersonalPart | None) -> Iterator[tuple[str, str, float]]:
    for event in personal.network_events if personal else ():
        yield event.country, "network", 1.0
    for location in personal.locations if personal else ():
        yield location.country, "location", 1.0


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
        recipients=tuple(_addressee(member, rules) for _, (member, rules) in sorted(taken.items())),
        refusals=tuple(refused[key] for key in sorted(refused)),
        waiting_reasons=tuple(waiting),
    )


def _somebody_was_denied(refusals: Iterable[RouteRefusal]) -> bool:
    return any(refusal.rule.startswith("route.submitter_denies") for refusal in refusals)


def _addressee(member: Member, rules: Iterable[str]) -> Addressee:
    return Addressee(
        member=member.id,
        jurisdiction=member.jurisdiction,
        sector=member.sector,
        country=member.country,
        rules=tuple(rules),
    )
