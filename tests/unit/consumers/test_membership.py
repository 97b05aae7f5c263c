"""Who takes delivery, as the policy bundle says."""

import pytest

from consumers.agreement import Agreement, Treatment
from consumers.escalation import Role
from consumers.membership import membership_of
from schemas.failures import Broken
from schemas.records.identifiers import MemberId
from tocsin.policy.bundle import SAMPLE, load


def test_a_recipient_has_its_jurisdiction_its_agreement_and_its_two_topics() -> None:
    found = membership_of(load(SAMPLE), MemberId("nl-hotline"))
    assert found.topics() == ("referrals.nl.nl-hotline.urgent.v1", "referrals.nl.nl-hotline.v1")
    assert isinstance(found.agreement, Agreement)


@pytest.mark.parametrize("member", ["plat-a", "nobody"])
def test_whoever_receives_nothing_is_refused(member: str) -> None:
    with pytest.raises(Broken) as caught:
        membership_of(load(SAMPLE), MemberId(member))
    assert caught.value.code == "delivery.not_a_recipient"


def test_every_agreement_of_the_sample_can_be_kept() -> None:
    for member in load(SAMPLE).members.values():
        if member.receives:
            assert membership_of(load(SAMPLE), member.id).agreement.known_content in Treatment


def test_an_escalation_goes_to_the_members_own_people_its_stand_in_and_its_fall_back() -> None:
    contacts = membership_of(load(SAMPLE), MemberId("de-hotline-a")).contacts
    assert {role: contact.member for role, contact in contacts.items()} == {
        Role.DUTY_CONTACT: "de-hotline-a",
        Role.STAND_IN: "de-hotline-b",
        Role.FALLBACK: "intl-police",
    }


def test_nobody_is_its_own_fall_back() -> None:
    contacts = membership_of(load(SAMPLE), MemberId("intl-police")).contacts
    assert Role.FALLBACK not in contacts
