"""A hypothesis strategy for any record of ours, by the types of its fields."""

import types
import typing
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies
from hypothesis.strategies import SearchStrategy
from msgspec import Struct

T = TypeVar("T", bound=Struct)

LONG = 2**63
PLAIN: dict[Any, SearchStrategy[Any]] = {
    str: strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=30),
    int: strategies.integers(-LONG, LONG - 1),
    float: strategies.floats(allow_nan=False),
    bool: strategies.booleans(),
    bytes: strategies.binary(max_size=30),
}


@cache
def any_record(record_type: type[T]) -> SearchStrategy[T]:
    """Records of this type with any values that its fields may have."""
    hints = typing.get_type_hints(record_type)
    fields = {name: _values(hints[name]) for name in record_type.__struct_fields__}
    return strategies.fixed_dictionaries(fields).map(lambda values: record_type(**values))


def _values(hint: Any) -> SearchStrategy[Any]:
    hint = getattr(hint, "__supertype__", hint)
    if hint in PLAIN:
        return PLAIN[hint]
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        return strategies.one_of(*(strategies.none() if part is type(None) else _values(part) for part in arguments))
    if typing.get_origin(hint) is tuple:
        return strategies.lists(_values(arguments[0]), max_size=2).map(tuple)
    if typing.get_origin(hint) is dict:
        return strategies.dictionaries(PLAIN[str], PLAIN[str], max_size=2)
    return strategies.sampled_from(hint) if issubclass(hint, Enum) else any_record(hint)
