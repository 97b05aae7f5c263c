"""Answers of recipients for tests: each a Return to one referral, or a label of one item."""

from itertools import count
from typing import Any

from schemas.records.answers import LabelAdded, Outcome, Return, ReturnKind
from schemas.records.identifiers import ContentId, MemberId, ReferralId, ReportId
from schemas.records.report import Label
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


def a_label(member: str, content_id: str, **changes: Any) -> LabelAdded:
    """A person's assessment as national, with an id of its own."""
    defaults: dict[str, Any] = {
        "label_id": f"label-{next(_NUMBERS)}",
        "content_id": ContentId(content_id),
        "report_id": REPORT,
        "member": MemberId(member),
        "at": an_instant(),
        "label": Label(scheme="iccam", label="national"),
    }
    return LabelAdded(**(defaults | changes))
