"""Valid synthetic records: a test names only what it is about, everything else is filled in here."""

from collections.abc import Callable
from typing import Any, TypeVar

from schemas.records.identifiers import ContentId, CountryCode, MemberId, report_id_of
from schemas.records.report import (
    AccountIdentifier,
    ContentItem,
    Escalation,
    Governance,
    Hosting,
    Label,
    NetworkEvent,
    NexusClaim,
    PersonalPart,
    ReportSubmitted,
    SourceUrl,
    Withdrawal,
)
from schemas.records.values import Hash, Instant, NexusKind, Ternary, Text
from schemas.sealing import unsealed_part

NOON_MS = 1_767_268_800_000
"""2026-01-01T12:00:00Z: the "now" of the tests."""
HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS
SHA256 = "6f1d0f7c2f0b6f7a3d5c9e8b1a2c4d6e8f0a1b3c5d7e9f1a2b4c6d8e0f1a3b5c"
MD5 = "9b1c7d3e5f2a4b6c8d0e1f3a5b7c9d2e"


T = TypeVar("T")


def _filled(build: Callable[..., T], defaults: dict[str, Any], changes: dict[str, Any]) -> T:
    return build(**(defaults | changes))


def an_instant(epoch_ms: int = NOON_MS, **changes: Any) -> Instant:
    """A second of the first day of 2026, stated in UTC."""
    return _filled(Instant, {"epoch_ms": epoch_ms, "utc_offset_minutes": 0}, changes)


def a_governance(**changes: Any) -> Governance:
    """A basis, the three-step justification, a purpose, a controller and a year of retention."""
    return _filled(
        Governance,
        {
            "legal_basis": "gdpr-6-1-f",
            "necessity": "least-data",
            "proportionality": "balanced",
            "purpose": "removal_and_investigation",
            "controller": "Platform A (simulated)",
            "retain_until": an_instant(NOON_MS + YEAR_MS),
        },
        changes,
    )


def a_hosting(**changes: Any) -> Hosting:
    """A host in the Netherlands on a documentation address."""
    return _filled(
        Hosting,
        {"country": CountryCode("NL"), "ip_address": "192.0.2.10", "source": "submitter", "checked_at": an_instant()},
        changes,
    )


def a_source_url(**changes: Any) -> SourceUrl:
    """A page on an example host."""
    return _filled(
        SourceUrl,
        {"url": "https://forum.example.test/thread/17", "site_type": "forum", "hosting": a_hosting()},
        changes,
    )


def a_hash(**changes: Any) -> Hash:
    """A random SHA-256."""
    return _filled(Hash, {"algorithm": "sha256", "value": SHA256}, changes)


def an_item(**changes: Any) -> ContentItem:
    """One item with address, digest and an ICCAM label."""
    return _filled(
        ContentItem,
        {
            "content_id": ContentId("item-1"),
            "url": "https://files.example.test/17/1",
            "hosting": a_hosting(),
            "content_type": "image",
            "hashes": (a_hash(),),
            "labels": (Label(scheme="iccam", scheme_version="3", label="baseline"),),
            "apparent_age_band": "prepubescent",
            "detection_method": "manual_review",
            "viewed_by_reporter": Ternary.YES,
        },
        changes,
    )


def an_escalation(**changes: Any) -> Escalation:
    """Somebody is in danger now."""
    text = Text(text="Live now, see the times.", language="en")
    return _filled(Escalation, {"reason_code": "imminent_danger", "escalation_reason": text}, changes)


def a_nexus_claim(**changes: Any) -> NexusClaim:
    """The victim is in Germany, says the submitter."""
    return _filled(
        NexusClaim,
        {"kind": NexusKind.VICTIM, "country": CountryCode("DE"), "source": "submitter", "confidence": 0.8},
        changes,
    )


def a_report(**changes: Any) -> ReportSubmitted:
    """A report of one item at a page; its id follows from submitter and reference unless a change names another."""
    submitter = changes.get("submitter", MemberId("plat-a"))
    reference = changes.get("submitter_reference", "case-1")
    return _filled(
        ReportSubmitted,
        {
            "report_id": report_id_of(submitter, reference),
            "submitter": submitter,
            "submitter_reference": reference,
            "submitted_at": an_instant(),
            "detected_at": an_instant(NOON_MS - HOUR_MS),
            "governance": a_governance(),
            "source_url": a_source_url(),
            "items": (an_item(),),
            "incident_types": ("csam",),
        },
        changes,
    )


def an_account(**changes: Any) -> AccountIdentifier:
    """A suspect's screen name on a service that does not exist."""
    return _filled(
        AccountIdentifier,
        {"role": "suspect", "platform": "chat.example.test", "kind": "screen_name", "value": "user-481516"},
        changes,
    )


def a_network_event(**changes: Any) -> NetworkEvent:
    """A log-in from a documentation address, with port."""
    return _filled(
        NetworkEvent,
        {"event": "login", "ip_address": "2001:db8:9::7", "port": 51515, "at": an_instant(), "account_index": 0},
        changes,
    )


def a_personal_part(**changes: Any) -> PersonalPart:
    """One account and one network event."""
    return _filled(PersonalPart, {"accounts": (an_account(),), "network_events": (a_network_event(),)}, changes)


def an_incident(incident_type: str = "grooming", **changes: Any) -> ReportSubmitted:
    """A report without URL, hash or item: an account, a network event and an incident."""
    personal = changes.pop("personal", a_personal_part())
    return _filled(
        a_report,
        {
            "source_url": None,
            "items": (),
            "incident_types": (incident_type,),
            "incident_medium": "chat",
            "incident_at": an_instant(NOON_MS - 2 * HOUR_MS),
            "platform": "chat.example.test",
            "nexus": (a_nexus_claim(),),
            "sealed": (unsealed_part(personal, "lea", 8),),
        },
        changes,
    )


def a_withdrawal(**changes: Any) -> Withdrawal:
    """The submitter takes back the report that `a_report` builds."""
    submitter = changes.get("submitter", MemberId("plat-a"))
    reference = changes.get("submitter_reference", "case-1")
    return _filled(
        Withdrawal,
        {
            "report_id": report_id_of(submitter, reference),
            "submitter": submitter,
            "submitter_reference": reference,
            "revision": 2,
            "withdrawn_at": an_instant(NOON_MS + HOUR_MS),
            "reason_code": "submitted_in_error",
        },
        changes,
    )
