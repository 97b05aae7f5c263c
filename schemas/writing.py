"""Avro bytes straight from records: one small function per type, put together once from the avsc files.

fastavro's writer wants dictionaries and tries every branch of a union. Without both, writing is three times cheaper,
and a report is written once per recipient. A test holds the bytes against fastavro's for any record.

A writer for an audience has no step that reads a field whose ceiling does not name that audience: in its place stand
the bytes of the field's default, put there when the writer is put together. What it cannot read, it cannot emit.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from struct import Struct as Layout
from types import SimpleNamespace
from typing import Any, Final

from schemas.definitions import NAMESPACE, definition

Append = Callable[[bytes], object]
Write = Callable[[Any, Append], None]

_LONG_BITS: Final = 64
_LOWEST, _HIGHEST = -(2 ** (_LONG_BITS - 1)), 2 ** (_LONG_BITS - 1) - 1
_MORE, _SEVEN_BITS = 0x80, 0x7F
_DOUBLE: Final = Layout("<d")
_NOTHING, _SOMETHING, _END = b"\x00", b"\x02", b"\x00"


@cache
def writer_of(name: str, audience: str | None = None) -> Write:
    """The function that writes one record of this name, for an audience only what the schema lets it see at most."""
    found = definition(name)
    return _enumeration(found["symbols"]) if found["type"] == "enum" else _record(found, audience)


def value_writer(schema: Any) -> Write:
    """The function that writes one value of a type as a field of an avsc file states it."""
    return _writer(schema, None)


def hidden_fields(record_schema: Mapping[str, Any], audience: str) -> dict[str, bytes]:
    """The fields of a record that an audience never sees, each with the bytes of its default."""
    hidden = [field for field in record_schema["fields"] if audience not in field["release"]]
    return {field["name"]: _hidden_bytes(record_schema, field, audience) for field in hidden}


def _writer(schema: Any, audience: str | None) -> Write:
    if isinstance(schema, list):
        return _optional(_writer(schema[1], audience))
    if isinstance(schema, dict):
        members = _writer(schema.get("items") or schema.get("values"), audience)
        return _array(members) if schema["type"] == "array" else _map(members)
    return _PRIMITIVES[schema] if schema in _PRIMITIVES else writer_of(_bare(schema), audience)


def _record(record_schema: Mapping[str, Any], audience: str | None) -> Write:
    steps, hidden = _steps(record_schema, audience)
    names = [name for name, _, _ in steps]
    values_of = _reader(names)
    writers = tuple((before, write_field) for _, before, write_field in steps)

    def write(record: Any, append: Append) -> None:
        for value, (before, write_field) in zip(values_of(record), writers, strict=True):
            if before:
                append(before)
            write_field(value, append)
        if hidden:
            append(hidden)

    return write


def _reader(names: Sequence[str]) -> Callable[[Any], Iterable[Any]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda record: [getattr(record, name) for name in names]


_Step = tuple[str, bytes, Write]
"""A field that is read, the bytes of hidden fields before it, and what writes it."""


def _steps(record_schema: Mapping[str, Any], audience: str | None) -> tuple[list[_Step], bytes]:
    """The fields that are read, in order, and the bytes of hidden fields after the last of them."""
    steps: list[_Step] = []
    hidden = b""
    for field in record_schema["fields"]:
        if audience is None or audience in field["release"]:
            steps.append((field["name"], hidden, _writer(field["type"], audience)))
            hidden = b""
        else:
            hidden += _hidden_bytes(record_schema, field, audience)
    return steps, hidden


def _hidden_bytes(record_schema: Mapping[str, Any], field: Mapping[str, Any], audience: str) -> bytes:
    if "default" not in field:
        raise TypeError(f"{record_schema['name']}.{field['name']} is required, and not for {audience}.")
    parts: list[bytes] = []
    _writer(field["type"], None)(_default_of(field["type"], field["default"]), parts.append)
    return b"".join(parts)


def _default_of(schema: Any, value: Any) -> Any:
    """A default as it stands in the avsc, in the shape that writers read."""
    if isinstance(schema, list):
        return None if value is None else _default_of(schema[1], value)
    if isinstance(schema, dict) or schema in _PRIMITIVES:
        return value
    found = definition(_bare(schema))
    if found["type"] == "enum":
        return value
    inner = {field["name"]: field for field in found["fields"]}
    return SimpleNamespace(
        **{name: _default_of(field["type"], value.get(name, field.get("default"))) for name, field in inner.items()}
    )


def _bare(name: str) -> str:
    return name.removeprefix(f"{NAMESPACE}.")


def _enumeration(symbols: Sequence[str]) -> Write:
    encoded = {symbol: _long_bytes(place) for place, symbol in enumerate(symbols)}

    def write(value: Any, append: Append) -> None:
        append(encoded[value])

    return write


def _optional(write_value: Write) -> Write:
    def write(value: Any, append: Append) -> None:
        if value is None:
            append(_NOTHING)
        else:
            append(_SOMETHING)
            write_value(value, append)

    return write


def _array(write_member: Write) -> Write:
    def write(values: Any, append: Append) -> None:
        if values:
            append(_long_bytes(len(values)))
            for value in values:
                write_member(value, append)
        append(_END)

    return write


def _map(write_member: Write) -> Write:
    def write(entries: Any, append: Append) -> None:
        if entries:
            append(_long_bytes(len(entries)))
            for key, value in entries.items():
                _string(key, append)
                write_member(value, append)
        append(_END)

    return write


def _string(value: Any, append: Append) -> None:
    if not value and value.__class__ is str:
        append(_NOTHING)
        return
    data = value.encode()
    append(_long_bytes(len(data)))
    append(data)


def _bytes(value: Any, append: Append) -> None:
    append(_long_bytes(len(value)))
    append(value)


def _long(value: Any, append: Append) -> None:
    append(_long_bytes(value))


def _double(value: Any, append: Append) -> None:
    append(_DOUBLE.pack(value))


def _boolean(value: Any, append: Append) -> None:
    append(_BOOLEANS[value])


def _encoded_long(value: int) -> bytes:
    """Zigzag, then seven bits a byte, lowest first."""
    if not _LOWEST <= value <= _HIGHEST:
        raise OverflowError
    rest = (value << 1) ^ (value >> (_LONG_BITS - 1))
    data = bytearray()
    while rest > _SEVEN_BITS:
        data.append(rest & _SEVEN_BITS | _MORE)
        rest >>= 7
    data.append(rest)
    return bytes(data)


_SHORT_LONGS: Final = {value: _encoded_long(value) for value in range(-1, 1_024)}
"""Lengths, counts and symbols: nearly every number in a record."""
_BOOLEANS: Final = {False: b"\x00", True: b"\x01"}


def _long_bytes(value: int) -> bytes:
    return _SHORT_LONGS.get(value) or _encoded_long(value)


_PRIMITIVES: Final[dict[str, Write]] = {
    "string": _string,
    "bytes": _bytes,
    "long": _long,
    "double": _double,
    "boolean": _boolean,
}
