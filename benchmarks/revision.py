"""Which code is measured or met with faults."""

import subprocess
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent.parent


def commit() -> str:
    """Of the working tree's head; `-dirty` where code differs from it: nobody can repeat that."""
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs")
    head = _git("rev-parse", "--short", "HEAD")
    return f"{head}-dirty" if head and changed else head or "unknown"


def _git(*words: str) -> str:
    command = ["git", *words]
    found = subprocess.run(command, check=False, capture_output=True, text=True, cwd=_ROOT)  # noqa: S603 -- our own words
    return found.stdout.strip()
