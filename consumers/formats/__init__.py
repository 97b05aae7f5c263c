"""One pure function per format a referral can be written in."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from consumers.letters import Format
from schemas.failures import Broken

FORMATS: Final[Mapping[str, str]] = {
    "json": "consumers.formats.referral_json",
    "xarf": "consumers.formats.xarf_v4",
    "csv": "consumers.formats.referral_csv",
}
"""Each module has one public function, `write`; it is loaded when a sink asks for it, so X-ARF stays optional."""


def format_named(name: str) -> Format:
    """The function that writes a format."""
    if name not in FORMATS:
        raise Broken(
            f"A format is one of {', '.join(FORMATS)}, found '{name}'. Correct the member's delivery file.",
            code="delivery.settings",
        )
    write: Format = import_module(FORMATS[name]).write
    return write
