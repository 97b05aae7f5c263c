"""The words that rule files may use and the steps understand; a test compares them with what the steps implement."""

from typing import Final

CONDITIONS: Final = frozenset(
    {
        "ai_only",
        "ai_signal",
        "anchored",
        "baseline",
        "contact_abuse",
        "escalated",
        "extreme_harm",
        "identified_victim",
        "imminent_danger",
        "infant",
        "informational",
        "known_series",
        "live_stream",
        "item_count",
        "new_content",
        "partly_synthetic",
        "realistic",
        "prepubescent",
        "prior_reports",
        "recent_incident",
        "sadistic",
        "self_generated",
        "several_members",
        "sextortion",
        "suspect_known",
        "trafficking",
        "viral",
    }
)
"""What a gate, a factor or a cap of priority.toml may ask."""

TIMED_CONDITIONS: Final = frozenset({"recent_incident"})
"""Conditions of something that happened at a time: a factor may say after how many days it counts half."""

EVIDENCE: Final = frozenset(
    {"hosting", "hosting_cdn", "ip", "domain", "offence", "suspect", "victim", "declared", "network", "location"}
)
"""How a country comes in; routing.toml says how much each counts."""

FIELD_GROUPS: Final = frozenset(
    {"content", "hashes", "circumstances", "assessment", "provenance", "submitter", "links", "personal", "withheld"}
)
"""What a sharing agreement can allow."""

ANSWER_PARTS: Final = frozenset({"recipient", "case_number", "outcomes", "question"})
"""What an agreement on answers can allow: parts of a status of that name."""

ORPHAN: Final = "orphan"
"""The mandate of hotlines that work on what nobody else is concerned by (ICCAM's orphaned queue)."""
MANDATES: Final = frozenset({ORPHAN})

DUPLICATE_SELECTORS: Final = frozenset({"url", "sha256", "sha512"})
"""What a member can sign to recognise content by."""

DUPLICATE_TREATMENTS: Final = frozenset({"deliver", "bundle", "count"})
"""What a member can sign about content that it certainly has."""
