"""The version after this one, made as a developer would: a copy of the sources whose content items have a field more.

What is released becomes a released version there, the addition its draft, written and checked by the project's own
commands; `python -m tests.chaos.successor HOME` in that folder registers its schemas, as `ops` does at an upgrade.
"""

import json
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from schemas.definitions import RECORD_TYPES
from schemas.failures import Broken
from schemas.releases import FOLDER
from tests.builders.sources import PACKAGES
from tocsin.runtime.registry import subjects
from tocsin.stack.local import LocalStack
from tocsin.stack.provision import register_schemas

FIELD: Final = "storage_kind"
VALUE: Final = "object-store"
_ROOT: Final = Path(__file__).parents[2]
_COMMAND_SECONDS: Final = 120

_CHANGES: Final = {
    "schemas/avsc/ContentItem.avsc": (
        '    {"name": "content_type",',
        f'    {{"name": "{FIELD}", "type": "string", "default": "",\n'
        '     "doc": "The kind of storage that the item lies on.",\n'
        '     "sensitivity": "case", "release": ["hotline", "lea", "international", "operator"]},\n',
    ),
    "schemas/records/report.py": ('    content_type: str = ""\n', f'    {FIELD}: str = ""\n'),
    "tests/chaos/publishing.py": ("        hosting=hosting,\n        hashes=", f'        {FIELD}="{VALUE}",\n'),
}
"""File to where in it, and what goes before that."""


def successor(folder: Path) -> Path:
    """Make it in that folder; raises Broken where one of its own commands refuses it."""
    for name in (*PACKAGES, "tests"):
        shutil.copytree(_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (before, addition) in _CHANGES.items():
        file = folder / name
        head, found, tail = file.read_text("utf-8").partition(before)
        if not found:
            raise Broken(f"{name} has a line that begins with {before.strip()}, and has none.", code="chaos.successor")
        file.write_text(head + addition + found + tail, "utf-8")
    (folder / "schemas" / "released" / "versions.toml").write_text(_versions(), "utf-8")
    for words in (("schema", "draft"), ("schema", "check")):
        command(folder, "tocsin", *words)
    return folder


def command(folder: Path, module: str, *words: str) -> str:
    """One command of the successor: its own code goes before the installed one."""
    done = subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-m", module, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=_COMMAND_SECONDS,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-800:]
        raise Broken(
            f"`{module} {' '.join(words)}` of the successor ended with {done.returncode}: {said}",
            code="chaos.successor",
        )
    return done.stdout


def _versions() -> str:
    """Today's version as released, and a draft after it."""
    names = [record_type.__name__ for record_type in RECORD_TYPES]
    digests = {name: sha256((FOLDER / name / "v1.avsc").read_bytes()).hexdigest() for name in names}
    lines = [f"{name} = {json.dumps(digest)}" for name, digest in digests.items()]
    return "\n".join(['[v1]\nstate = "released"', "[v1.sha256]", *lines, '[v2]\nstate = "draft"', ""])


def main(home: Path) -> None:
    """Register what this folder's schemas are."""
    registry = LocalStack(home).registry
    register_schemas(registry.url, registry.writer, subjects(), registry.tls)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
