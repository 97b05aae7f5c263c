"""What makes a report complete: fields with their weights, in words, and as a submitter writes each in its format."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

_FILE: Final = Path(__file__).with_name("missing.toml")


class WantedField(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One field that an officer looks for."""

    name: str
    """As it stands in `missing`."""
    weight: int
    words: str
    json: str
    csv: str
    xarf: str

    def sentence(self) -> str:
        """What a submitter reads."""
        return f"{self.words}. JSON: {self.json}. CSV: {self.csv}. X-ARF: {self.xarf}."


@cache
def wanted_fields() -> tuple[WantedField, ...]:
    """All of them, the one with the most effect first."""
    return msgspec.convert(tomllib.loads(_FILE.read_text("utf-8"))["field"], tuple[WantedField, ...])


def wanted_field(name: str) -> WantedField | None:
    """The field of that name; None where an older or a newer release asked for it."""
    return next((field for field in wanted_fields() if field.name == name), None)
