"""What a member says of a person that looks at its referrals: which of it the audit log can keep; pure."""

from typing import Final

from schemas.records.answers import ReferralsRead
from schemas.screening.text import rule_of_text

LONGEST: Final = 200
"""Characters of a name or a purpose."""
TOGETHER: Final = " and "
"""Stands between two people who did one thing: no single name has it."""
REFERRALS: Final = "referrals"
WHAT: Final = frozenset({REFERRALS, "notices"})


def refusal_of_reading(said: ReferralsRead) -> str:
    """The code of what is wrong with it; empty where it can be kept."""
    if not said.person.strip() or TOGETHER in said.person or not _is_short(said.person):
        return "reading.person"
    return "" if said.what in WHAT and _is_short(said.purpose) else "reading.purpose"


def _is_short(text: str) -> bool:
    """One line of words: nothing that a screen obeys, and nothing that could be content."""
    return len(text) <= LONGEST and rule_of_text(text) is None
