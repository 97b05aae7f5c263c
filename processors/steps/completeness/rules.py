"""How much an officer would find in a report, 0 to 100, and what is missing; independent of how urgent it is."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from schemas.missing import wanted_fields
from schemas.records.report import PersonalPart, ReportSubmitted
from schemas.records.triage import Completeness
from schemas.records.values import Ternary

Present = Callable[[ReportSubmitted, PersonalPart | None], bool]


def completeness(report: ReportSubmitted, personal: PersonalPart | None) -> Completeness:
    """The share of weight that is there; `missing` names what is not, the heaviest first."""
    wanted = wanted_fields()
    missing = [field for field in wanted if not PRESENT[field.name](report, personal)]
    lacking, total = sum([field.weight for field in missing]), _total_weight()
    return Completeness(
        score=round(100 * (total - lacking) / total),
        missing=tuple(field.name for field in missing),
    )


@cache
def _total_weight() -> int:
    return sum(field.weight for field in wanted_fields())


def _has_jurisdiction(report: ReportSubmitted, personal: PersonalPart | None) -> bool:
    """Many share an address behind one gateway: without port and time it points to nobody."""
    events = personal.network_events if personal else ()
    stated = bool(report.declared_country or report.nexus or (personal and personal.locations))
    return stated or any(event.ip_address and event.port and event.at for event in events) or _has_hosting(report)


def _has_hosting(report: ReportSubmitted) -> bool:
    places = [item.hosting for item in report.items] + ([report.source_url.hosting] if report.source_url else [])
    return any(place and place.country for place in places)


def _has_account(_: ReportSubmitted, personal: PersonalPart | None) -> bool:
    return bool(personal and any(account.value for account in personal.accounts))


def _has_content(report: ReportSubmitted, _: PersonalPart | None) -> bool:
    return bool(report.source_url and report.source_url.url) or any(item.url or item.hashes for item in report.items)


def _has_labels(report: ReportSubmitted, _: PersonalPart | None) -> bool:
    return bool(report.incident_types) or any(item.labels for item in report.items)


def _was_viewed(report: ReportSubmitted, _: PersonalPart | None) -> bool:
    return not report.items or any(item.viewed_by_reporter is not Ternary.UNKNOWN for item in report.items)


def _has_method(report: ReportSubmitted, _: PersonalPart | None) -> bool:
    stated = bool(report.detection_method)
    return stated or not report.items or any(item.detection_method for item in report.items)


def _has_victim(report: ReportSubmitted, personal: PersonalPart | None) -> bool:
    accounts = personal.accounts if personal else ()
    is_named = any(account.role == "victim" for account in accounts)
    return is_named or bool(report.victim_age_band) or any(item.apparent_age_band for item in report.items)


def _has_urgency_reason(report: ReportSubmitted, _: PersonalPart | None) -> bool:
    """Owed only by who pleads for urgency."""
    return report.escalation is None or report.escalation.reason_code not in {"", "other"}


def _has_earlier_reports(report: ReportSubmitted, personal: PersonalPart | None) -> bool:
    accounts = personal.accounts if personal else ()
    return any(account.prior_reports is not None for account in accounts) or bool(report.external_ids)


PRESENT: Final[Mapping[str, Present]] = {
    "nexus": _has_jurisdiction,
    "accounts": _has_account,
    "incident_at": lambda report, _: report.incident_at is not None,
    "items": _has_content,
    "items.viewed_by_reporter": _was_viewed,
    "items.labels": _has_labels,
    "items.detection_method": _has_method,
    "victim_age_band": _has_victim,
    "escalation.reason_code": _has_urgency_reason,
    "external_ids": _has_earlier_reports,
}
"""For each field of schemas/missing.toml, whether a report has it; a test compares the two."""
