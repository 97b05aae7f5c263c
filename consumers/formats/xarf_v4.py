"""X-ARF v4: one report an item or incident, checked with the `xarf` package; what X-ARF cannot say goes out as JSON."""

import re
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import msgspec
from xarf import parse

from consumers.formats import referral_json
from consumers.formats.referral_csv import differing
from consumers.formats.referral_json import iso_utc
from consumers.letters import Document, Letter
from schemas.catalogue import message
from schemas.records.referral import Referral
from schemas.records.report import ContentItem
from schemas.records.values import Ternary, Verdict

XARF_VERSION: Final = "4.2.0"
_ITEMS: Final = UUID("4b8a9a52-3a65-5f37-8a3c-7f1f0f4f7d51")
_SENDER: Final = {"org": "Tocsin", "contact": "exchange@tocsin.example.test", "domain": "tocsin.example.test"}
_DETECTION: Final = {"hash_match", "ai_detection", "manual_review", "user_report", "automated_scan"}
_CONDUCT_DETECTION: Final = {
    **{word: word for word in ("user_report", "ai_detection", "manual_review", "keyword_detection")},
    "law_enforcement_referral": "law_enforcement_referral",
    "behavioural_analysis": "behavioral_analysis",
}
"""Our word for how conduct was found, and X-ARF's."""
_MEDIA: Final = {"image", "video", "audio", "text", "mixed"}
_INDUSTRY: Final = {"A1", "A2", "B1", "B2"}
_INDUSTRY_SCHEMES: Final = {"industry", "xarf"}
_BASELINE_SCHEMES: Final = {"iccam", "xarf"}
_HASHES: Final = {"md5", "sha1", "sha256", "photodna"}
_EXPLOITATION: Final = (
    *("sextortion", "grooming", "solicitation", "trafficking", "distribution", "production", "possession"),
)
_TAG_UNSAFE: Final = re.compile(r"[^a-z0-9_+-]+")


def write(letter: Letter) -> Document:
    """One X-ARF report, or an array of them; the JSON document where a referral does not fit X-ARF."""
    if letter.is_bundle:
        return referral_json.write(letter)
    reports = reports_of(letter.referrals[0])
    if not reports or any(not _holds(report) for report in reports):
        return referral_json.write(letter)
    content = reports[0] if len(reports) == 1 else reports
    body = msgspec.json.format(msgspec.json.encode(content), indent=1)
    return Document(suffix=".xarf.json", media_type="application/json", body=body + b"\n")


def reports_of(referral: Referral) -> list[dict[str, Any]]:
    """What X-ARF can say of this referral: csam an item, csem for an incident; nothing for a withdrawal."""
    if referral.withdrawn:
        return []
    items = [report for item in referral.items if (report := _material(referral, item))]
    return items if len(items) == len(referral.items) and items else _exploitation(referral)


def _holds(report: dict[str, Any]) -> bool:
    return not parse(report).errors


def _envelope(referral: Referral, url: str, identifier: str) -> dict[str, Any]:
    """What every X-ARF report says; empty values are left out."""
    party = {**_SENDER, "org": referral.submitter or _SENDER["org"]}
    return {
        "xarf_version": XARF_VERSION,
        "report_id": identifier,
        "timestamp": iso_utc(referral.submitted_at.epoch_ms),
        "reporter": party,
        "sender": _SENDER,
        "source_identifier": _source(referral, url),
        "category": "content",
        "url": url,
        "tags": _tags(referral),
        "description": " ".join(filter(None, (message("tiers.advise"), differing(referral)))),
        **({"confidence": referral.confidence} if referral.confidence is not None else {}),
    }


def _material(referral: Referral, item: ContentItem) -> dict[str, Any] | None:
    """A csam report of one item, or None where a required word has no X-ARF counterpart."""
    classification = _classification(referral, item)
    if not (item.url and classification and item.detection_method in _DETECTION):
        return None
    identifier = str(uuid5(_ITEMS, f"{referral.referral_id}\x1f{item.content_id}"))
    hashes = {digest.algorithm: digest.value for digest in item.hashes if digest.algorithm in _HASHES}
    optional = {
        "media_type": item.content_type if item.content_type in _MEDIA else None,
        "hash_values": hashes or None,
        "ncmec_report_id": referral.external_ids.get("ncmec"),
        "content_removed": _boolean(item.removed),
        "account_suspended": _boolean(referral.account_suspended),
    }
    return {
        **_envelope(referral, item.url, identifier),
        "type": "csam",
        "classification": classification,
        "detection_method": item.detection_method,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _exploitation(referral: Referral) -> list[dict[str, Any]]:
    """A csem report of the incident; X-ARF asks for an address, which many incidents do not have."""
    kind = next((name for name in _EXPLOITATION if name in referral.incident_types), None)
    url = referral.source_url.url if referral.source_url else ""
    if not (kind and url):
        return []
    return [
        {
            **_envelope(referral, url, str(referral.referral_id)),
            "type": "csem",
            "exploitation_type": kind,
            "detection_method": _method(referral),
        }
    ]


def _method(referral: Referral) -> str:
    """As the submitter stated it; X-ARF requires one, so where it did not, by where it has the report from."""
    inferred = "user_report" if referral.source_kind == "public_report" else "manual_review"
    return _CONDUCT_DETECTION.get(referral.detection_method, inferred)


def _classification(referral: Referral, item: ContentItem) -> str | None:
    """The gravest industry label, else baseline where the verdict or an ICCAM or X-ARF label says so; never guessed."""
    ranks = {label.label.upper() for label in item.labels if label.scheme in _INDUSTRY_SCHEMES} & _INDUSTRY
    if ranks:
        return min(ranks)
    says_baseline = any(
        verdict.verdict is Verdict.BASELINE and verdict.content_id == item.content_id for verdict in referral.verdicts
    ) or any(label.label.lower() == "baseline" for label in item.labels if label.scheme in _BASELINE_SCHEMES)
    return "baseline" if says_baseline else None


def _source(referral: Referral, url: str) -> str:
    hosting = referral.source_url.hosting if referral.source_url else None
    return hosting.ip_address if hosting and hosting.ip_address else urlsplit(url).hostname or "unknown"


def _tags(referral: Referral) -> list[str]:
    """With every incident type: a report of an item has no other place for what happened beside it."""
    words = [("tier", referral.priority.tier), ("mark", referral.mark), ("tlp", referral.handling.tlp)]
    words += [("incident", code) for code in referral.incident_types]
    return [f"tocsin:{name}-{_TAG_UNSAFE.sub('-', word.lower())}" for name, word in words if word]


def _boolean(value: Ternary) -> bool | None:
    return {Ternary.YES: True, Ternary.NO: False}.get(value)
