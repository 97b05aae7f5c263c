"""Who may assess, act on and move a content item: the hotline of the country that it is assigned to; pure."""

from collections.abc import Iterator
from datetime import date

from schemas.item_state import Actor
from schemas.records.identifiers import CountryCode, MemberId
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import Member, Sector
from tocsin.policy.words import ORPHAN


def actor_of(member: MemberId, assigned_country: str, bundle: Bundle, on: date) -> Actor:
    """How a member that holds a referral stands to an item of that country on that day."""
    known = bundle.members[member]
    is_hotline = known.sector is Sector.HOTLINE
    return Actor(is_assigned=_is_assigned(known, assigned_country, bundle, on), is_hotline=is_hotline)


def _is_assigned(member: Member, assigned_country: str, bundle: Bundle, on: date) -> bool:
    """Only hotlines of the country, where it has one; else its own members, and who takes what nobody else does.

    What is assigned to no country is worked on by whoever has it (ICCAM's orphaned queue, domain facts 0.3 and 1.2).
    """
    if not assigned_country:
        return True
    country = country_named(assigned_country, bundle)
    hotlines = [one.id for one in _of_country(country, bundle, on) if one.sector is Sector.HOTLINE]
    if hotlines:
        return member.id in hotlines
    return member.country == country or ORPHAN in member.mandate or member.id in _instead(country, bundle)


def country_named(written: str, bundle: Bundle) -> CountryCode:
    """The ISO 3166 code for a code or an alias (UK, EL); a code that the bundle does not know stays as it is."""
    known = bundle.jurisdiction_of(CountryCode(written))
    return known.country if known else CountryCode(written.upper())


def _of_country(country: CountryCode, bundle: Bundle, on: date) -> Iterator[Member]:
    return (one for one in bundle.members.values() if one.country == country and one.receives and one.takes_part(on))


def _instead(country: CountryCode, bundle: Bundle) -> tuple[MemberId, ...]:
    known = bundle.jurisdiction_of(country)
    return (*(known.fallback if known else ()), *bundle.routing.last_resort)
