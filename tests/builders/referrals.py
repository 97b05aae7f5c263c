"""Valid synthetic referrals: a test names only what it is about."""

from typing import Any

from schemas.records.identifiers import JurisdictionCode, MemberId, referral_id_of, report_id_of
from schemas.records.referral import Referral, Withheld
from schemas.records.triage import Completeness, Priority
from schemas.records.values import Tier
from tests.builders.reports import HOUR_MS, NOON_MS, YEAR_MS, a_source_url, an_instant, an_item

RECIPIENT = MemberId("nl-hotline")


def a_priority(tier: Tier = Tier.NORMAL, **changes: Any) -> Priority:
    """A tier with a deadline of a day, one hour where it is urgent."""
    deadline_ms = NOON_MS + (HOUR_MS if tier is Tier.URGENT else 24 * HOUR_MS)
    values: dict[str, Any] = {"tier": tier, "score": 40.0, "deadline": an_instant(deadline_ms), "reasons": ("new",)}
    return Priority(**(values | changes))


def a_referral(reference: str = "case-1", **changes: Any) -> Referral:
    """A report of one item at a page as released to the Dutch hotline; ids follow from the reference."""
    submitter = changes.get("submitter", MemberId("plat-a"))
    report_id = changes.get("report_id", report_id_of(submitter, reference))
    recipient = changes.get("recipient", RECIPIENT)
    values: dict[str, Any] = {
        "report_id": report_id,
        "referral_id": referral_id_of(report_id, changes.get("revision", 1), recipient, changes.get("ruling", 0)),
        "recipient": recipient,
        "jurisdiction": JurisdictionCode("nl"),
        "submitter": submitter,
        "submitter_reference": reference,
        "submitted_at": an_instant(),
        "triaged_as_of": an_instant(),
        "legal_basis": "gdpr-6-1-f",
        "purpose": "removal_and_investigation",
        "retain_until": an_instant(NOON_MS + YEAR_MS),
        "source_url": a_source_url(),
        "items": (an_item(),),
        "incident_types": ("csam",),
        "priority": a_priority(),
        "completeness": Completeness(score=60),
        "content_keys": (f"url:{reference}",),
        "withheld": (Withheld(path="memo", rule="release.default"),),
    }
    values |= changes
    kinds = {key.partition(":")[0] for key in values["content_keys"]}
    return Referral(**({"content_kinds": ("+".join(sorted(kinds)),)} | values))
