"""What the policy bundle says of the member that takes delivery: its jurisdiction and its duplicate agreement."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from consumers.agreement import Agreement, Treatment
from schemas.failures import Broken
from schemas.records.identifiers import JurisdictionCode, MemberId
from schemas.topics import referral_topic, urgent_topic
from tocsin.policy.bundle import load
from tocsin.policy.members import DuplicateAgreement

_HOUR_SECONDS = 3600


class Membership(Struct, frozen=True, kw_only=True):
    """One member as its delivery process knows it."""

    member: MemberId
    jurisdiction: JurisdictionCode
    agreement: Agreement = Agreement()
    contacts: Mapping[str, str] = {}
    """Who is told when nobody takes up an urgent referral, by the code of the escalation step."""

    def topics(self) -> tuple[str, str]:
        """Where its referrals are: the urgent ones first."""
        place = (self.jurisdiction, self.member)
        return urgent_topic(*place), referral_topic(*place)


def membership_of(policy: Path, member: MemberId) -> Membership:
    """Look the member up; Broken where the bundle does not know it as a recipient."""
    found = load(policy).members.get(member)
    if found is None or not found.receives:
        raise Broken(
            f"A member that takes delivery is in the policy bundle and marked as receiving, found no such '{member}'. "
            "Check the name, and the policy folder of its settings.",
            code="delivery.not_a_recipient",
        )
    return Membership(
        member=member,
        jurisdiction=found.jurisdiction,
        agreement=_signed(found.agreement),
        contacts={"escalation.duty_contact": found.duty_contact, "escalation.stand_in": found.stand_in or ""},
    )


def _signed(agreement: DuplicateAgreement) -> Agreement:
    try:
        treatment = Treatment(agreement.known_content)
    except ValueError as error:
        raise Broken(
            f"A duplicate agreement says {', '.join(Treatment)}, found '{agreement.known_content}'. "
            "Correct members.toml of the policy bundle.",
            code="delivery.agreement",
        ) from error
    return Agreement(known_content=treatment, bundle_period_seconds=agreement.bundle_period_hours * _HOUR_SECONDS)
