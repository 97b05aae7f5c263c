"""Rules about single records of a draft: digests, addresses, ranges, and which vocabulary a field speaks."""

import ipaddress
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from producers.draft import ReportDraft
from schemas.records.report import (
    AiSignal,
    ContentItem,
    Escalation,
    Hosting,
    NetworkEvent,
    NexusClaim,
    SourceUrl,
)
from schemas.records.values import Hash, Ternary

VOCABULARIES: Final[Mapping[tuple[str, str], str]] = {
    ("ReportDraft", "source_kind"): "source_kind",
    ("ReportDraft", "incident_types"): "incident_type",
    ("ReportDraft", "incident_medium"): "incident_medium",
    ("ReportDraft", "detection_method"): "detection_method",
    ("ReportDraft", "held_material"): "held_material",
    ("ReportDraft", "victim_age_band"): "age_band",
    ("ReportDraft", "annotations"): "annotation",
    ("SourceUrl", "site_type"): "site_type",
    ("SourceUrl", "commerciality"): "commerciality",
    ("SourceUrl", "payment_methods"): "payment_method",
    ("ContentItem", "content_type"): "content_type",
    ("ContentItem", "apparent_age_band"): "age_band",
    ("ContentItem", "gender"): "gender",
    ("ContentItem", "annotations"): "annotation",
    ("ContentItem", "relevance"): "relevance",
    ("ContentItem", "detection_method"): "detection_method",
    ("ItemAction", "action"): "action",
    ("ItemAction", "reason"): "action_reason",
    ("Label", "scheme"): "label_scheme",
    ("Hash", "algorithm"): "hash_algorithm",
    ("Escalation", "reason_code"): "escalation_reason",
    ("AccountIdentifier", "role"): "account_role",
    ("AccountIdentifier", "kind"): "account_identifier_kind",
    ("AccountIdentifier", "age_band"): "age_band",
    ("NetworkEvent", "event"): "network_event",
    ("Governance", "purpose"): "purpose",
    ("Handling", "tlp"): "tlp",
    ("Handling", "pap"): "pap",
    ("Handling", "handling_code"): "handling_code",
    ("SharingChoices", "deny_sectors"): "sector",
}
"""Which list a field's codes come from; labels themselves stay as their scheme writes them."""

_HEX_DIGITS: Final = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128, "pdq": 64}
_PHOTODNA: Final = re.compile(r"[0-9A-Fa-f]{288}|[A-Za-z0-9+/]{192}")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/][^\s]*")
_DEFANGED: Final = re.compile(r"(?i)hxxps?:|\[\.\]|\[:\]")
_LARGEST: Final = 2**31 - 1
_LAST_PORT: Final = 65_535
_TERNARY: Final = {"TRUE": "YES", "FALSE": "NO", "1": "YES", "0": "NO", "Y": "YES", "N": "NO"}


class Fault(Struct, frozen=True, kw_only=True):
    """A rule that a record breaks, at a path inside it."""

    path: str
    code: str
    facts: dict[str, object] = {}


def faults(record: Struct) -> Iterator[Fault]:
    """What is wrong with one record by itself; its inner records were looked at before."""
    check = _CHECKS.get(type(record))
    return check(record) if check else iter(())


def symbol_of(value: object, *, is_ternary: bool) -> str:
    """The symbol that a word stands for: any case, with spaces or hyphens; a yes or no in its usual spellings."""
    word = str(value).strip().upper().replace("-", "_").replace(" ", "_")
    return _TERNARY.get(word, word) if is_ternary else word


def is_storable(number: object) -> bool:
    """Whether a number is finite and fits the schema's types."""
    return isinstance(number, int | float) and math.isfinite(number) and abs(number) <= _LARGEST


def _hash_faults(digest: Hash) -> Iterator[Fault]:
    digits = _HEX_DIGITS.get(digest.algorithm)
    if digits and not re.fullmatch(rf"[0-9A-Fa-f]{{{digits}}}", digest.value):
        yield Fault(path="value", code="hash.not_hex", facts={"algorithm": digest.algorithm, "digits": digits})
    if digest.algorithm == "photodna" and not _PHOTODNA.fullmatch(digest.value):
        yield Fault(path="value", code="hash.not_photodna")
    if not digest.algorithm or not digest.value:
        yield Fault(path="", code="hash.incomplete")


def _url_faults(record: SourceUrl | ContentItem) -> Iterator[Fault]:
    if _DEFANGED.search(record.url):
        yield Fault(path="url", code="url.defanged")
    elif record.url and not _URL.fullmatch(record.url):
        yield Fault(path="url", code="url.malformed")


def _item_faults(item: ContentItem) -> Iterator[Fault]:
    """Rules of NCMEC's reporting API that hold whatever format an item came in (domain facts, section 3.1)."""
    yield from _url_faults(item)
    if item.relevance == "supplemental" and (item.labels or "meme" in item.annotations):
        yield Fault(path="relevance", code="item.supplemental_classified")
    if item.exif_viewed_by_reporter is Ternary.YES and item.viewed_by_reporter is not Ternary.YES:
        yield Fault(path="exif_viewed_by_reporter", code="item.exif_without_view")


def _address_faults(record: Hosting | NetworkEvent) -> Iterator[Fault]:
    try:
        ipaddress.ip_address(record.ip_address or "192.0.2.1")
    except ValueError:
        yield Fault(path="ip_address", code="ip.malformed")
    if isinstance(record, NetworkEvent) and record.port is not None and not 0 < record.port <= _LAST_PORT:
        yield Fault(path="port", code="number.out_of_range", facts={"least": 1, "most": _LAST_PORT})


def _share_faults(name: str) -> Callable[[Any], Iterator[Fault]]:
    def check(record: Any) -> Iterator[Fault]:
        share = getattr(record, name)
        if share is not None and not 0 <= share <= 1:
            yield Fault(path=name, code="number.out_of_range", facts={"least": 0, "most": 1})

    return check


def _escalation_faults(escalation: Escalation) -> Iterator[Fault]:
    if not escalation.reason_code:
        yield Fault(path="reason_code", code="escalation.no_reason")


def _draft_faults(draft: ReportDraft) -> Iterator[Fault]:
    if not draft.submitter_reference:
        yield Fault(path="submitter_reference", code="report.reference_missing")
    if draft.revision < 1:
        yield Fault(path="revision", code="number.out_of_range", facts={"least": 1, "most": _LARGEST})
    ids = [item.content_id for item in draft.items if item.content_id]
    if len(set(ids)) < len(ids):
        yield Fault(path="items", code="report.item_id_twice")
    if not _says_something(draft):
        yield Fault(path="", code="report.says_nothing")
    yield from _share_faults("confidence")(draft)


def _says_something(draft: ReportDraft) -> bool:
    return bool(
        draft.items or draft.incident_types or draft.personal.accounts or (draft.source_url and draft.source_url.url)
    )


_CHECKS: Final[Mapping[type, Callable[[Any], Iterator[Fault]]]] = {
    Hash: _hash_faults,
    SourceUrl: _url_faults,
    ContentItem: _item_faults,
    Hosting: _address_faults,
    NetworkEvent: _address_faults,
    NexusClaim: _share_faults("confidence"),
    AiSignal: _share_faults("score"),
    Escalation: _escalation_faults,
    ReportDraft: _draft_faults,
}
