"""Which answers of a recipient are for a person."""

import pytest

from processors.unsettled import for_a_person, ruling_of
from schemas.records.answers import Return, ReturnKind
from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.records.ruling import RulingCause
from schemas.records.values import Coordinate
from tests.builders.reports import an_instant


def a_return(kind: ReturnKind, **changes: object) -> Return:
    said = {"return_id": "r", "referral_id": ReferralId("a"), "report_id": ReportId("b"), "member": MemberId("m")}
    return Return(**(said | {"kind": kind, "at": an_instant()} | changes))  # type: ignore[arg-type]  # of a test


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (ReturnKind.PARKED, "queue.parked"),
        (ReturnKind.EXPIRED, "queue.expired"),
        (ReturnKind.ESCALATED, "queue.not_taken_up"),
        (ReturnKind.REFUSED, "queue.refused"),
    ],
)
def test_what_does_not_go_on_by_itself_is_for_a_person(kind: ReturnKind, reason: str) -> None:
    entered = for_a_person(a_return(kind))
    assert entered is not None
    assert entered.reason == reason


@pytest.mark.parametrize("kind", [ReturnKind.DELIVERED, ReturnKind.TAKEN_UP, ReturnKind.COUNTED, ReturnKind.OUTCOME])
def test_what_goes_on_needs_nobody(kind: ReturnKind) -> None:
    assert for_a_person(a_return(kind)) is None


def test_an_escalation_to_somebody_whom_the_policy_names_needs_nobody_else() -> None:
    assert for_a_person(a_return(ReturnKind.ESCALATED, addressee=MemberId("de-hotline-b"))) is None


def test_an_escalation_enters_once_however_often_it_is_said() -> None:
    causes = {
        entered.cause
        for name in "ab"
        if (entered := for_a_person(a_return(ReturnKind.ESCALATED, return_id=name))) is not None
    }
    assert len(causes) == 1


def test_a_delivery_that_is_parked_again_enters_again() -> None:
    causes = {
        entered.cause
        for name in "ab"
        if (entered := for_a_person(a_return(ReturnKind.PARKED, return_id=name))) is not None
    }
    assert len(causes) == 2


PLACE = Coordinate(topic="reports.plat-a.submitted.v1", partition=0, offset=7)
HOLDERS = (MemberId("m"), MemberId("other"))


def test_an_escalation_gives_the_report_to_whom_the_policy_names_next_and_recalls_nobody() -> None:
    answer = a_return(ReturnKind.ESCALATED, addressee=MemberId("stand-in"), reason_code="escalation.stand_in")
    ruling = ruling_of(answer, MemberId("plat-a"), PLACE, HOLDERS)
    assert ruling is not None
    assert (ruling.chosen, ruling.unchanged, ruling.cause) == (("stand-in",), HOLDERS, RulingCause.ESCALATED)
    assert ruling == ruling_of(answer, MemberId("plat-a"), PLACE, HOLDERS), "sent again it is the same"


@pytest.mark.parametrize("addressee", ["", "m", "other"])
def test_nothing_is_decided_again_for_the_operator_the_member_itself_or_who_has_it(addressee: str) -> None:
    answer = a_return(ReturnKind.ESCALATED, addressee=MemberId(addressee))
    assert ruling_of(answer, MemberId("plat-a"), PLACE, HOLDERS) is None
