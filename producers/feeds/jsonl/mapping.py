"""Between one JSON object and a draft: the record's own names, times as ISO 8601, symbols in any case; pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct

from producers.draft import ReportDraft
from producers.feeds.instants import text_of
from producers.feeds.shaping import NOT_STATED
from schemas.records.values import Instant

REJECTED_BECAUSE: Final = "rejected_because"
"""Written into rejects for the person who corrects them; ignored on reading."""
LINE_KEY: Final = "_line"
"""In rejects: a line that was no object, as it stood."""


def content_of(written: Mapping[str, Any]) -> dict[str, Any]:
    """What an object says of a report, without keys that are for people; empty where it is a comment only."""
    return {name: value for name, value in written.items() if name != REJECTED_BECAUSE and not name.startswith("_")}


def object_of(draft: ReportDraft) -> dict[str, Any]:
    """The object that reads back as this draft; what has its default is left out."""
    return _object(draft)


def _object(record: Struct) -> dict[str, Any]:
    stated = {}
    for field in msgspec.structs.fields(record):
        value = getattr(record, field.name)
        default = (
            field.default_factory() if field.default is msgspec.NODEFAULT and not field.required else field.default
        )
        if field.required or (value != default and field.name not in NOT_STATED):
            stated[field.name] = _plain(value)
    return stated


def _plain(value: Any) -> Any:
    if isinstance(value, Instant):
        return text_of(value)
    if isinstance(value, Struct):
        return _object(value)
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    return value.value.lower() if isinstance(value, StrEnum) else value
