"""A folder: one file a referral, there completely or not at all, and a SHA-256 manifest that `sha256sum -c` reads."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consumers.letters import Parcel
from consumers.sinks.manifest import HIDDEN, Manifest, sync_folder, write
from consumers.sinks.port import Away, Presence
from tocsin.runtime.privacy import require_private, require_private_files


class DirectorySink:
    """Files are 0600 in a 0700 folder, and one that others can read is refused; a parcel sent again replaces itself."""

    honours_key = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _translated():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            require_private(folder)
            for left in folder.glob(f"{HIDDEN}*"):
                left.unlink()
            require_private_files(folder)
            self._manifest = Manifest(folder)

    def send(self, parcel: Parcel) -> None:
        """Write beside, sync, rename, sync the folder, then add the line to the manifest."""
        name = f"{parcel.key}{parcel.document.suffix}"
        with _translated():
            is_again = (self._folder / name).exists()
            _write_whole(self._folder / name, parcel.document.body)
            self._enter(name, hashlib.sha256(parcel.document.body).hexdigest(), is_again=is_again)

    def check(self, key: str) -> Presence:
        """The manifest remembers what was handed over, also when the recipient has moved the file away."""
        with _translated():
            if self._manifest.digest_of(key) is not None:
                return Presence.PRESENT
            name = next((path.name for path in self._folder.glob(f"{key}.*")), None)
            if name is None:
                return Presence.ABSENT
            self._manifest.add(name, hashlib.sha256((self._folder / name).read_bytes()).hexdigest())
        return Presence.PRESENT

    def erase(self, key: str) -> bool:
        """Delete file and manifest line; False, however often, where the recipient has moved the file away."""
        with _translated():
            there = list(self._folder.glob(f"{key}.*"))
            for path in there:
                path.unlink()
            sync_folder(self._folder)
            if there:
                self._manifest.remove(key)
            return bool(there) or self._manifest.digest_of(key) is None

    def close(self) -> None:
        """Nothing is held open between parcels."""

    def _enter(self, name: str, digest: str, *, is_again: bool) -> None:
        """A file that was there before may have its line already, or another one."""
        key = name.split(".", 1)[0]
        before = self._manifest.digest_of(key) if is_again else None
        if before == digest:
            return
        if before is not None:
            self._manifest.remove(key)
        self._manifest.add(name, digest)


def _write_whole(path: Path, body: bytes) -> None:
    beside = path.with_name(f"{HIDDEN}{path.name}")
    write(beside, body, os.O_TRUNC)
    beside.replace(path)
    sync_folder(path.parent)


@contextmanager
def _translated() -> Iterator[None]:
    """A full or foreign disk is mended by a person: nothing arrived, and everything waits."""
    try:
        yield
    except OSError as error:
        raise Away(
            f"The folder of this sink cannot be used ({error.strerror}). Make room, or correct its rights or path.",
            code="sink.folder",
        ) from error
