"""Records are outside the garbage collector where no cycle can begin with them, and only there.

Decoding makes many of them, and those that the collector need not look at cost it nothing.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Final, NewType, Union, get_args, get_origin, get_type_hints

import pytest
from msgspec import Struct

import schemas
from schemas.records.values import Instant

PLAIN: Final = (str, int, float, bytes, bool, NoneType, Enum)
"""They refer to nothing, or to what lives as long as the program."""
OF_PARTS: Final = frozenset({tuple, list, dict, frozenset, Mapping, UnionType, Union})
"""What these refer to is what their parts are."""
NEEDS_COMPILER: Final = "schemas.engines.compiled"


class Refers(Struct):
    """To nothing that could refer to it."""

    texts: list[str]
    by_name: Mapping[str, Instant | None]


class HoldsItself(Struct):
    """In a container."""

    inner: "dict[str, HoldsItself]"


class HoldsItsHolder(Struct):
    """By way of another class."""

    between: "tuple[Between, ...]"


class Between(Struct):
    """What makes that cycle."""

    holder: HoldsItsHolder | None


class HoldsAnything(Struct):
    """And so perhaps itself."""

    value: Any


class HoldsFunction(Struct):
    """Which may have it in its cells."""

    call: Callable[[], str]


class HoldsHolderOfAnything(Struct):
    """One class further."""

    inner: HoldsAnything


class Extended(Struct):
    """A class below it has fields that this one knows nothing of."""


class Below(Extended):
    """As this one."""

    value: Any


class HasDictionary(Struct, dict=True):
    """For whatever is put there."""


def structs() -> list[type[Struct]]:
    """Every Struct that a module of schemas/ defines."""
    for module in pkgutil.walk_packages(schemas.__path__, "schemas."):
        if module.name != NEEDS_COMPILER:
            importlib.import_module(module.name)
    ours = [kind for kind in below(Struct) if kind.__module__.startswith("schemas.")]
    return sorted(ours, key=lambda kind: (kind.__module__, kind.__qualname__))


def below(kind: type[Struct]) -> Iterator[type[Struct]]:
    """The classes below a class, and those below them."""
    for inner in kind.__subclasses__():
        yield inner
        yield from below(inner)


def can_hold_itself(kind: type[Struct]) -> bool:
    """Whether a value of this class could, by what its fields may hold, however deep."""
    return holds(kind, kind, frozenset({kind}))


def holds(struct: type[Struct], kind: type[Struct], seen: frozenset[Any]) -> bool:
    """Whether a value of the one class could hold a value of the other."""
    if struct.__struct_config__.dict or struct.__subclasses__():
        return True
    return any(reaches(hint, kind, seen) for hint in get_type_hints(struct).values())


def reaches(hint: Any, kind: type[Struct], seen: frozenset[Any]) -> bool:
    """Whether what is annotated so could hold a value of that class; what could be anything could."""
    if isinstance(hint, NewType):
        return reaches(hint.__supertype__, kind, seen)
    if origin := get_origin(hint):
        parts = (part for part in get_args(hint) if part is not Ellipsis)
        return origin not in OF_PARTS or any(reaches(part, kind, seen) for part in parts)
    if hint is kind or hint in seen:
        return hint is kind
    if isinstance(hint, type) and issubclass(hint, Struct):
        return holds(hint, kind, seen | {hint})
    return not (isinstance(hint, type) and issubclass(hint, PLAIN))


@pytest.mark.parametrize("kind", structs(), ids=lambda kind: kind.__qualname__)
def test_a_struct_is_collected_where_it_could_hold_itself_and_only_there(kind: type[Struct]) -> None:
    assert kind.__struct_config__.gc == can_hold_itself(kind)


def test_what_could_hold_itself_is_told_from_what_could_not() -> None:
    assert not can_hold_itself(Refers)
    could: list[type[Struct]] = [HoldsItself, HoldsItsHolder, Between, HoldsAnything, HoldsFunction]
    could += [HoldsHolderOfAnything, Extended, HasDictionary]
    assert all(can_hold_itself(kind) for kind in could)
