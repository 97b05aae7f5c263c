"""Whether a hotline may propose a notice to a host: proposed, never sent; and what keeps a person from it; pure."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from processors.steps.route.evidence import Evidence
from processors.steps.route.rules import Addressee
from schemas.records.triage import UNVERIFIED_NATIONAL, ItemVerdict
from schemas.records.values import Verdict
from tocsin.policy.bundle import Bundle
from tocsin.policy.jurisdictions import Criminalised
from tocsin.policy.members import Sector

_HOSTED: Final = frozenset({"hosting", "ip"})
_FIRST: Final = frozenset({Criminalised.YES, Criminalised.PARTLY})
"""Where the law wants police to be asked first, if only in some cases."""
_ILLEGAL: Final = frozenset({Verdict.BASELINE, Verdict.NATIONAL})


def notice(
    addressee: Addressee, pointed: Iterable[Evidence], verdicts: Iterable[ItemVerdict], bundle: Bundle, on: date
) -> str:
    """What a hotline reads about a notice to the host: proposed where the content lies in its country and is illegal
    there, or that its law wants police to be asked first. Nothing where there is nothing to propose.
    """
    if addressee.sector is not Sector.HOTLINE:
        return ""
    home = bundle.jurisdictions[addressee.jurisdiction]
    hosted = any(found.kind in _HOSTED and found.country == home.country for found in pointed)
    illegal = any(one.jurisdiction == home.code and _may_be_illegal(one) for one in verdicts)
    if not (hosted and illegal):
        return ""
    law = home.law(on)
    return "notice.police_first" if law is not None and law.lea_first in _FIRST else "notice.proposed"


def _may_be_illegal(verdict: ItemVerdict) -> bool:
    """A person decides about the notice, so law that nobody has checked may propose one."""
    return verdict.verdict in _ILLEGAL or UNVERIFIED_NATIONAL in verdict.rules
