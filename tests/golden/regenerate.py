"""Write the golden files of the draft version again: python -m tests.golden.regenerate (from the repository's root).

Files of a released version are never written; what an avsc file says first: tocsin schema draft.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from schemas.codec import encode
from schemas.releases import State, versions, write_drafts
from tests.golden.cases import cases

FOLDER = Path(__file__).parent


def golden_json(record: Struct) -> bytes:
    """A record as readable JSON, bytes as base64."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def golden_file(version: str, name: str, record: Struct, suffix: str) -> Path:
    """Where one golden record lies."""
    return FOLDER / version / type(record).__name__ / f"{name}{suffix}"


def regenerate() -> int:
    """Write every golden file of each draft version, and drop those of records that are gone."""
    drafts = [version.name for version in versions() if version.state is State.DRAFT]
    written = {write for version in drafts for write in _write(version)}
    for version in drafts:
        for file in (FOLDER / version).rglob("*.*"):
            if file not in written:
                file.unlink()
    return len(written)


def _write(version: str) -> set[Path]:
    written = set()
    for name, record in cases().items():
        for suffix, data in ((".json", golden_json(record)), (".avro", encode(record))):
            file = golden_file(version, name, record, suffix)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            written.add(file)
    return written


if __name__ == "__main__":
    write_drafts()
    print(f"{regenerate()} golden files written; look at the difference before you commit it.")  # noqa: T201
