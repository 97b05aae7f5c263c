"""Which countries a report points to, by what, and how surely; pure."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Final

from msgspec import Struct

from processors.hosts import country_code_of
from schemas.records.identifiers import CountryCode
from schemas.records.report import Hosting, NexusClaim, PersonalPart, ReportSubmitted
from schemas.records.values import NexusKind, Ternary
from tocsin.policy.networks import CountryOf

_FRESH_MS: Final = int(timedelta(days=30).total_seconds() * 1000)
_STALE: Final = 0.5
"""What a look at the hosting is worth once it is older: content moves."""


class Evidence(Struct, frozen=True, order=True, gc=False):
    """Why a country is concerned: the kind is a key of routing.toml, the certainty what the report itself states."""

    country: CountryCode
    kind: str
    certainty: float = 1.0


_Found = tuple[str, str, float]


def evidence(
    report: ReportSubmitted, personal: PersonalPart | None, country_of: CountryOf, now_ms: int
) -> tuple[Evidence, ...]:
    """Every country that the report names and how it comes in, each with the surest statement of it."""
    surest: dict[tuple[CountryCode, str], float] = {}
    hosted = _hosted(report, country_of, now_ms)
    for country, kind, certainty in chain(hosted, _claims(report), _personal(personal, country_of)):
        if country:
            key = CountryCode(country.upper()), kind
            surest[key] = max(certainty, surest.get(key, 0.0))
    return tuple(Evidence(country, kind, surest[country, kind]) for country, kind in sorted(surest))


def _hosted(report: ReportSubmitted, country_of: CountryOf, now_ms: int) -> Iterator[_Found]:
    places = [(item.url, item.hosting) for item in report.items]
    if report.source_url:
        places.append((report.source_url.url, report.source_url.hosting))
    for url, hosting in places:
        yield from _place(url, hosting, country_of, now_ms)


def _place(url: str, hosting: Hosting | None, country_of: CountryOf, now_ms: int) -> Iterator[_Found]:
    """As stated; else by the address; the ending of the name is a hint and no more."""
    country = hosting.country if hosting else ""
    if hosting and country:
        yield country, _kind_of(hosting, "hosting"), _freshness(hosting, now_ms)
    elif hosting and hosting.ip_address:
        yield country_of(hosting.ip_address), _kind_of(hosting, "ip"), _freshness(hosting, now_ms)
    if url and not country:
        yield country_code_of(url), "domain", 1.0


def _kind_of(hosting: Hosting, kind: str) -> str:
    """A delivery network has an address near everybody: it says little of where the content lies."""
    return "hosting_cdn" if hosting.content_delivery_network is Ternary.YES else kind


def _freshness(hosting: Hosting, now_ms: int) -> float:
    if hosting.checked_at is None or now_ms - hosting.checked_at.epoch_ms <= _FRESH_MS:
        return 1.0
    return _STALE


def _claims(report: ReportSubmitted) -> Iterator[_Found]:
    for claim in report.nexus:
        kind = NexusKind.DECLARED if claim.kind is NexusKind.UNKNOWN else claim.kind
        yield claim.country, kind.lower(), _certainty(claim)
    for country in (report.declared_country, *(item.assigned_country for item in report.items)):
        yield country, "declared", 1.0


def _certainty(claim: NexusClaim) -> float:
    """What the claimant says; a number that is none (outside 0 to 1) takes nothing away."""
    stated = claim.confidence
    return stated if stated is not None and 0.0 <= stated <= 1.0 else 1.0


def _personal(personal: PersonalPart | None, country_of: CountryOf) -> Iterator[_Found]:
    for event in personal.network_events if personal else ():
        yield event.country or (country_of(event.ip_address) if event.ip_address else ""), "network", 1.0
    for location in personal.locations if personal else ():
        yield location.country, "location", 1.0
