"""What a fall-back chain must keep to: mandated hotlines, then police, and the bureau last."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from schemas.records.identifiers import MemberId
from tocsin.policy.jurisdictions import Jurisdiction
from tocsin.policy.members import POLICE, Member, Sector
from tocsin.policy.problems import Problem
from tocsin.policy.words import ORPHAN

_ORDER: Final = (Sector.HOTLINE, Sector.LEA, Sector.INTERNATIONAL)


def fallback_problems(jurisdiction: Jurisdiction, members: Mapping[MemberId, Member], file: str) -> Iterator[Problem]:
    """Of the members that receive; that each named one exists and receives is looked at elsewhere."""
    chain = [members[name] for name in jurisdiction.fallback if name in members and members[name].receives]
    fit = [member for member in chain if _is_mandated(member) or member.sector in POLICE]
    for member in chain:
        if member not in fit:
            yield _problem(file, "hotlines with the mandate orphan, police, and the bureau", member)
    for before, after in pairwise(fit):
        if _ORDER.index(before.sector) > _ORDER.index(after.sector):
            yield _problem(file, "mandated hotlines before police, and the bureau last", before)
    mandated = [one for one in members.values() if _is_mandated(one)]
    has_its_own = any(one.country == jurisdiction.country for one in mandated)
    if fit and mandated and not has_its_own and not any(map(_is_mandated, fit)):
        named = ", ".join(one.id for one in mandated)
        yield _problem(file, f"a mandated hotline before the bureau: {named}", fit[0])


def _is_mandated(member: Member) -> bool:
    return member.sector is Sector.HOTLINE and ORPHAN in member.mandate


def _problem(file: str, expected: str, found: Member) -> Problem:
    return Problem(code="policy.fallback", file=file, key="fallback", expected=expected, found=f"'{found.id}'")
