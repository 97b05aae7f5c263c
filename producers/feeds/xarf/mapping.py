"""From one X-ARF report to plain objects named as our record names them; pure."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any, Final

from schemas.vocabularies import vocabulary

SCHEME: Final = "xarf"
TYPES: Final = frozenset({"csam", "csem"})
PAYLOAD: Final = "evidence_payload_not_carried"
NOT_CARRIED: Final = "not_carried"
_CARRIED: Final = frozenset(
    {
        *("xarf_version", "report_id", "timestamp", "reporter", "sender", "source_identifier", "source_port"),
        *("category", "type", "url", "domain", "confidence", "tags", "country_code", "asn", "hosting_provider"),
        *("classification", "detection_method", "media_type", "hash_values", "file_hash", "ncmec_report_id"),
        *("content_removed", "account_suspended", "exploitation_type", "victim_age_range", "platform"),
        *("reporting_obligations", "perpetrator_indicators", "evidence", "_internal"),
    }
)
"""Fields that have a place in our record, and the envelope that Tocsin replaces."""
_AGE_BANDS: Final = {"infant": "infant", "toddler": "infant", "unknown": "not_categorised"}
_MOST_NAMED: Final = 50


def content_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """What an X-ARF report says; values that it does not state are None."""
    return {
        "submitter_reference": report["report_id"],
        "external_ids": _stated({SCHEME: report["report_id"], "ncmec": report.get("ncmec_report_id")}),
        "detected_at": report["timestamp"],
        "source_url": None if _has_item(report) else {"url": report["url"], "hosting": _hosting(report)},
        "items": [_item(report)] if _has_item(report) else [],
        "incident_types": [report.get("exploitation_type") or report["type"]],
        "victim_age_band": _age_band(report.get("victim_age_range")),
        "annotations": _annotations(report),
        "platform": report.get("platform"),
        "confidence": report.get("confidence"),
        "reporting_obligations": report.get("reporting_obligations"),
        "account_suspended": report.get("account_suspended"),
        "personal": _personal(report.get("perpetrator_indicators") or {}),
    }


def dropped_fields(report: Mapping[str, Any]) -> tuple[str, ...]:
    """What is left behind, as `path:reason`: evidence payloads always, and what has no place in our record."""
    evidence = (f"evidence[{n}].payload:{SCHEME}.{PAYLOAD}" for n, _ in enumerate(report.get("evidence") or ()))
    unknown = (f"{_name(name)}:{SCHEME}.{NOT_CARRIED}" for name in report.keys() - _CARRIED)
    return (*evidence, *sorted(unknown))[:_MOST_NAMED]


def without_payloads(report: Mapping[str, Any]) -> dict[str, Any]:
    """The same report with empty evidence: what may be looked at further."""
    evidence = report.get("evidence")
    if not isinstance(evidence, list):
        return dict(report)
    emptied = [{**one, "payload": ""} if isinstance(one, dict) and "payload" in one else one for one in evidence]
    return {**report, "evidence": emptied}


def _has_item(report: Mapping[str, Any]) -> bool:
    """A digest, a label or the type csam speaks of one content; a csem report without them of a page."""
    return report["type"] == "csam" or any(name in report for name in ("hash_values", "file_hash", "classification"))


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


def _annotations(report: Mapping[str, Any]) -> list[str]:
    """Tags whose last word is an annotation of ours; X-ARF has no field for these signals."""
    words = (str(tag).rpartition(":")[2].replace("-", "_") for tag in report.get("tags") or ())
    return [word for word in words if vocabulary("annotation").is_known(word)]


def _age_band(written: Any) -> Any:
    return _AGE_BANDS.get(written, written) if isinstance(written, str) else None


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
