"""Released versions of each record's whole schema; a draft follows the avsc files, a release never changes again."""

import json
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from schemas.definitions import RECORD_TYPES, expanded

FOLDER: Final = Path(__file__).parent / "released"
STATES_FILE: Final = "versions.toml"


class State(StrEnum):
    """Whether a version may still change."""

    DRAFT = "draft"
    RELEASED = "released"


class Version(Struct, frozen=True, kw_only=True, gc=False):
    """One version of all records; the digest of a released one is written down when it is tagged."""

    name: str
    state: State
    sha256: dict[str, str] = {}
    """By record, of the file as released."""


class Release(Struct, frozen=True, kw_only=True):
    """One record's whole schema in one version."""

    record: str
    version: Version
    whole_schema: dict[str, Any]
    intact: bool = True
    """False where a released file is not what was released."""


@cache
def versions(folder: Path = FOLDER) -> tuple[Version, ...]:
    """All versions, oldest first."""
    table = tomllib.loads((folder / STATES_FILE).read_text("utf-8"))
    return tuple(msgspec.convert({"name": name} | entry, Version) for name, entry in table.items())


def releases_of(record: str, folder: Path = FOLDER) -> tuple[Release, ...]:
    """The versions that have this record, oldest first."""
    found = ((version, folder / record / f"{version.name}.avsc") for version in versions(folder))
    return tuple(_release(record, version, file.read_bytes()) for version, file in found if file.exists())


def write_drafts(folder: Path = FOLDER) -> Mapping[str, Path]:
    """Write today's schemas as the draft version's files; without a draft there is nothing to write."""
    drafts = [version for version in versions(folder) if version.state is State.DRAFT]
    written = {}
    for version in drafts:
        for record in (record_type.__name__ for record_type in RECORD_TYPES):
            file = folder / record / f"{version.name}.avsc"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(expanded(record), indent=1, ensure_ascii=False) + "\n", "utf-8")
            written[record] = file
    return written


def _release(record: str, version: Version, data: bytes) -> Release:
    intact = version.state is State.DRAFT or version.sha256.get(record) == sha256(data).hexdigest()
    return Release(record=record, version=version, whole_schema=json.loads(data), intact=intact)
