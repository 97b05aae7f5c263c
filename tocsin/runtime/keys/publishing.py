"""The directory as a file: its keeper signs and replaces it whole; everybody else reads and verifies it."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.failures import Broken, Unreadable
from tocsin.runtime.keys.directory import KEEPER, Directory
from tocsin.runtime.keys.files import KeyFolder, Use, new_key
from tocsin.runtime.keys.notes import NoteKey, open_note, sign_note
from tocsin.runtime.settings import TrustSettings


class DirectoryFile:
    """A reader's view: read again when the file changes, verified each time, and never older than before."""

    def __init__(self, file: Path, keeper: NoteKey) -> None:
        self._file = file
        self._keeper = keeper
        self._stamp: tuple[int, int, int] | None = None
        self._directory = Directory()

    def current(self) -> Directory:
        """The directory now; raises Broken where it is missing, not the keeper's, or older than one read before."""
        stamp = self._stamped()
        if stamp != self._stamp:
            directory = _opened(self._file, self._keeper)
            if directory.number < self._directory.number:
                raise Broken(
                    f"The key directory went back from number {self._directory.number} to {directory.number}: "
                    "revocations may be missing. Restore the newer one.",
                    code="keys.directory_older",
                )
            self._directory, self._stamp = directory, stamp
        return self._directory

    def _stamped(self) -> tuple[int, int, int]:
        try:
            found = self._file.stat()
        except FileNotFoundError as error:
            raise Broken(
                f"The key directory {self._file.name} is missing. Get it from the operator, or run: tocsin up",
                code="keys.no_directory",
            ) from error
        return found.st_ino, found.st_mtime_ns, found.st_size


def directory_of(trust: TrustSettings | None) -> Callable[[], Directory] | None:
    """How a process asks for the directory; None where its settings name none."""
    return DirectoryFile(trust.directory, NoteKey.parse(trust.keeper)).current if trust else None


class Keeper:
    """Who may change the directory: one folder with its private key and the file."""

    def __init__(self, folder: Path) -> None:
        self._keys = KeyFolder(folder)
        self.folder = folder
        self.file = folder / "directory.note"

    @property
    def key(self) -> NoteKey:
        """What readers verify with."""
        return NoteKey(name=KEEPER, public=self._signing().public_key().public_bytes_raw())

    def create(self) -> None:
        """Make the keeper's key and an empty directory where there are none."""
        if not self._keys.names(Use.SIGN):
            self._keys.add(Use.SIGN, new_key(Use.SIGN))
        if not self.file.exists():
            self._write(Directory())

    def directory(self) -> Directory:
        """The directory as it stands."""
        return _opened(self.file, self.key)

    def change(self, work: Callable[[Directory], Directory]) -> Directory:
        """Change it under a lock, sign it, and replace the file whole."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self.directory()
            changed = work(before)
            if changed != before:
                self._write(changed)
        return changed

    def _write(self, directory: Directory) -> None:
        draft = self.folder / f".directory.{os.getpid()}"
        draft.write_text(sign_note(directory.text(), KEEPER, self._signing()), encoding="utf-8")
        draft.chmod(0o644)  # public keys, and signed: others read it
        draft.replace(self.file)

    def _signing(self) -> Ed25519PrivateKey:
        (name,) = self._keys.names(Use.SIGN)
        return self._keys.signing(name)


def _opened(file: Path, keeper: NoteKey) -> Directory:
    try:
        return Directory.parse(open_note(file.read_text("utf-8"), (keeper,)).text)
    except (OSError, UnicodeDecodeError, Unreadable) as error:
        raise Broken(f"The key directory cannot be trusted: {error}", code="keys.directory_unproven") from error
