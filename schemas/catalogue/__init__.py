"""The message catalogue: every stable code with what it says and what to do, one data file per area."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

FOLDER: Final = Path(__file__).parent
_FOUND: Final = re.compile(r", found [^,.;]*\{\w+\}[^,.;]*")
"""The part of a sentence that only whoever looked at the record can fill in."""


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One code: what was expected and found, with facts in braces (never a sensitive value), and what to do."""

    message: str
    fix: str = ""


@cache
def catalogue() -> Mapping[str, Entry]:
    """All codes of all areas; a code that two areas claim is a mistake that stops the process."""
    entries: dict[str, Entry] = {}
    for file in sorted(FOLDER.glob("*.toml")):
        area = msgspec.convert(tomllib.loads(file.read_text("utf-8")), dict[str, Entry])
        if twice := entries.keys() & area.keys():
            raise ValueError(f"A code has one area, found {', '.join(sorted(twice))} again in {file.name}. Rename it.")
        entries |= area
    return entries


def message(code: str, **facts: object) -> str:
    """The sentences of a code; facts that are not given stay as their names, and an unknown code speaks for itself."""
    entry = catalogue().get(code)
    if entry is None:
        return code
    sentences = f"{entry.message} {entry.fix}".strip()
    return sentences.format_map(_Facts(facts))


def told(code: str) -> str:
    """The sentences of a code for who has the code alone, such as a submitter that reads a status."""
    entry = catalogue().get(code)
    return code if entry is None else f"{_FOUND.sub('', entry.message)} {entry.fix}".strip()


class _Facts(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return f"<{name}>"
