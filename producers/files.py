"""A file of reports: its format from its content, read as often as needed; the standard input is kept for that."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO, Final

from producers.feeds.entries import Context, Entry
from producers.feeds.table import HEAD_BYTES, Feed, feed_of
from schemas.catalogue import message
from schemas.failures import Refused

STANDARD_INPUT: Final = "-"
_IN_MEMORY_BYTES: Final = 8_388_608


class Opened:
    """One file with its feed."""

    def __init__(self, name: str, stream: BinaryIO, format_name: str) -> None:
        self.name = name
        self._stream = stream
        self.feed: Feed = feed_of(self._head(), format_name)

    def entries(self, context: Context) -> Iterator[Entry]:
        """Every entry, from the start."""
        self._stream.seek(0)
        return self.feed.read(self._stream, context)

    def size_bytes(self) -> int:
        """How long it is."""
        return self._stream.seek(0, 2)

    def position_bytes(self) -> int:
        """How much of it was read."""
        return self._stream.tell()

    def _head(self) -> bytes:
        self._stream.seek(0)
        return self._stream.read(HEAD_BYTES)


@contextmanager
def opened(name: str, format_name: str = "") -> Iterator[Opened]:
    """A file by its path, or the standard input; raises Refused where it cannot be read or is in no known format."""
    with _stream(name) as stream:
        yield Opened(name, stream, format_name)


def rejects_path(name: str, format_name: str) -> Path:
    """Where the refused rows go: beside the file, or into the working folder for the standard input."""
    path = Path("stdin" if name == STANDARD_INPUT else name)
    return path.with_name(f"{path.name}.rejected.{_ENDINGS[format_name]}")


def delete_rejects(folder: Path, before_seconds: float) -> int:
    """Delete the files of refused rows that lie in a folder and are older; tells how many."""
    old = [path for path in _rejects_in(folder) if path.stat().st_mtime < before_seconds]
    for path in old:
        path.unlink()
    return len(old)


def _rejects_in(folder: Path) -> Iterator[Path]:
    for ending in _ENDINGS.values():
        yield from (path for path in folder.glob(f"*.rejected.{ending}") if path.is_file() and not path.is_symlink())


_ENDINGS: Final = {"csv": "csv", "jsonl": "jsonl", "xarf": "xarf.jsonl"}


@contextmanager
def _stream(name: str) -> Iterator[BinaryIO]:
    with ExitStack() as closing:
        if name == STANDARD_INPUT:
            kept = closing.enter_context(tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))
            copyfileobj(sys.stdin.buffer, kept)
            yield kept  # type: ignore[misc]  # it has all that BinaryIO asks for
            return
        try:
            stream = closing.enter_context(Path(name).open("rb"))
        except OSError as error:
            raise Refused(message("file.unreadable", reason=error.strerror), code="file.unreadable") from error
        yield stream
