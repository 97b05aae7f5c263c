"""The field inventory for a data-protection officer, made from the avsc files: what lies where, and for how long."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from schemas.definitions import NAMESPACE, RECORD_TYPES, definition
from schemas.topics import LONGEST_MS

_DAYS: Final = LONGEST_MS // 86_400_000
_HEAD: Final = f"""\
# Field inventory for data protection

Made by `tocsin schema inventory`; do not edit. The avsc files in `schemas/avsc` are the source.

Every field of every record: how sensitive it is, who may ever be shown it (an agreement can only narrow that), and by
record where it or a part of it lies and how long, as the data inventory has it. No record stays on a topic for longer
than {_DAYS} days. PostgreSQL keeps of a record ids, members, tiers, states and times, and keyed digests until its
retention (ADR 0028).
"""


Lies = Callable[[str], Iterable[str]]
"""By a record's name, the places where it or a part of it lies, and until when: from the data inventory."""


def inventory_page(lies: Lies) -> str:
    """The whole page as Markdown."""
    return "\n".join([_HEAD, *(_record(record_type.__name__, lies) for record_type in RECORD_TYPES)])


def _record(name: str, lies: Lies) -> str:
    places, rows = "\n".join(f"- {place}" for place in lies(name)), "\n".join(_rows(name, "", (name,)))
    return f"## {name}\n\n{places}\n\n| Field | Sensitivity | Shown to |\n|---|---|---|\n{rows}\n"


def _rows(name: str, path: str, above: tuple[str, ...]) -> Iterator[str]:
    """Down to the fields that hold a value; a record inside a record is followed once."""
    for field in definition(name)["fields"]:
        part, inner = f"{path}{field['name']}", _record_in(field["type"])
        if inner and inner not in above:
            yield from _rows(inner, f"{part}.", (*above, inner))
        else:
            audiences = ", ".join(field["release"]) or "nobody"
            yield f"| `{part}` | {field['sensitivity'].replace('_', ' ')} | {audiences} |"


def _record_in(kind: Any) -> str:
    """The name of the record that a type is, or is a list or an option of; empty where it is none."""
    if isinstance(kind, list):
        return _record_in(kind[-1])
    if isinstance(kind, dict):
        return _record_in(kind.get("items", kind.get("values", "")))
    bare = str(kind).removeprefix(f"{NAMESPACE}.")
    return bare if bare != kind and definition(bare)["type"] == "record" else ""
