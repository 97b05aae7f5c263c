"""The manifest of a folder: a line a file that `sha256sum -c` reads; looked up on disk, as there may be millions."""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MANIFEST: Final = "manifest.sha256"
HIDDEN: Final = ".writing-"
_LONGEST_LINE: Final = 4_096


class Manifest:
    """Holds no line in memory: a new file is one line more at the end, and only what is there already is looked for."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / MANIFEST
        _cut(self._path)

    def digest_of(self, key: str) -> str | None:
        """The digest under which the parcel of that key was handed over; None where none was."""
        with _mapped(self._path) as lines:
            at = lines.find(f"  {key}.".encode())
            return None if at < 0 else lines[lines.rfind(b"\n", 0, at) + 1 : at].decode()

    def add(self, name: str, digest: str) -> None:
        """One line more, on disk before this returns."""
        is_new = not self._path.exists()
        write(self._path, f"{digest}  {name}\n".encode(), os.O_APPEND)
        if is_new:
            sync_folder(self._path.parent)

    def remove(self, key: str) -> None:
        """Without the lines of that key: written beside, and put in its place whole."""
        if self.digest_of(key) is None:
            return
        beside, wanted = self._path.with_name(f"{HIDDEN}{MANIFEST}"), f"  {key}.".encode()
        write(beside, b"", os.O_TRUNC)
        with self._path.open("rb") as lines, beside.open("ab") as kept:
            kept.writelines(line for line in lines if wanted not in line)
            kept.flush()
            os.fsync(kept.fileno())
        beside.replace(self._path)
        sync_folder(self._path.parent)


def write(path: Path, body: bytes, how: int) -> None:
    """For its owner alone, and on disk before this returns."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | how, 0o600), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """What was made or renamed in it is on disk before this returns."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cut(path: Path) -> None:
    """Off goes a last line that a crash cut short; its file is found again by `check`."""
    if not path.exists():
        return
    size = path.stat().st_size
    with path.open("r+b") as file:
        start = max(0, size - _LONGEST_LINE)
        file.seek(start)
        whole = start + file.read().rfind(b"\n") + 1
        if whole < size:
            file.truncate(whole)
            os.fsync(file.fileno())


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap | bytes]:
    """Its bytes as the page cache has them; none where there is no file."""
    if not path.exists() or not path.stat().st_size:
        yield b""
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines:
        yield lines
