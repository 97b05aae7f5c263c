"""The adapter for label lists that are not public: from a file that its owner gave, to a table of the bundle."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from schemas.failures import Refused
from schemas.vocabularies import vocabulary

_MOST_LABELS: Final = 5_000
_SCHEME: Final = "ucs"
_LAUNCHED: Final = date(2023, 3, 15)
"""The schema's first launch (domain facts 2.1): no label is older."""


def ucs_table(file: Path, version: str, on: date) -> tuple[str, int]:
    """The TOML text, and how many labels it has; raises Refused for a file that is no list of labels."""
    rows = _rows(file)
    if not 1 <= len(rows) <= _MOST_LABELS:
        raise _refused(file, 0, f"1 to {_MOST_LABELS} labels", str(len(rows)))
    entries = [
        (*_entry(row, number, file), f"valid_from = {_LAUNCHED}", f"as_of = {on}") for number, row in _numbered(rows)
    ]
    lines = [
        "# Labels of the Universal Classification Schema, from a file that its owner gave to this deployment.",
        f"version = {_text(f'ucs-{version}')}",
        *(line for entry in entries for line in entry),
    ]
    return "\n".join(lines) + "\n", len(entries)


def _numbered(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return enumerate(rows, start=1)


def _rows(file: Path) -> Sequence[Mapping[str, Any]]:
    try:
        text = file.read_text("utf-8-sig")
        found = json.loads(text) if text.lstrip().startswith("[") else list(csv.DictReader(io.StringIO(text)))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise _refused(file, 0, "CSV with a header, or a JSON list of objects", str(error)) from error
    if not all(isinstance(row, dict) for row in found):
        raise _refused(file, 0, "a list of objects", "something else")
    return list(found)


def _entry(row: Mapping[str, Any], number: int, file: Path) -> Iterator[str]:
    label = str(row.get("label_id") or "").strip()
    if not label:
        raise _refused(file, number, "a label_id", "none")
    neutral = str(row.get("neutral") or "").split()
    known = vocabulary("neutral_label").codes
    if unknown := [word for word in neutral if word not in known]:
        raise _refused(file, number, f"neutral words of {', '.join(known)}", repr(unknown[0]))
    section = str(row.get("section") or "").strip()
    source = str(row.get("source") or "") or f"UCS, section {section or 'not told'}"
    return iter(
        (
            "",
            "[[mapping]]",
            f"scheme = {_text(_SCHEME)}",
            f"label = {_text(label)}",
            f"neutral = [{', '.join(map(_text, neutral))}]",
            f"source = {_text(source)}",
            'confidence = "low"',
            "lossy = true",
        )
    )


def _text(value: str) -> str:
    return json.dumps(value)


def _refused(file: Path, number: int, expected: str, found: str) -> Refused:
    where = f"{file.name}, label {number}" if number else file.name
    return Refused(f"{where}: expected {expected}, found {found}. Correct the file.", code="policy.label_list")
