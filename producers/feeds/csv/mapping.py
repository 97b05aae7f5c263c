"""From rows of the template to plain objects named as the record names them, by the table of columns; pure."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from producers.feeds.shaping import Found

REFERENCE: Final = "submitter_reference"
REJECTED_BECAUSE: Final = "rejected_because"
OWN_COLUMN: Final = "x_"
"""Columns that start so are the submitter's own and are not read."""
LINE_COLUMN: Final = "x_line"
"""In a file of rejects: the line that was no row, as it stood."""
_ITEMS: Final = "items"
_LIST_SEPARATOR: Final = "|"
_SEGMENT: Final = re.compile(r"(\w+)(?:\[(\w*)\])?")
_SEEDS: Final[Mapping[str, str]] = {"hashes": "algorithm", "nexus": "kind"}
"""Lists whose members a path selects by this field; other lists are selected by position."""
_CONSTANTS: Final[Mapping[str, Mapping[str, str]]] = {
    "hosting": {"source": "submitter"},
    "nexus": {"source": "submitter"},
}


class Column(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column of the template; an `items[]` path makes it a column of the row's own item."""

    name: str
    path: str
    doc: str
    example: str = ""
    is_list: bool = False

    @property
    def is_of_item(self) -> bool:
        """Whether it belongs to the row's item and not to the report as a whole."""
        return self.path.startswith(f"{_ITEMS}[")


class Line(Struct, frozen=True, kw_only=True):
    """One row with the number of its first line in the file; cells by column name, empty ones left out."""

    number: int
    cells: Mapping[str, str]


class Place(Struct, frozen=True, kw_only=True):
    """Where in the file a value of the record came from."""

    line: int
    column: str


class Mapped(Struct, frozen=True, kw_only=True):
    """One report as plain values, where each came from, and columns on which its rows disagree."""

    content: dict[str, Any]
    origins: Mapping[str, Place]
    conflicts: tuple[Place, ...] = ()

    def place_of(self, found: Found) -> Place:
        """The cell behind a path, or behind the nearest path around it."""
        path = found.path
        while path and path not in self.origins:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.origins.get(path) or Place(line=self.origins[""].line, column=_column_of(found.path))


@cache
def columns() -> Mapping[str, Column]:
    """The template's columns by name, in order."""
    table = tomllib.loads(Path(__file__).with_name("columns.toml").read_text("utf-8"))
    return {column.name: column for column in msgspec.convert(table["column"], list[Column])}


def report_of(lines: Sequence[Line]) -> Mapped:
    """One report from the rows that share its reference."""
    tree: dict[str, Any] = {}
    conflicts = []
    item_number = 0
    for line in lines:
        has_item = False
        for name, cell in line.cells.items():
            column = columns()[name]
            has_item = has_item or column.is_of_item
            segments = _segments(column.path, item_number)
            leaf = _Leaf(_value(column, cell), Place(line=line.number, column=name))
            if not _put(tree, segments, leaf):
                conflicts.append(leaf.place)
        item_number += has_item
    origins = {"": Place(line=lines[0].number, column="")}
    content = _plain(tree, "", origins)
    return Mapped(content=content, origins=origins, conflicts=tuple(conflicts))


class _Leaf(Struct, frozen=True):
    value: str | list[str]
    place: Place


class _Members(dict[str, Any]):
    """Members of a list by what selects them, in order of appearance."""


def _value(column: Column, cell: str) -> str | list[str]:
    if not column.is_list:
        return cell
    return [part.strip() for part in cell.split(_LIST_SEPARATOR) if part.strip()]


def _segments(path: str, item_number: int) -> list[tuple[str, str]]:
    """Name and selector of each step; an empty selector of `items` is the row's own item."""
    found = (_SEGMENT.fullmatch(segment) for segment in path.split("."))
    pairs = [(match[1], match[2]) for match in found if match]
    return [(name, str(item_number) if selector == "" else selector or "") for name, selector in pairs]


def _put(tree: dict[str, Any], segments: Iterable[tuple[str, str]], leaf: _Leaf) -> bool:
    """Hang the value into the tree; False where another value hangs there already."""
    *inner, (last, _) = segments
    node = tree
    for name, selector in inner:
        node = _child(node, name, selector)
    known = node.setdefault(last, leaf)
    return bool(known.value == leaf.value)


def _child(node: dict[str, Any], name: str, selector: str) -> dict[str, Any]:
    seed: dict[str, Any] = dict(_CONSTANTS.get(name, {}))
    if not selector:
        child: dict[str, Any] = node.setdefault(name, seed)
        return child
    if name in _SEEDS:
        seed[_SEEDS[name]] = selector
    member: dict[str, Any] = node.setdefault(name, _Members()).setdefault(selector, seed)
    return member


def _plain(node: Any, path: str, origins: dict[str, Place]) -> Any:
    if isinstance(node, _Leaf):
        origins[path] = node.place
        return node.value
    if isinstance(node, _Members):
        return [_plain(member, f"{path}[{n}]", origins) for n, member in enumerate(node.values())]
    if isinstance(node, dict):
        prefix = f"{path}." if path else ""
        return {name: _plain(child, f"{prefix}{name}", origins) for name, child in node.items()}
    return node


def _column_of(path: str) -> str:
    """The column that would fill a path that no cell filled."""
    return next((name for name, column in columns().items() if column.path == path), path)
