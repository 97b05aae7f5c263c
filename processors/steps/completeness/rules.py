"""How much an officer would find in a report, 0 to 100, and what is missing; independent of how urgent it is."""

from collections.abc import Callable
from typing import Final

from schemas.records.report import PersonalPart, ReportSubmitted
from schemas.records.triage import Completeness
from schemas.records.values import Ternary

Present = Callable[[ReportSubmitted, PersonalPart | None], bool]


def completeness(report: ReportSubmitted, personal: PersonalPart | None) -> Completeness:
    """The share of weight that is there; `missing` names fields in the submitter's terms, heaviest first."""
    missing = [(weight, field) for field, weight, present in FIELDS if not present(report, personal)]
    total = sum(weight for _, weight, _ in FIELDS)
    return Completeness(
        score=round(100 * (total - sum(weight for weight, _ in missing)) / total),
        missing=tuple(field for _, field in sorted(missing, key=lambda entry: -entry[0])),
    )


def _has_jurisdiction(report: ReportSubmitted, personal: PersonalPart | None) -> bool:
    events = personal.network_events if personal else ()
    stated = bool(report.declared_country or report.nexus or (personal and personal.locations))
    return stated or any(event.ip_address and event.at for event in events) or _has_hosting(report)


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


FIELDS: Final[tuple[tuple[str, int, Present], ...]] = (
    ("nexus", 25, _has_jurisdiction),
    ("accounts", 20, _has_account),
    ("incident_at", 15, lambda report, _: report.incident_at is not None),
    ("items", 15, _has_content),
    ("items.viewed_by_reporter", 10, _was_viewed),
    ("items.labels", 10, _has_labels),
    ("items.detection_method", 5, _has_method),
)
"""Order of effect from the domain facts, section 3.3; the weights are ours."""
