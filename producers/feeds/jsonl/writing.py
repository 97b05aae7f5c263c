"""Writes JSON lines, and the template that explains every field; pure."""

import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final

import msgspec
from msgspec import Struct

from producers.draft import ReportDraft
from producers.feeds.shaping import NOT_STATED
from schemas.definitions import definition
from schemas.records.values import Instant, Text

_EXAMPLE: Final = {
    "submitter_reference": "CASE-2026-0001",
    "mark": "test",
    "detected_at": "2026-01-31T11:45:00+01:00",
    "incident_types": ["csam"],
    "source_url": {"url": "https://forum.example.test/thread/17", "site_type": "forum"},
    "items": [
        {
            "content_id": "item-1",
            "url": "https://files.example.test/17/1",
            "hosting": {"country": "NL", "ip_address": "192.0.2.10", "source": "submitter"},
            "content_type": "image",
            "labels": [{"scheme": "industry", "scheme_version": "2022", "label": "A1"}],
            "viewed_by_reporter": "yes",
            "detection_method": "manual_review",
        }
    ],
}
_TIME: Final = "ISO 8601 with offset: 2026-01-31T12:00:00+01:00, or a date alone"
_NOT_OF_THE_RECORD: Final = {"personal": "What identifies a person; it travels sealed, for police only."}


def write(objects: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """One line an object."""
    for written in objects:
        yield msgspec.json.encode(written) + b"\n"


def template() -> bytes:
    """Three objects that reading skips: what each field means, an empty report and an example to copy from."""
    explained, empty = _explained(ReportDraft, "ReportSubmitted"), _empty(ReportDraft)
    return b"".join(write(({"_explanations": explained}, {"_empty": empty}, {"_example": _EXAMPLE})))


def _explained(record_type: type[Struct], definition_name: str) -> dict[str, Any]:
    docs = {field["name"]: field["doc"] for field in definition(definition_name)["fields"]}
    return {
        name: _explanation(hint, docs.get(name) or _NOT_OF_THE_RECORD[name]) for name, hint in _fields_of(record_type)
    }


def _explanation(hint: Any, doc: str) -> Any:
    inner = _inner(hint)
    if inner is Instant:
        return f"{doc} ({_TIME})"
    if isinstance(inner, type) and issubclass(inner, Enum):
        return f"{doc} ({', '.join(symbol.value.lower() for symbol in inner)})"
    if _is_record(inner):
        return {"": doc, **_explained(inner, inner.__name__)}
    return doc


def _empty(record_type: type[Struct]) -> dict[str, Any]:
    return {name: _empty_value(hint) for name, hint in _fields_of(record_type)}


def _empty_value(hint: Any) -> Any:
    inner, is_list = _inner(hint), typing.get_origin(hint) is tuple
    value = _empty(inner) if _is_record(inner) else {} if typing.get_origin(inner) is dict else ""
    return [value] if is_list and value else [] if is_list else value


def _fields_of(record_type: type[Struct]) -> list[tuple[str, Any]]:
    hints = typing.get_type_hints(record_type)
    return [(name, hints[name]) for name in record_type.__struct_fields__ if name not in NOT_STATED]


def _inner(hint: Any) -> Any:
    """The type of a value: without None, and of a list the type of its members."""
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    return typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else hint


def _is_record(inner: Any) -> bool:
    return isinstance(inner, type) and issubclass(inner, Struct) and inner not in {Instant, Text}
