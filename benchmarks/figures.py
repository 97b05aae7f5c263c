"""Figures that were measured, as JSON beside the page that shows them."""

from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

Figures = TypeVar("Figures", bound=Struct)


def read(file: Path, kind: type[Figures]) -> Figures:
    """As they were written."""
    return msgspec.json.decode(file.read_bytes(), type=kind)


def read_or(file: Path, nothing: Figures) -> Figures:
    """What is there, or nothing yet."""
    return read(file, type(nothing)) if file.exists() else nothing


def write(file: Path, figures: Struct) -> None:
    """Indented, so that a change can be reviewed."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n")
