"""The code of before the two newest revisions of the tables, out of this repository's history."""

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Final, NamedTuple

from schemas.failures import Broken
from tests.builders.sources import PACKAGES

ROOT: Final = Path(__file__).parents[2]
_VERSIONS: Final = Path("tocsin", "runtime", "migrations", "versions")
_DIGITS: Final = 4
REVISIONS: Final = 2
"""So many that the code of then is not nearly that of now; a schema that did not only grow since ends such a run."""


class Former(NamedTuple):
    """A commit, and the revision of the tables that is its newest."""

    commit: str
    tables: str


def former(root: Path = ROOT) -> Former:
    """The commit before the one that brought the first of them, which may have brought others before it as well.

    Raises Broken without that much history.
    """
    first, *_ = sorted(file.name for file in (root / _VERSIONS).glob("[0-9]*.py"))[-REVISIONS:]
    brought = _git(root, "log", "-1", "--diff-filter=A", "--format=%H", "--", str(_VERSIONS / first))
    commit = _git(root, "rev-parse", "--short", f"{brought.decode().strip()}^")
    then = _git(root, "ls-tree", "--name-only", f"{commit.decode().strip()}:{_VERSIONS}").decode().split()
    return Former(commit.decode().strip(), max(name for name in then if name[0].isdigit())[:_DIGITS])


def unpacked(commit: str, folder: Path) -> Path:
    """Its packages in that folder, as they were."""
    archive = _git(ROOT, "archive", "--format=tar", commit, "--", *PACKAGES)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def has(commit: str, file: str) -> bool:
    """Whether that commit has the file, in this repository."""
    return bool(_git(ROOT, "ls-tree", "--name-only", commit, "--", file).strip())


def _git(root: Path, *words: str) -> bytes:
    try:
        done = subprocess.run(["git", *words], check=False, capture_output=True, cwd=root)  # noqa: S603, S607 -- our own words
    except FileNotFoundError as error:
        raise Broken("git was expected, and is not here.", code="chaos.no_history") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-200:]
        raise Broken(
            f"A clone was expected whose history has the newest revisions of the tables and the commit before them; "
            f"`git {words[0]}` says: {said}",
            code="chaos.no_history",
        )
    return done.stdout
