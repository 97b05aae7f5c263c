"""Schemas of the shapes that ours have, their classes, and values of them: all by chance, from one seed."""

import random
import string
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import GenericAlias
from typing import Any, Final

import msgspec
from msgspec import Struct

NAMESPACE: Final = "chance"
DEEPEST: Final = 4
_MOST_FIELDS: Final = 6
_LONGS: Final = (0, -1, 1, 63, 64, -64, -65, 8_191, 8_192, 2**31, -(2**31), 2**63 - 1, -(2**63))
_DOUBLES: Final = (0.0, -0.0, 1.5, float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308)
_TEXTS: Final = ("", "a", "é", "ü" * 40, "\x00", "\u07ff\u0800\uffff\U0010ffff", "x" * 300)
_PRIMITIVES: Final[Mapping[str, type]] = {"string": str, "long": int, "double": float, "boolean": bool, "bytes": bytes}


class Chance:
    """Everything that is left to chance, so that a seed repeats a run."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 -- no secret
        self.types: dict[str, type] = {}
        self._made = 0

    def schema(self) -> tuple[dict[str, Any], type[Struct]]:
        """A record's schema and its class; `types` then has the class of each named type in it."""
        self.types = {}
        schema, kind = self._record(0)
        return schema, kind

    def _record(self, depth: int) -> tuple[dict[str, Any], type[Struct]]:
        name, count = self._name("R"), self.random.randrange(1, _MOST_FIELDS)
        parts = [(f"f{place}", *self._kind(depth + 1)) for place in range(count)]
        fields = [{"name": field, "type": schema} for field, schema, _ in parts]
        stated = [(field, kind) for field, _, kind in parts]
        made = msgspec.defstruct(name, stated, frozen=True, kw_only=True, gc=self.random.random() < 1 / 2)
        self.types[f"{NAMESPACE}.{name}"] = made
        return {"type": "record", "namespace": NAMESPACE, "name": name, "fields": fields}, made

    def _enumeration(self, _: int) -> tuple[dict[str, Any], type]:
        name, symbols = self._name("E"), string.ascii_uppercase[: self.random.randrange(1, 9)]
        made = StrEnum(name, {symbol: symbol for symbol in symbols})  # type: ignore[misc]  # its members are by chance
        self.types[f"{NAMESPACE}.{name}"] = made
        return {"type": "enum", "namespace": NAMESPACE, "name": name, "symbols": list(symbols)}, made

    def _array(self, depth: int) -> tuple[dict[str, Any], Any]:
        schema, kind = self._kind(depth + 1)
        return {"type": "array", "items": schema}, GenericAlias(tuple, (kind, ...))

    def _map(self, depth: int) -> tuple[dict[str, Any], Any]:
        schema, kind = self._kind(depth + 1)
        return {"type": "map", "values": schema}, GenericAlias(dict, (str, kind))

    def _optional(self, depth: int) -> tuple[Any, Any]:
        schema, kind = self._kind(depth + 1, optional=False)
        return ["null", schema], kind | None

    def _kind(self, depth: int, *, optional: bool = True) -> tuple[Any, Any]:
        composed: list[Callable[[int], tuple[Any, Any]]] = [self._enumeration]
        if depth < DEEPEST:
            composed += [self._record, self._array, self._map]
        if optional:
            composed.append(self._optional)
        if self.random.random() < 1 / 2:
            return self.random.choice(composed)(depth)
        return self.random.choice(list(_PRIMITIVES.items()))

    def _name(self, letter: str) -> str:
        self._made += 1
        return f"{letter}{self._made}"

    def value(self, schema: Any, known: Mapping[str, Any]) -> Any:
        """A value as fastavro takes it; `known` has the named types, of which one may be used twice."""
        if isinstance(schema, list):
            return None if self.random.random() < 1 / 2 else self.value(schema[1], known)
        if isinstance(schema, str):
            return _OF_PRIMITIVE[schema](self.random) if schema in _OF_PRIMITIVE else self.value(known[schema], known)
        return _OF_COMPOSED[schema["type"]](self, schema, known)

    def several(self) -> range:
        """As many as an array or a map has."""
        return range(
            self.random.choice((0, 0, 1, 2, 3, 70)) if self.random.random() < 1 / 20 else self.random.randrange(3)
        )


def named_types(schema: Any) -> dict[str, Any]:
    """Each named type within a schema, where it is spelled out."""
    if isinstance(schema, list):
        return named_types(schema[1])
    if not isinstance(schema, dict):
        return {}
    parts = [schema.get("items"), schema.get("values"), *(field["type"] for field in schema.get("fields", ()))]
    found = {name: kind for part in parts for name, kind in named_types(part).items()}
    return found | ({f"{schema['namespace']}.{schema['name']}": schema} if "name" in schema else {})


def _text(chance: random.Random) -> str:
    return chance.choice(_TEXTS) if chance.random() < 1 / 2 else "".join(chance.choices(string.printable, k=9))


_OF_PRIMITIVE: Final[Mapping[str, Callable[[random.Random], Any]]] = {
    "string": _text,
    "long": lambda chance: chance.choice(_LONGS) if chance.random() < 1 / 2 else chance.randrange(-(2**40), 2**40),
    "double": lambda chance: chance.choice(_DOUBLES) if chance.random() < 1 / 2 else chance.uniform(-1e9, 1e9),
    "boolean": lambda chance: chance.random() < 1 / 2,
    "bytes": lambda chance: chance.randbytes(chance.choice((0, 1, 16, 63, 64, 200))),
}
_OF_COMPOSED: Final[Mapping[str, Callable[[Chance, Any, Mapping[str, Any]], Any]]] = {
    "record": lambda chance, s, known: {field["name"]: chance.value(field["type"], known) for field in s["fields"]},
    "enum": lambda chance, s, _: chance.random.choice(s["symbols"]),
    "array": lambda chance, s, known: [chance.value(s["items"], known) for _ in chance.several()],
    "map": lambda chance, s, known: {_text(chance.random): chance.value(s["values"], known) for _ in chance.several()},
}
