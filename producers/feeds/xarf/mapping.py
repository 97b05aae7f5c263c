"""From one X-ARF report to plain objects named as our record names them; pure."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, Final

from schemas.vocabularies import vocabulary

SCHEME: Final = "xarf"
TYPES: Final = frozenset({"csam", "csem"})
PAYLOAD: Final = "evidence_payload_not_carried"
NOT_CARRIED: Final = "not_carried"
ENVELOPE: Final = frozenset({"reporter", "sender", "category", "domain", "evidence", "_internal"})
"""What Tocsin says itself (the member, by the broker's word), what the URL says, and evidence, whose drop is told."""
CARRIED: Final = frozenset(
    {
        *("xarf_version", "report_id", "timestamp", "source_identifier", "type", "url", "confidence", "tags"),
        *("country_code", "asn", "hosting_provider", "classification", "detection_method", "media_type"),
        *("hash_values", "file_hash", "ncmec_report_id", "content_removed", "account_suspended"),
        *("exploitation_type", "victim_age_range", "platform", "evidence_type", "reporting_obligations"),
        "perpetrator_indicators",
    }
)
"""Fields that have a place in our record; a test compares them with the schemas of the `xarf` package."""
_OF_AN_ITEM: Final = ("hash_values", "file_hash", "classification", "media_type", "content_removed")
_INDICATORS: Final = frozenset({"account_id", "ip_addresses"})
_MOST_NAMED: Final = 50


def content_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """What an X-ARF report says; values that it does not state are None."""
    return {
        "submitter_reference": report["report_id"],
        "external_ids": _stated({SCHEME: report["report_id"], "ncmec": report.get("ncmec_report_id")}),
        "detected_at" if report["type"] == "csam" else "incident_at": report["timestamp"],
        **(_content(report) if _has_item(report) else _page(report)),
        "incident_types": [_code("incident_type", report.get("exploitation_type") or report["type"])],
        "incident_medium": _code("incident_medium", report.get("platform")),
        "victim_age_band": _code("age_band", report.get("victim_age_range")),
        "annotations": [word for tag in _tags(report) if (word := _annotation(tag))],
        "held_material": [_code("held_material", kind) for kind in report.get("evidence_type") or ()],
        "confidence": report.get("confidence"),
        "reporting_obligations": report.get("reporting_obligations"),
        "account_suspended": report.get("account_suspended"),
        "personal": _personal(report.get("perpetrator_indicators") or {}),
    }


def dropped_fields(report: Mapping[str, Any]) -> tuple[str, ...]:
    """What is left behind, as `path:reason`: evidence payloads always, and what has no place in our record."""
    evidence = (f"evidence[{n}].payload:{SCHEME}.{PAYLOAD}" for n, _ in enumerate(report.get("evidence") or ()))
    unknown = [_name(name) for name in report.keys() - CARRIED - ENVELOPE]
    indicators = report.get("perpetrator_indicators") or {}
    inside = [f"perpetrator_indicators.{_name(name)}" for name in indicators.keys() - _INDICATORS]
    tags = [f"tags[{n}]" for n, tag in enumerate(_tags(report)) if not _annotation(tag)]
    left = (f"{path}:{SCHEME}.{NOT_CARRIED}" for path in (*sorted(unknown), *sorted(inside), *tags))
    return (*evidence, *left)[:_MOST_NAMED]


def without_payloads(report: Mapping[str, Any]) -> dict[str, Any]:
    """The same report with empty evidence: what may be looked at further."""
    evidence = report.get("evidence")
    if not isinstance(evidence, list):
        return dict(report)
    emptied = [{**one, "payload": ""} if isinstance(one, dict) and "payload" in one else one for one in evidence]
    return {**report, "evidence": emptied}


def _has_item(report: Mapping[str, Any]) -> bool:
    """A digest, a label or the type csam speaks of one content; a csem report without them of a page."""
    return report["type"] == "csam" or any(name in report for name in _OF_AN_ITEM)


def _content(report: Mapping[str, Any]) -> dict[str, Any]:
    return {"items": [_item(report)]}


def _page(report: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "source_url": {"url": report["url"], "hosting": _hosting(report)},
        "detection_method": _code("detection_method", report.get("detection_method")),
    }


def _item(report: Mapping[str, Any]) -> dict[str, Any]:
    label = report.get("classification")
    return {
        "url": report["url"],
        "hosting": _hosting(report),
        "content_type": _code("content_type", report.get("media_type")),
        "hashes": list(_hashes(report)),
        "labels": [{"scheme": SCHEME, "scheme_version": report["xarf_version"], "label": label}] if label else [],
        "detection_method": _code("detection_method", report.get("detection_method")),
        "removed": report.get("content_removed"),
    }


def _hashes(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    digests = report.get("hash_values") or report.get("file_hash")
    if isinstance(digests, Mapping):
        for algorithm, value in digests.items():
            yield {"algorithm": algorithm, "value": value}


def _hosting(report: Mapping[str, Any]) -> dict[str, Any]:
    identifier = report["source_identifier"]
    return {
        "country": report.get("country_code"),
        "ip_address": identifier if _is_address(identifier) else None,
        "isp": report.get("hosting_provider"),
        "autonomous_system": report.get("asn"),
        "source": "submitter",
    }


def _personal(indicators: Mapping[str, Any]) -> dict[str, Any] | None:
    if not indicators:
        return None
    account = indicators.get("account_id")
    addresses = indicators.get("ip_addresses") or []
    return {
        "accounts": [{"role": "suspect", "kind": "user_id", "value": account}] if account else [],
        "network_events": [{"event": "unknown", "ip_address": address} for address in addresses],
    }


def _tags(report: Mapping[str, Any]) -> Sequence[Any]:
    return report.get("tags") or ()


def _annotation(tag: Any) -> str:
    """The annotation of ours that is a tag's last word; X-ARF has no field for these signals."""
    word = str(tag).rpartition(":")[2].replace("-", "_")
    return word if vocabulary("annotation").is_known(word) else ""


def _code(name: str, written: Any) -> Any:
    return vocabulary(name).code_of(written, SCHEME) if isinstance(written, str) else written


def _is_address(text: Any) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _stated(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _name(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else "field"
