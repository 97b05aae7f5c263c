"""The field inventory for a data-protection officer, made from the avsc files: what lies where, and for how long."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from schemas.definitions import NAMESPACE, RECORD_TYPES, definition
from schemas.topics import LONGEST_MS

_DAYS: Final = LONGEST_MS // 86_400_000
_WHOLE, _PART = "It lies in:", "A part of it lies in:"
_HEAD: Final = f"""\
# Field inventory for data protection

Made by `tocsin schema inventory`; do not edit. The avsc files in `schemas/avsc` are the source.

Every field of every record: how sensitive it is, who may ever be shown it (an agreement can only narrow that), and
where it lies and how long, as the data inventory has it. Of each record two lists: the places where it lies as it was
sent or written, a personal part sealed where its submitter agreed to that, and those where a part of it does. No record
stays on a topic for longer than {_DAYS} days. PostgreSQL keeps no whole record: of each it has ids, members, tiers,
states and times, and until its retention (ADR 0028) a few values, and the digests and veiled hashes that the last
column names.
"""


class Places(Protocol):
    """What the data inventory says of a record."""

    def lies(self, record: str, *, whole: bool) -> Iterable[str]:
        """Where it lies as it was sent or written, or else a part of it, and until when."""

    def recognised_by(self, record: str, field: str) -> Iterable[str]:
        """The tables that keep a digest of that field."""


def inventory_page(places: Places) -> str:
    """The whole page as Markdown."""
    return "\n".join([_HEAD, *(_record(record_type.__name__, places) for record_type in RECORD_TYPES)])


def _record(name: str, places: Places) -> str:
    whole, parts = (_listed(places.lies(name, whole=is_whole)) for is_whole in (True, False))
    rows = "\n".join(_row(name, *found, places) for found in _fields(name, "", (name,)))
    lists = "\n\n".join(f"{title}\n\n{found}" for title, found in ((_WHOLE, whole), (_PART, parts)) if found)
    head = "| Field | Sensitivity | Shown to | Digest in |\n|---|---|---|---|"
    return f"## {name}\n\n{lists}\n\n{head}\n{rows}\n"


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _row(name: str, path: str, field: Mapping[str, Any], places: Places) -> str:
    audiences = ", ".join(field["release"]) or "nobody"
    digests = ", ".join(f"`{table}`" for table in places.recognised_by(name, path))
    return f"| `{path}` | {field['sensitivity'].replace('_', ' ')} | {audiences} | {digests} |"


def fields_of(name: str) -> Iterator[str]:
    """Each field of a record that holds a value, by its path."""
    return (path for path, _ in _fields(name, "", (name,)))


def _fields(name: str, path: str, above: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Down to the fields that hold a value; a record inside a record is followed once."""
    for field in definition(name)["fields"]:
        part, inner = f"{path}{field['name']}", _record_in(field["type"])
        if inner and inner not in above:
            yield from _fields(inner, f"{part}.", (*above, inner))
        else:
            yield part, field


def _record_in(kind: Any) -> str:
    """The name of the record that a type is, or is a list or an option of; empty where it is none."""
    if isinstance(kind, list):
        return _record_in(kind[-1])
    if isinstance(kind, dict):
        return _record_in(kind.get("items", kind.get("values", "")))
    bare = str(kind).removeprefix(f"{NAMESPACE}.")
    return bare if bare != kind and definition(bare)["type"] == "record" else ""
