"""Our compiled codec by itself: Structs, of classes that are made from the schema."""

from collections.abc import Iterator
from enum import StrEnum
from importlib import import_module
from typing import Any

import msgspec

from benchmarks.codec.alone import Door


def doors(schema: dict[str, Any]) -> tuple[Door, Door]:
    """How it reads and writes."""
    codec = import_module("_tocsin_codec").Codec(schema, dict(_classes(schema)))
    return codec.decode, codec.encode


def _classes(schema: Any) -> Iterator[tuple[str, type]]:
    if isinstance(schema, list):
        yield from _classes(schema[1])
    elif isinstance(schema, dict):
        fields = [field["name"] for field in schema.get("fields", ())]
        for part in (schema.get("items"), schema.get("values"), *(field["type"] for field in schema.get("fields", ()))):
            yield from _classes(part)
        if "name" in schema:
            yield f"{schema['namespace']}.{schema['name']}", _made(schema, fields)


def _made(schema: dict[str, Any], fields: list[str]) -> type:
    if schema["type"] == "enum":
        made: Any = StrEnum  # called with names that only the schema knows
        symbols: type = made(schema["name"], {symbol: symbol for symbol in schema["symbols"]})
        return symbols
    return msgspec.defstruct(schema["name"], fields, frozen=True, kw_only=True, gc=False)
