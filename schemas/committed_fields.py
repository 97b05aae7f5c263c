"""Which fields a submitter commits to, by the avsc files: a leaf as a recipient sees it, whole or part by part.

Field by field: what holds its default is left out, except where silence would say something (ADR 0032).
"""

from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import NODEFAULT, Struct

from schemas.definitions import NAMESPACE, definition
from schemas.disclosure import Audience, Sensitivity, field_rules
from schemas.records.referral import Referral
from schemas.records.report import (
    AccountIdentifier,
    ContentItem,
    Escalation,
    EstimatedLocation,
    Governance,
    NetworkEvent,
    PersonalPart,
    ReportSubmitted,
    SourceUrl,
)
from schemas.records.values import Text
from schemas.writing import Write, value_writer

ALWAYS: Final = frozenset({"mark", "submitted_at", "handling", "retain_until"})
"""Committed to whatever they hold: a test that becomes live, or RED that becomes AMBER, would else not be seen."""
_STATED_APART: Final = frozenset({"report_id", "revision", "sealed", "origin_proof"})
_RECIPIENTS: Final = frozenset({Audience.HOTLINE, Audience.LEA, Audience.INTERNATIONAL, Audience.PLATFORM})
_INNER: Final[dict[str, type[Struct]]] = {
    f"{NAMESPACE}.{kind.__name__}": kind
    for kind in (ContentItem, Escalation, SourceUrl, Text, AccountIdentifier, NetworkEvent, EstimatedLocation)
}
"""Records in a report of which a recipient may see a part; the others are seen whole or not at all."""
_OF_PERSONS: Final = frozenset({AccountIdentifier, NetworkEvent, EstimatedLocation})
"""Seen whole, and yet each of their fields has a digest: one address of many is to be named."""

Field = tuple[str, Write, Any]
"""Path, what writes the value, and the value."""


def fields_of_report(report: ReportSubmitted) -> Iterator[Field]:
    """Those of a report that a referral can take over."""
    return _walk(_shared(_in_report), report, "")


def fields_of_referral(referral: Referral) -> Iterator[Field]:
    """The same, as a recipient has them."""
    return _walk(_shared(str), referral, "")


def fields_of_part(personal: PersonalPart) -> Iterator[Field]:
    """Those of persons, on either side."""
    return _walk(_whole(PersonalPart), personal, "personal.")


class _Step(Struct, frozen=True, kw_only=True):
    """One field: its value is compared with the default, then written or walked into."""

    name: str
    default: Any
    write: Write
    inner: "_Plan | None" = None


class _Plan(Struct, frozen=True, kw_only=True):
    """The fields of one record, and what reads them at once."""

    steps: tuple[_Step, ...]
    values_of: Callable[[Any], tuple[Any, ...]]


def _walk(plan: _Plan, record: Any, prefix: str) -> Iterator[Field]:
    for step, value in zip(plan.steps, plan.values_of(record), strict=True):
        if value == step.default:
            continue
        path = prefix + step.name
        if step.inner is None:
            yield path, step.write, value
        elif isinstance(value, tuple):
            for n, member in enumerate(value):
                yield from _record(step.inner, member, f"{path}[{n}]")
        else:
            yield from _record(step.inner, value, path)


def _record(plan: _Plan, record: Any, path: str) -> Iterator[Field]:
    """That it is there is a statement of its own: nothing else tells of one that is empty, or emptied for a reader."""
    yield path, _present, None
    yield from _walk(plan, record, f"{path}.")


def _present(value: Any, put: Callable[[bytes], object]) -> None:
    """Nothing: the path says it all."""


def _in_report(name: str) -> str:
    return f"governance.{name}" if name in Governance.__struct_fields__ else name


@cache
def _shared(place: Callable[[str], str]) -> _Plan:
    """The fields that a referral takes over from its report; `place` says where a record has them."""
    stated = {*ReportSubmitted.__struct_fields__, *Governance.__struct_fields__} - _STATED_APART
    steps = tuple(_steps(Referral, stated))
    return _Plan(steps=steps, values_of=attrgetter(*(place(step.name) for step in steps)))


@cache
def _whole(record_type: type[Struct]) -> _Plan:
    steps = tuple(_steps(record_type, set(record_type.__struct_fields__)))
    return _Plan(steps=steps, values_of=attrgetter(*(step.name for step in steps)))


def _steps(record_type: type[Struct], names: set[str]) -> Iterator[_Step]:
    types = {field["name"]: field["type"] for field in definition(record_type.__name__)["fields"]}
    for field in msgspec.structs.fields(record_type):
        if field.name in names:
            inner = _INNER.get(_named(types[field.name]))
            yield _Step(
                name=field.name,
                default=_NOTHING if field.name in ALWAYS and record_type is Referral else _default_of(field),
                write=value_writer(types[field.name]),
                inner=_whole(inner) if inner and _is_seen_in_part(record_type, field.name, inner) else None,
            )


_NOTHING: Final = object()
"""Equal to no value."""


def _default_of(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not NODEFAULT:
        return field.default
    return field.default_factory() if field.default_factory is not NODEFAULT else _NOTHING


def _named(schema: Any) -> str:
    """The record in a type: alone, optional, or in a list."""
    if isinstance(schema, list):
        return _named(schema[1])
    return str(schema.get("items", "")) if isinstance(schema, dict) else str(schema)


def _is_seen_in_part(record_type: type[Struct], name: str, inner: type[Struct]) -> bool:
    """Whether some recipient of the field may not see all that is in it, or it is of persons."""
    if inner in _OF_PERSONS:
        return True
    readers = field_rules(record_type)[name].release & _RECIPIENTS
    rules = field_rules(inner).values()
    return any(rule.sensitivity is Sensitivity.FREE_TEXT or not readers <= rule.release for rule in rules)
