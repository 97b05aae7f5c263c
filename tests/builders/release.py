"""Recipients, and referrals before release in which every field says something."""

from msgspec.structs import replace

from processors.steps.release.rules import Recipient
from schemas.records.identifiers import CountryCode, KeyId, MemberId
from schemas.records.proof import OriginProof
from schemas.records.referral import Referral
from schemas.records.report import ContentItem, LawEnforcementNotice
from schemas.records.triage import Completeness, ItemVerdict
from schemas.records.values import Handling, Novelty, PolicyVersion, SealedPart, Ternary, Text, Tier, Verdict
from tests.builders.policy import the_sample
from tests.builders.referrals import a_priority, a_referral
from tests.builders.reports import a_nexus_claim, an_escalation, an_instant, an_item

SUBMITTER_SAYS = "Platform A"


def a_recipient(member: str) -> Recipient:
    """A member of the sample as the route names it."""
    found = the_sample().members[MemberId(member)]
    return Recipient(member=found.id, jurisdiction=found.jurisdiction, country=found.country, sector=found.sector)


def a_full_referral() -> Referral:
    """Everything that could be released, and more."""
    return a_referral(
        revision=2,
        ruling=1,
        changes=("items",),
        withdrawn=True,
        received_at=an_instant(),
        detected_at=an_instant(),
        incident_at=an_instant(),
        controller=SUBMITTER_SAYS,
        handling=Handling(tlp="RED"),
        source_kind="moderation",
        external_ids={"ncmec": "1"},
        items=(an_item(external_ids={"iccam": "2"}), an_item(hashes=())),
        incident_medium="chat",
        detection_method="user_report",
        victim_age_band="infant",
        annotations=("viral",),
        escalation=an_escalation(),
        nexus=(a_nexus_claim(),),
        declared_country=CountryCode("NL"),
        platform=SUBMITTER_SAYS,
        confidence=0.5,
        reported_elsewhere=("ncmec",),
        reporting_obligations=("ncmec",),
        law_enforcement=(LawEnforcementNotice(agency="Police"),),
        account_suspended=Ternary.YES,
        preservation_until=an_instant(),
        held_material=("profile",),
        memo=Text(text="A word."),
        verdicts=(ItemVerdict(),),
        priority=a_priority(Tier.URGENT, rules=("gate.escalated",), uncertainty=0.2, ruleset_version="1"),
        completeness=Completeness(score=60, missing=("accounts",)),
        novelty=Novelty.SEEN,
        corroboration=2,
        linked_reports=3,
        conflicting_reports=1,
        circumstance_keys=("c",),
        flags=("classify.basis_lapsed",),
        policy=PolicyVersion(bundle="digest"),
        sealed=(SealedPart(audience="lea"),),
        origin_proof=OriginProof(key_id=KeyId("0" * 16)),
    )


def a_full_referral_of(*items: ContentItem) -> Referral:
    """The same with these items, and a verdict on each."""
    verdicts = tuple(ItemVerdict(content_id=item.content_id, verdict=Verdict.NATIONAL) for item in items)
    return replace(a_full_referral(), items=items, verdicts=verdicts)
