"""Answers of recipients for tests: each a Return to one referral."""

from itertools import count
from typing import Any

from schemas.records.answers import Outcome, Return, ReturnKind
from schemas.records.identifiers import MemberId, ReferralId, ReportId
from tests.builders.reports import an_instant

REPORT = ReportId("3b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e33")
REFERRAL = ReferralId("2b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e33")
_NUMBERS = count(1)


def an_outcome_return(member: str, *outcomes: Outcome, **changes: Any) -> Return:
    """A person's outcome, with an id of its own."""
    defaults: dict[str, Any] = {
        "return_id": f"return-{next(_NUMBERS)}",
        "referral_id": REFERRAL,
        "report_id": REPORT,
        "member": MemberId(member),
        "kind": ReturnKind.OUTCOME,
        "at": an_instant(),
        "by_person": True,
        "outcomes": outcomes,
    }
    return Return(**(defaults | changes))
