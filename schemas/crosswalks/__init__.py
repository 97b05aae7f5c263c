"""Where each field and each code of the outside formats has its place in the language, or why it has none."""

import tomllib
import types
import typing
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from schemas.definitions import record_type_named
from schemas.records.report import ReportSubmitted

FOLDER: Final = Path(__file__).parent


class Codes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One closed list as its owner writes it, and the code of a vocabulary of ours that each value becomes."""

    vocabulary: str
    scheme: str = ""
    codes: dict[str, str]


class Crosswalk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One outside format; `fields` are by the format's own object, `absent` says why a field has no place."""

    name: str
    source: str
    fields: dict[str, dict[str, str]]
    absent: dict[str, str]
    values: dict[str, Codes] = {}

    def rows(self) -> Iterator[tuple[str, str]]:
        """Every field with its place, as `object.field`."""
        for part, fields in self.fields.items():
            for field, path in fields.items():
                yield f"{part}.{field}", path


@cache
def crosswalk(name: str) -> Crosswalk:
    """The crosswalk of that name; a name without a file is a mistake of the caller."""
    return msgspec.convert(tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8")), Crosswalk)


def crosswalk_names() -> tuple[str, ...]:
    """All there are, by name."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def leads_to_a_field(path: str) -> bool:
    """Whether a path such as `items.hosting.country` or `Return.outcomes.at` ends at a field, and at a symbol of it."""
    bare, _, symbol = path.removesuffix("]").partition("[")
    first, *rest = bare.split(".")
    kind: Any = record_type_named(first)
    steps = rest if kind else [first, *rest]
    kind = kind or ReportSubmitted
    for step in steps:
        if not (isinstance(kind, type) and issubclass(kind, Struct) and step in kind.__struct_fields__):
            return False
        kind = _inner(typing.get_type_hints(kind)[step])
    return not symbol or (issubclass(kind, Enum) and symbol in kind.__members__)


def _inner(hint: Any) -> Any:
    """The type of a value: of an optional one or of a list that of its members."""
    arguments: tuple[Any, ...] = typing.get_args(hint)
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        return _inner(next(part for part in arguments if part is not type(None)))
    return _inner(arguments[0]) if typing.get_origin(hint) is tuple else hint
