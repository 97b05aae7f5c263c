"""A baseline: figures as they were once, frozen in a file that is written once and says when it was changed."""

from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from schemas.catalogue import message
from schemas.documents import json_value
from schemas.failures import Refused
from tocsin.cli.measuring.definitions import VERSION
from tocsin.cli.measuring.figures import Figures

MOST_BYTES: Final = 16_777_216


class Baseline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file: figures, and the digest of them."""

    figures: Figures
    sha256: str


def freeze(figures: Figures, file: Path) -> None:
    """Write it; raises Refused (baseline.exists) where the file is there, as what is frozen stays."""
    frozen = Baseline(figures=figures, sha256=_digest(msgspec.to_builtins(figures)))
    try:
        with file.open("xb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(frozen, order="sorted"), indent=1) + b"\n")
    except FileExistsError as error:
        raise Refused(message("baseline.exists", file=file.name), code="baseline.exists") from error
    except OSError as error:
        raise Refused(message("baseline.unwritable", file=file.name), code="baseline.unwritable") from error


def thawed(file: Path) -> Figures:
    """What was frozen; raises Refused where it cannot be read, was changed since, or was found by other definitions."""
    try:
        with file.open("rb") as source:
            written = json_value(source.read(MOST_BYTES))
        found = msgspec.convert(written, Baseline)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise Refused(message("baseline.unreadable", file=file.name), code="baseline.unreadable") from error
    if found.sha256 != _digest(written["figures"]):
        raise Refused(message("baseline.changed", file=file.name), code="baseline.changed")
    if found.figures.definitions != VERSION:
        code = "baseline.other_definitions"
        raise Refused(message(code, file=file.name, found=found.figures.definitions, expected=VERSION), code=code)
    return found.figures


def _digest(figures: Any) -> str:
    """Of the values as they are written, not as they are understood: anything else in there would go unseen."""
    return sha256(msgspec.json.encode(figures, order="sorted")).hexdigest()
