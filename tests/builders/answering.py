"""Everything that members say beside reports, with each text of the published schemas, for a canary to be put there."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from schemas.records.answers import LabelAdded, Outcome, Question, ReferralsRead, Return, ReturnKind
from schemas.records.identifiers import ContentId, CountryCode, MemberId, ReferralId, ReportId
from schemas.records.report import Label
from schemas.records.values import Instant, Text
from tests.builders.answers import REFERRAL, REPORT
from tests.builders.planting import Place, ceiling
from tests.builders.reports import NOON_MS

AUTHOR: Final = "author"
"""A class of readers of its own: whoever answers is told what became of its words."""
ANSWERING: Final = (Return, LabelAdded, ReferralsRead)
_SAID: Final = tuple(kind for kind in ReturnKind if kind is not ReturnKind.UNKNOWN)
_A_DAY_MS: Final = 86_400_000


def a_full_return(kind: ReturnKind, member: str, name: str, referral: str, report: str) -> Return:
    """An answer that has each field of the language, as no real one has."""
    outcome = Outcome(
        content_id=ContentId("item-1"),
        action="removed",
        reason="example",
        classification="national",
        hosting_country=CountryCode("NL"),
        assigned_country=CountryCode("NL"),
    )
    question = Question(code="missing_time", field="detected_at", text=Text(text="When was it?", language="en"))
    return Return(
        return_id=name,
        referral_id=ReferralId(referral),
        report_id=ReportId(report),
        member=MemberId(member),
        kind=kind,
        at=Instant(epoch_ms=NOON_MS),
        until=Instant(epoch_ms=NOON_MS + _A_DAY_MS),
        by_person=True,
        case_number="case-77",
        reason_code="example",
        sink="directory",
        addressee=MemberId("de-police"),
        outcomes=(outcome,),
        question=question,
        memo=Text(text="An example.", language="en"),
    )


def a_full_label(member: str, name: str, report: str) -> LabelAdded:
    """A label that has each field of the language."""
    return LabelAdded(
        label_id=name,
        content_id=ContentId("item-1"),
        report_id=ReportId(report),
        member=MemberId(member),
        at=Instant(epoch_ms=NOON_MS),
        label=Label(scheme="iccam", label="national"),
    )


def a_full_look(member: str, name: str) -> ReferralsRead:
    """A person's look that has each field of the language."""
    return ReferralsRead(
        read_id=name,
        member=MemberId(member),
        at=Instant(epoch_ms=NOON_MS),
        person="Anna Example",
        purpose="shift",
        what="referrals",
        since=Instant(epoch_ms=NOON_MS - _A_DAY_MS),
        until=Instant(epoch_ms=NOON_MS),
    )


def sayings(member: str, referral: str = REFERRAL, report: str = REPORT) -> Iterator[Struct]:
    """One answer of each kind, a label, and a look."""
    for kind in _SAID:
        yield a_full_return(kind, member, f"said-{kind.lower()}", referral, report)
    yield a_full_label(member, "said-label", report)
    yield a_full_look(member, "said-look")


def may_read(record: Struct, path: Place) -> frozenset[str]:
    """By the published ceilings, and whoever says it."""
    return ceiling(record, path) | {AUTHOR}
