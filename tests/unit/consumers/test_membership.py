"""Who takes delivery, as the policy bundle says."""

from pathlib import Path

import pytest

from consumers.agreement import Agreement, Treatment
from consumers.escalation import Role
from consumers.membership import Memberships, membership_of
from schemas.failures import Broken
from schemas.records.identifiers import MemberId
from tests.builders.policy import a_folder
from tests.builders.promotions import a_chancery
from tests.unit.processors.test_policy_watch import since, told
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


INSTANT_MS = 1_795_000_000_000


def test_another_agreement_holds_from_its_instant_on(tmp_path: Path) -> None:
    chancery = a_chancery(tmp_path)
    (tmp_path / "new").mkdir()
    agreement = '[nl-hotline]\nagreement = { known_content = "count" }'
    chancery.promoted(a_folder(tmp_path / "new", ("members.toml", "[nl-hotline]", agreement)), INSTANT_MS)
    found = Memberships(chancery.policies(), MemberId("nl-hotline"), INSTANT_MS - 1)
    before = found.at(INSTANT_MS - 1)
    assert before is found.current
    assert found.at(INSTANT_MS).agreement.known_content is Treatment.COUNT
    assert (before.policy, found.current.policy) == (load(SAMPLE).digest, found.at(INSTANT_MS).policy)


def test_a_member_that_a_bundle_leaves_out_still_gets_what_was_referred_to_it(tmp_path: Path) -> None:
    chancery = a_chancery(tmp_path)
    (tmp_path / "new").mkdir()
    edit = ("members.toml", "receives = true\n\n[gb-hotline]", "receives = false\n\n[gb-hotline]")
    chancery.promoted(a_folder(tmp_path / "new", edit), INSTANT_MS)
    found = Memberships(chancery.policies(), MemberId("fr-hotline"), INSTANT_MS - 1)
    assert found.at(INSTANT_MS).topics() == ("referrals.fr.fr-hotline.urgent.v1", "referrals.fr.fr-hotline.v1")


def test_a_process_that_delivers_tells_which_policy_it_uses_and_since_when(tmp_path: Path) -> None:
    chancery = a_chancery(tmp_path)
    (tmp_path / "new").mkdir()
    agreement = '[nl-hotline]\nagreement = { known_content = "count" }'
    chancery.promoted(a_folder(tmp_path / "new", ("members.toml", "[nl-hotline]", agreement)), INSTANT_MS)
    found = Memberships(chancery.policies(), MemberId("nl-hotline"), INSTANT_MS - 1_000)
    assert [one["digest"] for one in told()] == [load(SAMPLE).digest[:12]]
    assert since() == INSTANT_MS / 1_000 - 1
    promoted = found.at(INSTANT_MS)
    found.at(INSTANT_MS + 5_000)
    assert [one["digest"] for one in told()] == [promoted.policy[:12]]
    assert since() == INSTANT_MS / 1_000
