"""What a submitter is told of a recipient's answer: the parts that an agreement names, default deny; pure."""

from datetime import date
from typing import Final

from msgspec.structs import replace

from schemas.records.answers import Status
from schemas.records.identifiers import MemberId
from tocsin.policy.bundle import Bundle
from tocsin.policy.dates import in_force
from tocsin.policy.members import Member
from tocsin.policy.sharing import AnswerAgreement, Organisations

_NOTHING: Final = {"recipient": MemberId(""), "case_number": "", "outcomes": (), "question": None}
"""The parts that need an agreement, and what stands there without one."""


def release_answer(full: Status, recipient: MemberId, bundle: Bundle, on: date) -> Status:
    """A status that says everything, narrowed to what its submitter may know of that recipient."""
    answering, told = bundle.members.get(recipient), bundle.members.get(full.member)
    allowed: set[str] = set()
    if answering and told:
        for agreement in in_force(bundle.sharing.answer, on):
            if _applies(agreement, answering, told):
                allowed.update(agreement.allow)
    return replace(full, **{part: nothing for part, nothing in _NOTHING.items() if part not in allowed})


def _applies(agreement: AnswerAgreement, answering: Member, told: Member) -> bool:
    are_one = answering.belongs_to == told.belongs_to
    wanted = {Organisations.ANY: are_one, Organisations.SAME: True, Organisations.OTHER: False}
    return (
        answering.sector in agreement.recipient_sectors
        and told.sector in agreement.submitter_sectors
        and wanted[Organisations(agreement.organisations)] is are_one
    )
