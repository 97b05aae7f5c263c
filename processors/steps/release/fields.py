"""Every field of a referral in exactly one of two tables: always released, or with a group that an agreement names."""

from collections.abc import Mapping
from typing import Final

ALWAYS: Final = frozenset(
    {
        "referral_id",
        "report_id",
        "recipient",
        "jurisdiction",
        "revision",
        "ruling",
        "changes",
        "withdrawn",
        "mark",
        "submitted_at",
        "triaged_as_of",
        "retain_until",
        "handling",
        "policy",
    }
)
"""What runs the exchange and says nothing of the case: a recipient needs it to store, to answer and to delete."""

GROUPS: Final[Mapping[str, str]] = {
    "source_url": "content",
    "items": "content",
    "platform": "content",
    "content_keys": "content",
    "content_kinds": "content",
    "circumstance_keys": "content",
    "incident_types": "circumstances",
    "incident_medium": "circumstances",
    "detection_method": "circumstances",
    "held_material": "circumstances",
    "victim_age_band": "circumstances",
    "annotations": "circumstances",
    "escalation": "circumstances",
    "nexus": "circumstances",
    "declared_country": "circumstances",
    "incident_at": "circumstances",
    "detected_at": "circumstances",
    "law_enforcement": "circumstances",
    "account_suspended": "circumstances",
    "confidence": "circumstances",
    "verdicts": "assessment",
    "priority": "assessment",
    "completeness": "assessment",
    "flags": "assessment",
    "received_at": "provenance",
    "external_ids": "provenance",
    "reported_elsewhere": "provenance",
    "reporting_obligations": "provenance",
    "legal_basis": "provenance",
    "purpose": "provenance",
    "controller": "provenance",
    "preservation_until": "provenance",
    "source_kind": "provenance",
    "submitter": "submitter",
    "submitter_reference": "submitter",
    "origin_proof": "submitter",
    "linked_reports": "links",
    "conflicting_reports": "links",
    "corroboration": "links",
    "novelty": "links",
    "withheld": "withheld",
    "memo": "free_text",
    "sealed": "sealed",
}
"""The two kinds of keys go together: duplicates told by content alone would hide a new account or nexus."""

NEVER: Final[Mapping[str, str]] = {"free_text": "release.free_text", "sealed": "release.sealed"}
"""Groups that no agreement can name, and the rule that says so; a sealed part is made anew for each recipient."""

OF_ITEMS: Final = frozenset({"items", "verdicts"})
"""Decided item by item; every other field speaks of all items, and one label that is denied denies it."""

TELLS_THE_SUBMITTER: Final = frozenset(
    {"submitter", "submitter_reference", "controller", "platform", "external_ids", "origin_proof"}
)
"""What names the submitter or leads to it: nobody gets it where the submitter hides itself."""

STILL_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {"priority": ("tier", "deadline", "ruleset_version")}
"""Parts that stay where their field is withheld: without tier and deadline nobody would look in time."""
