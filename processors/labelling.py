"""A later label of one item, read as the answer that it is: an assessment, held to the rules of any other; pure."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from processors.telling import Read
from schemas.records.answers import LabelAdded, Outcome, Return, ReturnKind
from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.vocabularies import vocabulary
from tocsin.runtime.ledger.addressing import is_id

Named = tuple[ReportId, MemberId]
"""A report, and the member that labels an item of it."""

ASSESSMENTS: Final = frozenset({"iccam", "interpol"})
"""Schemes whose labels assess an item: what it is, and not what it shows."""


def answer_of(added: LabelAdded) -> Return:
    """What the label says, as an outcome; to which referral, the ledger knows."""
    return Return(
        return_id=added.label_id,
        referral_id=ReferralId(""),
        report_id=added.report_id,
        member=added.member,
        mark=added.mark,
        kind=ReturnKind.OUTCOME,
        at=added.at,
        by_person=added.by_person,
        outcomes=(Outcome(content_id=added.content_id, classification=_classification(added)),),
    )


def refusal_of_label(added: LabelAdded) -> str:
    """The code of what makes it no assessment of ours; empty where it is one. A machine raises attention only."""
    if not is_id(added.report_id):
        return "label.unknown_report"
    if not added.by_person:
        return "label.by_machine"
    return "" if _classification(added) else "label.no_assessment"


def unaddressed(read: Iterable[Read]) -> set[Named]:
    """Whose referral of which report has to be found."""
    answers = (answer for entry in read if (answer := entry.accepted()) is not None)
    return {(answer.report_id, answer.member) for answer in answers if not answer.referral_id}


def addressed(read: Iterable[Read], found: Mapping[Named, ReferralId]) -> tuple[Read, ...]:
    """The answers, each to a referral as far as there is one."""
    return tuple(_addressed(entry, found) for entry in read)


def _addressed(entry: Read, found: Mapping[Named, ReferralId]) -> Read:
    answer = entry.accepted()
    referral = found.get((answer.report_id, answer.member)) if answer is not None and not answer.referral_id else None
    if answer is None or referral is None:
        return entry
    return replace(entry, answer=replace(answer, referral_id=referral))


def _classification(added: LabelAdded) -> str:
    """Our word for it; empty for a label of another kind."""
    if added.label.scheme not in ASSESSMENTS:
        return ""
    known = vocabulary("classification")
    code = known.code_of(added.label.label, "iccam")
    return code if known.is_known(code) else ""
