"""The field inventory for a data-protection officer, made from the avsc files: what lies where, and for how long."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from schemas.definitions import NAMESPACE, RECORD_TYPES, definition
from schemas.topics import LONGEST_MS

_DAYS: Final = LONGEST_MS // 86_400_000
_HEAD: Final = f"""\
# Field inventory for data protection

Made by `tocsin schema inventory`; do not edit. The avsc files in `schemas/avsc` are the source.

Every field of every record: how sensitive it is, who may ever be shown it (an agreement can only narrow that), and by
record where it lies and how long. No record stays on a topic for longer than {_DAYS} days. PostgreSQL keeps of a record
ids, members, tiers, states and times, and keyed digests until its retention (ADR 0028).
"""


class Place(Struct, frozen=True, kw_only=True):
    """Where a record lies, beside its topic, and until when."""

    topic: str
    also: str


PLACES: Final[Mapping[str, Place]] = {
    "ReportSubmitted": Place(
        topic="reports.<member>.*, and dlq.* where it was refused",
        also="the submitter's journal, until `retain_until`, `tocsin purge` or an erasure",
    ),
    "Withdrawal": Place(topic="reports.<member>.submitted", also="the submitter's journal, as above"),
    "ReportTriaged": Place(topic="triaged", also="nowhere else"),
    "Referral": Place(
        topic="referrals.<jurisdiction>.<member>.*",
        also="the recipient's inbox, until `erase_after_days`, `retain_until` or an erasure; its sinks too",
    ),
    "Return": Place(topic="returns.<member>", also="the recipient's inbox, until an erasure"),
    "Status": Place(topic="status.<member>", also="the submitter's journal; a recipient's inbox holds notices"),
    "LabelAdded": Place(topic="returns.<member>", also="nowhere else"),
    "PersonalPart": Place(topic="inside ReportSubmitted and Referral", also="sealed wherever they lie"),
    "ReferralsRead": Place(topic="returns.<member>", also="the audit log keeps who looked and why"),
    "Ruling": Place(topic="rulings", also="PostgreSQL keeps reason and name until the report's retention"),
}
"""By record; a test sees to it that none is missing."""


def inventory_page() -> str:
    """The whole page as Markdown."""
    return "\n".join([_HEAD, *(_record(record_type.__name__) for record_type in RECORD_TYPES)])


def _record(name: str) -> str:
    place, rows = PLACES[name], "\n".join(_rows(name, "", (name,)))
    lies = f"On `{place.topic}`, at most {_DAYS} days. Also: {place.also}."
    return f"## {name}\n\n{lies}\n\n| Field | Sensitivity | Shown to |\n|---|---|---|\n{rows}\n"


def _rows(name: str, path: str, above: tuple[str, ...]) -> Iterator[str]:
    """Down to the fields that hold a value; a record inside a record is followed once."""
    for field in definition(name)["fields"]:
        part, inner = f"{path}{field['name']}", _record_in(field["type"])
        if inner and inner not in above:
            yield from _rows(inner, f"{part}.", (*above, inner))
        else:
            audiences = ", ".join(field["release"]) or "nobody"
            yield f"| `{part}` | {field['sensitivity'].replace('_', ' ')} | {audiences} |"


def _record_in(kind: Any) -> str:
    """The name of the record that a type is, or is a list or an option of; empty where it is none."""
    if isinstance(kind, list):
        return _record_in(kind[-1])
    if isinstance(kind, dict):
        return _record_in(kind.get("items", kind.get("values", "")))
    bare = str(kind).removeprefix(f"{NAMESPACE}.")
    return bare if bare != kind and definition(bare)["type"] == "record" else ""
