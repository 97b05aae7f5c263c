"""A record without the fields whose own ceiling does not name the audience, however deep they lie; pure."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from schemas.disclosure import Audience, Sensitivity, field_rules
from schemas.records.referral import Withheld

Narrowed = Any


def narrow(record: Narrowed, audience: Audience, path: str = "") -> tuple[Narrowed, tuple[Withheld, ...]]:
    """A record, and every record in it, without the fields whose own ceiling does not name the audience."""
    record_type: type[Struct] = type(record)
    denied, nested = _plan(record_type, audience)
    if not denied and not nested:
        return record, ()
    changes: dict[str, Any] = {}
    withheld: list[Withheld] = []
    for name, default in denied:
        if getattr(record, name) != default:
            changes[name] = default
            withheld.append(Withheld(path=f"{path}{name}", rule="release.ceiling"))
    for name in nested:
        inner, deep = _narrow_value(getattr(record, name), audience, f"{path}{name}")
        if deep:
            changes[name] = inner
            withheld += deep
    return (msgspec.structs.replace(record, **changes) if changes else record), tuple(withheld)


def _narrow_value(value: Any, audience: Audience, path: str) -> tuple[Any, tuple[Withheld, ...]]:
    if isinstance(value, Struct):
        return narrow(value, audience, f"{path}.")
    if isinstance(value, tuple) and value and isinstance(value[0], Struct):
        pairs = [narrow(member, audience, f"{path}[{n}].") for n, member in enumerate(value)]
        return tuple(record for record, _ in pairs), tuple(w for _, deep in pairs for w in deep)
    return value, ()


@cache
def _plan(record_type: type[Struct], audience: Audience) -> tuple[tuple[tuple[str, Any], ...], tuple[str, ...]]:
    """Fields to clear with their defaults, and fields that hold records which have something to clear."""
    rules = field_rules(record_type)
    fields = msgspec.structs.fields(record_type)
    denied = tuple(
        (field.name, default_of(field))
        for field in fields
        if not field.required
        and (audience not in rules[field.name].release or rules[field.name].sensitivity is Sensitivity.FREE_TEXT)
    )
    cleared = {name for name, _ in denied}
    nested = tuple(
        field.name
        for field in fields
        if field.name not in cleared and any(any(_plan(inner, audience)) for inner in _records_in(field.type))
    )
    return denied, nested


def _records_in(kind: Any) -> Iterator[type[Struct]]:
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield kind
    for argument in getattr(kind, "__args__", ()):
        yield from _records_in(argument)


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    """What a field holds where nothing is said."""
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
