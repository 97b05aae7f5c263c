"""Closed code lists: what each code means, and how other schemes write it; an unknown code is kept, never guessed."""

import tomllib
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

FOLDER: Final = Path(__file__).parent


class Vocabulary(Struct, frozen=True, kw_only=True, dict=True):
    """One list of codes; `aliases` are by the scheme that writes them so."""

    name: str = ""
    doc: str
    source: str
    version: str = ""
    """Of the lists that are ours to change."""
    codes: dict[str, str]
    aliases: dict[str, dict[str, str]] = {}

    def is_known(self, code: str) -> bool:
        """Whether the code is one of the list, in its own spelling."""
        return code in self.codes

    def code_of(self, written: str, scheme: str = "") -> str:
        """Our code for what a source wrote; a word that nobody knows comes back as it was written."""
        spelling = _folded(written)
        if scheme:
            known = self._aliases_of_scheme.get(scheme, {}).get(spelling)
            if known is not None:
                return known
        return self._spellings.get(spelling, written)

    @cached_property
    def _aliases_of_scheme(self) -> Mapping[str, Mapping[str, str]]:
        return {
            scheme: {_folded(alias): code for alias, code in aliases.items()}
            for scheme, aliases in self.aliases.items()
        }

    @cached_property
    def _spellings(self) -> Mapping[str, str]:
        """The codes themselves and the aliases that every scheme shares; a number means nothing without a scheme."""
        return dict(self._aliases_of_scheme.get("common", {})) | {_folded(code): code for code in self.codes}


@cache
def vocabulary(name: str) -> Vocabulary:
    """The list of that name; a name without a file is a mistake of the caller."""
    parsed = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    return msgspec.convert({"name": name} | parsed, Vocabulary)


def vocabulary_names() -> tuple[str, ...]:
    """All lists there are, by name."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def _folded(text: str) -> str:
    return text.strip().casefold()
