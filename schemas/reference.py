"""The reference page of all schemas, made from the avsc files and vocabularies."""

from collections.abc import Iterator
from typing import Any

from schemas.crosswalks import Crosswalk, crosswalk, crosswalk_names
from schemas.definitions import FOLDER, NAMESPACE, RECORD_TYPES, definition
from schemas.vocabularies import vocabulary, vocabulary_names

_HEAD = """\
# The language: schemas and vocabularies

Made by `tocsin schema reference`; do not edit. The avsc files in `schemas/avsc` are the source.

*Sensitivity* says what a field gives away: operational, case, restricted (leads to material or to an investigation),
personal, free text. *Shown to* is the ceiling: audiences that may ever see the field; an agreement can only narrow it.
Free text is shown only where an agreement names the field.
"""


def reference_page() -> str:
    """The whole page as Markdown."""
    records = [record_type.__name__ for record_type in RECORD_TYPES]
    names = sorted(file.stem for file in FOLDER.glob("*.avsc"))
    parts = [name for name in names if name not in records and definition(name)["type"] == "record"]
    enumerations = [name for name in names if definition(name)["type"] == "enum"]
    sections = [
        _HEAD,
        "## Records\n",
        *(_record(name) for name in records),
        "## Parts of records\n",
        *(_record(name) for name in parts),
        "## Enumerations\n",
        *(_enumeration(name) for name in enumerations),
        "## Vocabularies\n",
        *(_vocabulary(name) for name in vocabulary_names()),
        "## Crosswalks: where fields of other formats have their place\n",
        *(_crosswalk(crosswalk(name)) for name in crosswalk_names()),
    ]
    return "\n".join(sections)


def _record(name: str) -> str:
    record = definition(name)
    rows = "\n".join(_row(field) for field in record["fields"])
    head = "| Field | Type | Default | Sensitivity | Shown to | Meaning |\n|---|---|---|---|---|---|"
    return f"### {name}\n\n{record['doc']}\n\n{head}\n{rows}\n"


def _row(field: dict[str, Any]) -> str:
    default = "required" if "default" not in field else _default(field["default"])
    audiences = ", ".join(field["release"]) or "nobody"
    sensitivity = field["sensitivity"].replace("_", " ")
    cells = (f"`{field['name']}`", _type(field["type"]), default, sensitivity, audiences, field["doc"])
    return f"| {' | '.join(cells)} |"


def _default(value: Any) -> str:
    if value is None:
        return "none"
    return f"`{value}`" if value not in ("", [], {}) and not isinstance(value, dict) else ""


def _type(kind: Any) -> str:
    if isinstance(kind, list):
        return f"{_type(kind[1])}, optional"
    if isinstance(kind, dict):
        return f"list of {_type(kind['items'])}" if kind["type"] == "array" else f"map of {_type(kind['values'])}"
    bare = kind.removeprefix(f"{NAMESPACE}.")
    return f"[{bare}](#{bare.lower()})" if bare != kind else bare


def _enumeration(name: str) -> str:
    found = definition(name)
    return f"### {name}\n\n{found['doc']}\n\n{', '.join(f'`{symbol}`' for symbol in found['symbols'])}\n"


def _vocabulary(name: str) -> str:
    found = vocabulary(name)
    return f"### {name}\n\n{found.doc} Source: {found.source}.\n\n{''.join(_codes(found.codes))}"


def _codes(codes: dict[str, str]) -> Iterator[str]:
    if not any(codes.values()):
        yield f"{', '.join(f'`{code}`' for code in codes)}\n"
        return
    for code, doc in codes.items():
        yield f"- `{code}`: {doc}\n"


def _crosswalk(found: Crosswalk) -> str:
    rows = [f"| {field} | `{path}` |" for field, path in found.rows()]
    rows += [f"| {field} | none: {reason} |" for field, reason in found.absent.items()]
    lines = "\n".join(rows)
    head = "| Theirs | Ours |\n|---|---|"
    return f"### {found.name}\n\nSource: {found.source}.\n\n{head}\n{lines}\n"
