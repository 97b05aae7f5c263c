"""What the policy bundle says of the member that takes delivery: its jurisdiction and its duplicate agreement."""

from msgspec import Struct

from consumers.agreement import Agreement, Treatment
from consumers.escalation import Contact, Contacts, Role
from schemas.failures import Broken
from schemas.records.identifiers import JurisdictionCode, MemberId
from schemas.topics import referral_topic, status_topic, urgent_topic
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import DuplicateAgreement, Member, Sector
from tocsin.policy.policies import Policies
from tocsin.runtime.metrics import describe_policy

_HOUR_SECONDS = 3600


class Membership(Struct, frozen=True, kw_only=True):
    """One member as its delivery process knows it."""

    member: MemberId
    jurisdiction: JurisdictionCode
    agreement: Agreement = Agreement()
    contacts: Contacts = {}
    """Who is told when nobody takes up an urgent referral."""
    policy: str = ""
    """Digest of the bundle that says so."""

    def topics(self) -> tuple[str, str]:
        """Where its referrals are: the urgent ones first."""
        place = (self.jurisdiction, self.member)
        return urgent_topic(*place), referral_topic(*place)

    def told_on(self) -> str:
        """Where it is told what changed about them."""
        return status_topic(self.member)


def membership_of(bundle: Bundle, member: MemberId) -> Membership:
    """Look the member up; Broken where the bundle does not know it as a recipient."""
    found = bundle.members.get(member)
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
        contacts=_contacts(bundle, found),
        policy=bundle.digest,
    )


class Memberships:
    """What holds now; a member that a later bundle leaves out, or moves, still gets what was referred to it."""

    def __init__(self, rules: Policies, member: MemberId, now_ms: int) -> None:
        self._rules = rules
        self._bundle = rules.at(now_ms)
        self.current = membership_of(self._bundle, member)
        _told(self._bundle, now_ms)

    def at(self, now_ms: int) -> Membership:
        """The very same one until another bundle takes effect."""
        bundle = self._rules.at(now_ms)
        if bundle is not self._bundle:
            self._bundle = bundle
            _told(bundle, now_ms)
            found = bundle.members.get(self.current.member)
            if found is not None and found.receives and found.jurisdiction == self.current.jurisdiction:
                self.current = membership_of(bundle, self.current.member)
        return self.current


def _told(bundle: Bundle, now_ms: int) -> None:
    """Which policy this process uses, for whoever scrapes it."""
    describe_policy(bundle.digest, bundle.policy_version().parts, now_ms)


def _contacts(bundle: Bundle, member: Member) -> Contacts:
    """Whom each step of an escalation goes to, as far as the policy names them; what is urgent and not taken up is for
    police first.
    """
    home = bundle.jurisdictions.get(member.jurisdiction)
    line = (*bundle.in_line(home, Sector.LEA), *home.fallback) if home else ()
    fallback = next((other for other in line if other != member.id), None)
    in_line = {Role.DUTY_CONTACT: member.id, Role.STAND_IN: member.stand_in, Role.FALLBACK: fallback}
    return {role: _contact(bundle.members[chosen]) for role, chosen in in_line.items() if chosen}


def _contact(member: Member) -> Contact:
    """Within duty hours the duty contact, outside them whoever answers the other way."""
    off_duty = f"{member.name}, {member.out_of_band}" if member.out_of_band else ""
    reach = ", ".join(filter(None, (member.name, member.duty_contact)))
    return Contact(member=member.id, reach=reach, off_duty_reach=off_duty, party=member)


def _signed(agreement: DuplicateAgreement) -> Agreement:
    try:
        treatment = Treatment(agreement.known_content)
    except ValueError as error:
        raise Broken(
            f"A duplicate agreement says {', '.join(Treatment)}, found '{agreement.known_content}'. "
            "Correct members.toml of the policy bundle.",
            code="delivery.agreement",
        ) from error
    return Agreement(
        known_content=treatment,
        bundle_period_seconds=agreement.bundle_period_hours * _HOUR_SECONDS,
        selectors=agreement.selectors,
        window_seconds=None if agreement.window_hours is None else agreement.window_hours * _HOUR_SECONDS,
    )
