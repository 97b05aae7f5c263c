"""The published Avro definitions: one file per named type, put together when a whole schema is asked for."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from schemas.records.answers import LabelAdded, ReferralsRead, Return, Status
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart, ReportSubmitted, Withdrawal
from schemas.records.ruling import Ruling
from schemas.records.triage import ReportTriaged

NAMESPACE: Final = "tocsin"
FOLDER: Final = Path(__file__).parent / "avsc"
PRIMITIVES: Final = frozenset({"null", "boolean", "long", "double", "bytes", "string"})

RECORD_TYPES: Final[tuple[type[Struct], ...]] = (
    ReportSubmitted,
    Withdrawal,
    ReportTriaged,
    Referral,
    Return,
    Status,
    LabelAdded,
    PersonalPart,
    Ruling,
    ReferralsRead,
)
"""The records that have a schema id: every topic's values, and what travels in `sealed`."""


def record_type_named(name: str) -> type[Struct] | None:
    """The record of that name (with or without namespace), or None."""
    bare = name.removeprefix(f"{NAMESPACE}.")
    return next((record_type for record_type in RECORD_TYPES if record_type.__name__ == bare), None)


def part_names() -> frozenset[str]:
    """Names of the types that only occur inside records."""
    return frozenset(file.stem for file in FOLDER.glob("*.avsc")) - {kind.__name__ for kind in RECORD_TYPES}


@cache
def definition(name: str) -> dict[str, Any]:
    """What one file says: a record or an enumeration that names the other types it uses."""
    parsed = json.loads((FOLDER / f"{name}.avsc").read_text("utf-8"))
    assert isinstance(parsed, dict)  # noqa: S101 -- a file of ours, compared with the records by a test
    return parsed


def expanded(name: str) -> dict[str, Any]:
    """The whole schema of one type: each named type spelled out where it is first used, as Avro demands."""
    whole = _expand(f"{NAMESPACE}.{name}", set())
    assert isinstance(whole, dict)  # noqa: S101 -- a named type always expands to its definition
    return whole


@cache
def schema_text(record_type: type[Struct]) -> str:
    """The whole schema of one record as one line of JSON: what the registry is given."""
    return json.dumps(expanded(record_type.__name__), separators=(",", ":"), ensure_ascii=False)


def _expand(schema: Any, seen: set[str]) -> Any:
    if isinstance(schema, list):
        return [_expand(branch, seen) for branch in schema]
    if isinstance(schema, dict):
        return _expand_inside(schema, seen)
    if schema in PRIMITIVES or schema in seen:
        return schema
    seen.add(schema)
    return _expand_inside(definition(schema.removeprefix(f"{NAMESPACE}.")), seen)


def _expand_inside(schema: dict[str, Any], seen: set[str]) -> dict[str, Any]:
    whole = dict(schema)
    for part in ("items", "values"):
        if part in whole:
            whole[part] = _expand(whole[part], seen)
    if "fields" in whole:
        whole["fields"] = [{**field, "type": _expand(field["type"], seen)} for field in whole["fields"]]
    return whole
