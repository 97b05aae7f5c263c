"""Which members a report concerns: evidence, jurisdictions, members, and who takes what nobody else does."""

from collections.abc import Iterator
from datetime import date
from itertools import chain

from msgspec import Struct

from schemas.records.identifiers import CountryCode, JurisdictionCode, MemberId
from schemas.records.report import Hosting, PersonalPart, ReportSubmitted
from schemas.records.triage import ItemVerdict, RouteRefusal
from schemas.records.values import Ternary, Verdict
from tocsin.policy.bundle import Bundle
from tocsin.policy.jurisdictions import Jurisdiction
from tocsin.policy.members import Member, Sector


class Evidence(Struct, frozen=True, order=True):
    """Why a country is concerned: the kind is a key of routing.toml."""

    country: CountryCode
    kind: str


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
    """Every country that the report names, and how it comes in."""
    found = {
        Evidence(CountryCode(country.upper()), kind)
        for country, kind in chain(_hosting(report), _claims(report), _personal(personal))
        if country
    }
    return tuple(sorted(found))


def route(case: Case, bundle: Bundle, on: date) -> Route:
    """Decide for one report; a pure function of what is said and of the policy of that day."""
    strong = [
        e for e in evidence(case.report, case.personal) if _confidence(bundle, e) >= bundle.routing.least_confidence
    ]
    if case.verdicts and all(verdict.verdict is Verdict.NOT_ILLEGAL for verdict in case.verdicts):
        return Route(refusals=(RouteRefusal(rule="route.not_illegal_anywhere"),))
    if not strong:
        return _without_evidence(case, bundle, on)
    considered = list(chain.from_iterable(_members(found, bundle, on) for found in strong))
    return _settled(case, bundle, considered, on)


_Considered = tuple[Member | None, CountryCode, str]
"""A member and the rule that names it, or the country for which there is none."""


def _hosting(report: ReportSubmitted) -> Iterator[tuple[str, str]]:
    places: list[Hosting | None] = [item.hosting for item in report.items]
    if report.source_url:
        places.append(report.source_url.hosting)
    for hosting in places:
        if hosting:
            yield hosting.country, "hosting_cdn" if hosting.content_delivery_network is Ternary.YES else "hosting"


def _claims(report: ReportSubmitted) -> Iterator[tuple[str, str]]:
    for claim in report.nexus:
        yield claim.country, claim.kind.lower()
    yield report.declared_country, "declared"


def _personal(personal: PersonalPart | None) -> Iterator[tuple[str, str]]:
    for event in personal.network_events if personal else ():
        yield event.country, "network"
    for location in personal.locations if personal else ():
        yield location.country, "location"


def _confidence(bundle: Bundle, found: Evidence) -> float:
    return bundle.routing.confidence.get(found.kind, 0.0)


def _members(found: Evidence, bundle: Bundle, on: date) -> Iterator[_Considered]:
    jurisdiction = bundle.jurisdiction_of(found.country)
    rule = f"route.{found.kind}"
    if jurisdiction is None:
        yield from _last_resort(bundle, on, found.country, "route.no_jurisdiction")
        return
    police = bundle.receivers(jurisdiction.code, Sector.LEA, on)
    hotlines = bundle.receivers(jurisdiction.code, Sector.HOTLINE, on)
    for member in (*hotlines, *police):
        yield member, jurisdiction.country, rule
    if not hotlines or not police:
        yield from _fallback(jurisdiction, bundle, on, has_police=bool(police))


def _fallback(jurisdiction: Jurisdiction, bundle: Bundle, on: date, *, has_police: bool) -> Iterator[_Considered]:
    """The chain of a country that lacks a hotline or a police member: data, not code."""
    rule = "route.no_hotline" if has_police else "route.no_police"
    for name in jurisdiction.fallback:
        if (member := bundle.members[name]).takes_part(on):
            yield member, jurisdiction.country, rule
            return
    yield from _last_resort(bundle, on, jurisdiction.country, rule)


def _last_resort(bundle: Bundle, on: date, country: CountryCode, rule: str) -> Iterator[_Considered]:
    takers = [member for name in bundle.routing.last_resort if (member := bundle.members[name]).takes_part(on)]
    for member in takers:
        yield member, country, rule
    if not takers:
        yield None, country, rule


def _without_evidence(case: Case, bundle: Bundle, on: date) -> Route:
    """A person decides; what is urgent goes to the last resort while it waits."""
    if not case.is_urgent:
        return Route(waiting_reasons=("route.no_evidence",))
    found = _settled(case, bundle, list(_last_resort(bundle, on, CountryCode(""), "route.no_evidence")), on)
    return Route(recipients=found.recipients, refusals=found.refusals, waiting_reasons=("route.no_evidence",))


def _settled(case: Case, bundle: Bundle, considered: list[_Considered], on: date) -> Route:
    rules: dict[MemberId, list[str]] = {}
    refusals: dict[tuple[MemberId, str], RouteRefusal] = {}
    for member, country, rule in considered:
        refusal = "route.nobody" if member is None else _denied(member, country, case.report)
        if member is None or refusal:
            name = member.id if member else MemberId("")
            refusals[name, refusal] = RouteRefusal(member=name, country=country, rule=refusal)
        elif rule not in rules.setdefault(member.id, []):
            rules[member.id].append(rule)
    for name, refused in _suspended(bundle, on, considered):
        refusals.setdefault((name, refused.rule), refused)
    return Route(
        recipients=tuple(_addressee(bundle.members[name], named) for name, named in sorted(rules.items())),
        refusals=tuple(refusals[key] for key in sorted(refusals)),
        waiting_reasons=() if rules or not _only_denied(refusals) else ("route.all_denied",),
    )


def _denied(member: Member, country: CountryCode, report: ReportSubmitted) -> str:
    """The rule that forbids this member the report, or nothing."""
    choices = report.sharing
    if member.id == report.submitter:
        return "route.own_report"
    if member.id in choices.deny_members or member.sector in choices.deny_sectors:
        return "route.submitter_denies_member"
    if member.country in choices.deny_countries or country in choices.deny_countries:
        return "route.submitter_denies_country"
    return ""


def _suspended(bundle: Bundle, on: date, considered: list[_Considered]) -> Iterator[tuple[MemberId, RouteRefusal]]:
    countries = {country for _, country, _ in considered}
    for member in bundle.members.values():
        if member.receives and member.country in countries and not member.takes_part(on):
            yield member.id, RouteRefusal(member=member.id, country=member.country, rule="route.not_taking_part")


def _only_denied(refusals: dict[tuple[MemberId, str], RouteRefusal]) -> bool:
    return any(refusal.rule != "route.own_report" for refusal in refusals.values())


def _addressee(member: Member, rules: list[str]) -> Addressee:
    return Addressee(
        member=member.id,
        jurisdiction=member.jurisdiction,
        sector=member.sector,
        country=member.country,
        rules=tuple(rules),
    )
