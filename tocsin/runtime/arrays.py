"""A column of values as the text of a PostgreSQL array; every statement that takes one says with a cast what it is of.

The driver asks for each member anew how it is written, which costs ten times as much (ADR 0061).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final


def as_array(column: list[Any]) -> object:
    """The text of the array; the list itself, for the driver, where it is empty or of more or other kinds than here."""
    kinds = set(map(type, column))
    write = _WRITERS.get(_plain(kinds.pop())) if len(kinds) == 1 else None
    return write(column) if write else column


def _plain(kind: type) -> type:
    """A word of a closed list is written as the text that it is."""
    return str if issubclass(kind, str) else kind


def _numbers(column: Sequence[object]) -> str:
    return f"{{{','.join(map(str, column))}}}"


def _texts(column: Sequence[str]) -> str:
    """Always in quotes, within which only these two signs are more than themselves."""
    joined = _BETWEEN.join(column)
    if "\\" in joined or joined.count('"') > 2 * (len(column) - 1):
        joined = _BETWEEN.join([text.replace("\\", r"\\").replace('"', r"\"") for text in column])
    return f'{{"{joined}"}}'


def _bytes(column: Sequence[bytes]) -> str:
    return _texts([rf"\x{data.hex()}" for data in column])


def _moments(column: Sequence[datetime]) -> str:
    return _texts([moment.isoformat() for moment in column])


_BETWEEN: Final = '","'
_WRITERS: Final[Mapping[type, Callable[[Any], str]]] = {
    bool: _numbers,
    bytes: _bytes,
    datetime: _moments,
    int: _numbers,
    str: _texts,
}
