"""What Cedar and the published ceilings let one recipient see of one report."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final

import cedarpy
from msgspec import Struct

from schemas.definitions import FOLDER
from schemas.records.referral import Referral
from schemas.records.report import ContentItem, ReportSubmitted
from tests.oracle.tables import Tables, day_number

CLASSES: Final = {"ngo": "hotline"}
"""The class of readers of a sector, where it is not the sector's own name."""
FIELDS: Final[Mapping[str, Sequence[str]]] = {
    "content": ("source_url", "items", "platform", "content_keys", "circumstance_keys"),
    "circumstances": (
        *("incident_types", "incident_medium", "victim_age_band", "annotations", "escalation", "nexus"),
        *("declared_country", "incident_at", "detected_at", "law_enforcement", "account_suspended", "confidence"),
    ),
    "assessment": ("verdicts", "priority", "completeness", "flags"),
    "provenance": (
        *("received_at", "external_ids", "reported_elsewhere", "reporting_obligations", "legal_basis", "purpose"),
        *("controller", "preservation_until", "source_kind"),
    ),
    "submitter": ("submitter", "submitter_reference"),
    "links": ("linked_reports", "conflicting_reports", "corroboration", "novelty"),
    "withheld": ("withheld",),
    "free_text": ("memo",),
}
"""The groups of docs/guides/operator.md, written down again."""
GROUPS: Final = (*FIELDS, "hashes", "personal")
LEADS_TO_THE_SUBMITTER: Final = {"submitter", "submitter_reference", "controller", "platform", "external_ids"}


class Question(Struct, frozen=True, kw_only=True):
    """One report of a day, and who asks for it."""

    report: ReportSubmitted
    full: Referral
    recipient: str
    on: date


class Opinion(Struct, frozen=True, kw_only=True):
    """What may be seen."""

    reader: str
    """The class that the recipient belongs to."""
    fields: frozenset[str]
    """Of the referral, without items and verdicts."""
    items: tuple[bool, ...]
    hashes: tuple[bool, ...]
    verdicts: tuple[bool, ...]
    personal: bool
    withheld: bool


_Label = tuple[str, ...]


class Asked(Struct, frozen=True, kw_only=True):
    """Every label of a question: of the report as a whole, and of each item."""

    whole: tuple[_Label, ...]
    items: tuple[tuple[_Label, ...], ...]


def opinions(tables: Tables, questions: Sequence[Question]) -> list[Opinion]:
    """Ask Cedar once for all of them: a question for each group and label."""
    asked = [_asked(tables, question) for question in questions]
    requests: dict[str, dict[str, Any]] = {}
    for question, labels in zip(questions, asked, strict=True):
        for label in {*labels.whole, *(one for item in labels.items for one in item)}:
            for group in GROUPS:
                key, request = _request(tables, question, group, label)
                requests.setdefault(key, request)
    answers = cedarpy.is_authorized_batch(list(requests.values()), tables.cedar, [])
    assert not any(answer.diagnostics.errors for answer in answers)
    allowed = {str(answer.correlation_id) for answer in answers if answer.allowed}
    return [_opinion(tables, question, labels, allowed) for question, labels in zip(questions, asked, strict=True)]


def _opinion(tables: Tables, question: Question, asked: Asked, allowed: set[str]) -> Opinion:
    def may(group: str, labels: Sequence[_Label]) -> bool:
        return all(_request(tables, question, group, label)[0] in allowed for label in labels)

    sector = tables.members[question.recipient]["sector"]
    reader = CLASSES.get(sector, sector)
    hidden = LEADS_TO_THE_SUBMITTER if question.report.sharing.hide_submitter else set()
    visible = (
        field for group, fields in FIELDS.items() if may(group, asked.whole) for field in fields if field not in hidden
    )
    return Opinion(
        reader=reader,
        fields=frozenset(field for field in visible if reader in ceilings("Referral")[field]),
        items=tuple(may("content", labels) for labels in asked.items),
        hashes=tuple(may("content", labels) and may("hashes", labels) for labels in asked.items),
        verdicts=tuple(may("assessment", labels) for labels in asked.items),
        personal=may("personal", asked.whole) and reader in ceilings("PersonalPart")["accounts"],
        withheld=may("withheld", asked.whole),
    )


@cache
def ceilings(record: str) -> Mapping[str, Sequence[str]]:
    """From the published file."""
    fields = json.loads((FOLDER / f"{record}.avsc").read_text("utf-8"))["fields"]
    return {field["name"]: field["release"] for field in fields}


def _asked(tables: Tables, question: Question) -> Asked:
    full, on = question.full, question.on
    items = [list(dict.fromkeys(_of_item(tables, item, on))) for item in full.items]
    whole = [_label(tables, "incident_type", code, on) for code in full.incident_types]
    whole += [_label(tables, "annotation", code, on) for code in full.annotations]
    whole += [label for labels in items for label in labels]
    return Asked(whole=tuple(whole) or ((),), items=tuple(tuple(labels) or ((),) for labels in items))


def _of_item(tables: Tables, item: ContentItem, on: date) -> Iterator[_Label]:
    for label in item.labels:
        yield _label(tables, label.scheme, label.label, on)
    annotations = set(item.annotations)
    annotations |= {"self_generated"} if item.self_generated.value == "YES" else set()
    annotations |= {"live_streaming"} if item.live_stream.value == "YES" else set()
    annotations |= {"generative_ai"} if item.synthetic_origin.value in {"PARTIAL", "FULL"} else set()
    annotations |= {"infant"} if item.apparent_age_band in {"infant", "0-2"} else set()
    for code in sorted(annotations):
        yield _label(tables, "annotation", code, on)


def _label(tables: Tables, scheme: str, label: str, on: date) -> _Label:
    return tuple(sorted(tables.words(scheme, label, on)))


def _request(tables: Tables, question: Question, group: str, label: _Label) -> tuple[str, dict[str, Any]]:
    report = question.report
    submitter, recipient = tables.members[report.submitter], tables.members[question.recipient]
    context = {
        "submitter_sector": submitter["sector"],
        "submitter_country": submitter["country"],
        "recipient": question.recipient,
        "recipient_sector": recipient["sector"],
        "recipient_country": recipient["country"],
        "recipient_jurisdiction": recipient["jurisdiction"].upper(),
        "same_organisation": _organisation(tables, report.submitter) == _organisation(tables, question.recipient),
        "purpose": report.governance.purpose,
        "tlp": report.handling.tlp.upper(),
        "pap": report.handling.pap.upper(),
        "handling_code": report.handling.handling_code.upper() or "none",
        "words": list(label),
        "spellings": [*label, *(word.split(":", 1)[1] for word in label if ":" in word)],
        "denied_members": list(report.sharing.deny_members),
        "denied_sectors": list(report.sharing.deny_sectors),
        "denied_countries": [country.upper() for country in report.sharing.deny_countries],
        "denied_labels": list(report.sharing.deny_labels),
        "day": day_number(question.on),
    }
    key = json.dumps([group, context], sort_keys=True)
    request = {
        "principal": f'Member::"{question.recipient}"',
        "action": 'Action::"see"',
        "resource": f'Group::"{group}"',
        "context": context,
        "correlation_id": key,
    }
    return key, request


def _organisation(tables: Tables, member: str) -> str:
    return str(tables.members[member].get("organisation", member))
