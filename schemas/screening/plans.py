"""Which fields of a record hold text or bytes, found out once per record type."""

import types
import typing
from enum import Enum, StrEnum
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import NODEFAULT, Struct

from schemas.records.values import SealedPart

LONGEST_TEXT: Final = 512
LONGEST_BY_FIELD: Final = {"url": 4_096, "referrer": 4_096, "value": 2_048, "text": 3_000}
"""Characters, by field name, where a field is allowed more."""
LINES_ALLOWED: Final = frozenset({"text"})


class Kind(StrEnum):
    """How a field is walked."""

    TEXT = "text"
    TEXTS = "texts"
    MAP = "map"
    RECORD = "record"
    RECORDS = "records"
    SEALED = "sealed"


class Step(Struct, frozen=True, kw_only=True):
    """One field that can hold text, and its bounds."""

    name: str
    kind: Kind
    default: Any
    required: bool
    longest: int
    lines: bool


@cache
def plan_of(record_type: type[Struct]) -> tuple[Step, ...]:
    """The fields of one record that can hold text, themselves or further down."""
    hints = typing.get_type_hints(record_type)
    kinds = ((field, _kind_of(hints[field.name])) for field in msgspec.structs.fields(record_type))
    return tuple(_step(field, kind) for field, kind in kinds if kind is not None)


def _step(field: msgspec.structs.FieldInfo, kind: Kind) -> Step:
    return Step(
        name=field.name,
        kind=kind,
        default="" if field.default is NODEFAULT else field.default,
        required=field.required,
        longest=LONGEST_BY_FIELD.get(field.name, LONGEST_TEXT),
        lines=field.name in LINES_ALLOWED,
    )


def _kind_of(hint: Any) -> Kind | None:
    hint = getattr(hint, "__supertype__", hint)
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        return next((kind for part in typing.get_args(hint) if (kind := _kind_of(part)) is not None), None)
    if hint is str:
        return Kind.TEXT
    if typing.get_origin(hint) is dict:
        return Kind.MAP
    if typing.get_origin(hint) is tuple:
        return _kind_of_members(typing.get_args(hint)[0])
    return Kind.RECORD if _is_walked(hint) else None


def _kind_of_members(member: Any) -> Kind | None:
    if member is SealedPart:
        return Kind.SEALED
    inner = _kind_of(member)
    return {Kind.TEXT: Kind.TEXTS, Kind.RECORD: Kind.RECORDS}.get(inner) if inner else None


def _is_walked(hint: Any) -> bool:
    is_record = isinstance(hint, type) and issubclass(hint, Struct) and not issubclass(hint, Enum)
    return is_record and bool(plan_of(hint))
