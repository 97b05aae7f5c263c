"""Reads and writes with the compiled codec of codec/: from bytes to records with nothing between.

Importing this module fails with ImportError where that codec is not installed.
"""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, Final, TypeVar, get_args, get_type_hints

from msgspec import Struct

from schemas.definitions import NAMESPACE, PRIMITIVES, definition, expanded
from schemas.disclosure import Audience
from schemas.engines.refusals import malformed, trailing, truncated
from schemas.writing import hidden_fields

__all__ = ["NAME", "read", "write"]

NAME: Final = "compiled"

T = TypeVar("T", bound=Struct)

_codec: Final[Any] = import_module("_tocsin_codec")  # by name: the types are checked where it is not installed, too


def read(record_type: type[T], data: bytes, offset: int) -> T:
    """The record in these bytes from the offset to their end."""
    try:
        record: T = _codec_of(record_type).decode(data, offset)
    except _codec.Truncated as error:
        raise truncated(type(error).__name__) from error
    except _codec.Malformed as error:
        raise malformed(record_type.__name__, type(error).__name__) from error
    except _codec.Trailing as error:
        raise trailing(record_type.__name__, error.args[0]) from error
    return record


def write(record: Struct, prefix: bytes, audience: Audience | None) -> bytes:
    """The bytes of a record after the prefix; for an audience, without what the schema never shows it."""
    written: bytes = _codec_of(type(record), audience).encode(record, prefix)
    return written


@cache
def _codec_of(record_type: type[Struct], audience: Audience | None = None) -> Any:
    name = record_type.__name__
    return _codec.Codec(expanded(name), _classes(record_type), _hidden(name, audience) if audience else None)


def _classes(record_type: type[Struct]) -> dict[str, type]:
    """The class of each named type within a record, by full name."""
    found: dict[str, type] = {}
    waiting: list[type] = [record_type]
    while waiting:
        kind = waiting.pop()
        found[f"{NAMESPACE}.{kind.__name__}"] = kind
        if issubclass(kind, Struct):
            inner = (part for hint in get_type_hints(kind).values() for part in _named_types(hint))
            waiting += [part for part in inner if f"{NAMESPACE}.{part.__name__}" not in found]
    return found


def _named_types(hint: Any) -> Iterator[type]:
    if parts := get_args(hint):
        for part in parts:
            yield from _named_types(part)
    elif isinstance(hint, type) and hint.__module__.startswith("schemas."):
        yield hint


def _hidden(name: str, audience: Audience) -> dict[str, dict[str, bytes]]:
    """Of each record that the audience sees some of, the bytes in place of the fields that it never sees."""
    found: dict[str, dict[str, bytes]] = {}
    waiting = [name]
    while waiting:
        schema = definition(waiting.pop())
        full_name = f"{NAMESPACE}.{schema['name']}"
        if schema["type"] == "record" and full_name not in found:
            found[full_name] = hidden_fields(schema, audience)
            seen = (field["type"] for field in schema["fields"] if audience in field["release"])
            waiting += [inner for kind in seen for inner in _names_in(kind)]
    return found


def _names_in(schema: Any) -> Iterator[str]:
    """The named types that a field's type mentions."""
    if isinstance(schema, str):
        if schema not in PRIMITIVES:
            yield schema.removeprefix(f"{NAMESPACE}.")
        return
    parts = schema if isinstance(schema, list) else [schema.get("items") or schema["values"]]
    for part in parts:
        yield from _names_in(part)
