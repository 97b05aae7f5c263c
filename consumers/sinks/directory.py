"""A folder: one file a referral, there completely or not at all, and a SHA-256 manifest that `sha256sum -c` reads."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from consumers.letters import Parcel
from consumers.sinks.port import Away, Presence
from tocsin.runtime.privacy import require_private

MANIFEST: Final = "manifest.sha256"
_HIDDEN: Final = ".writing-"


class DirectorySink:
    """Files are 0600 in a 0700 folder; a parcel sent again replaces itself."""

    honours_key = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _translated():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            require_private(folder)
            for left in folder.glob(f"{_HIDDEN}*"):
                left.unlink()
            self._manifest = _read_manifest(folder / MANIFEST)
            self._names = {name.split(".", 1)[0]: name for name in self._manifest}

    def send(self, parcel: Parcel) -> None:
        """Write beside, sync, rename, sync the folder, then add the line to the manifest."""
        name = f"{parcel.key}{parcel.document.suffix}"
        digest = hashlib.sha256(parcel.document.body).hexdigest()
        with _translated():
            _write_whole(self._folder / name, parcel.document.body)
            self._enter(name, digest)

    def check(self, key: str) -> Presence:
        """The manifest remembers what was handed over, also when the recipient has moved the file away."""
        if key in self._names:
            return Presence.PRESENT
        with _translated():
            name = next((path.name for path in self._folder.glob(f"{key}.*")), None)
            if name is None:
                return Presence.ABSENT
            self._enter(name, hashlib.sha256((self._folder / name).read_bytes()).hexdigest())
        return Presence.PRESENT

    def erase(self, key: str) -> bool:
        """Delete file and manifest line; False, however often, where the recipient has moved the file away."""
        with _translated():
            there = list(self._folder.glob(f"{key}.*"))
            for path in there:
                path.unlink()
            if there and (name := self._names.pop(key, None)) is not None:
                del self._manifest[name]
                _write_whole(self._folder / MANIFEST, "".join(_line(*one) for one in self._manifest.items()).encode())
            _sync_folder(self._folder)
        return bool(there) or key not in self._names

    def close(self) -> None:
        """Nothing is held open between parcels."""

    def _enter(self, name: str, digest: str) -> None:
        if self._manifest.get(name) == digest:
            return
        replaced = name in self._manifest
        self._manifest[name] = digest
        self._names[name.split(".", 1)[0]] = name
        path = self._folder / MANIFEST
        if replaced:
            _write_whole(path, "".join(_line(*entry) for entry in self._manifest.items()).encode())
        else:
            _append(path, _line(name, digest).encode())


def _line(name: str, digest: str) -> str:
    return f"{digest}  {name}\n"


def _read_manifest(path: Path) -> dict[str, str]:
    """The entries; a last line that a crash cut short is cut off, its file is found again by `check`."""
    if not path.exists():
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        _write_whole(path, whole)
    return {name: digest for digest, name in (line.split("  ", 1) for line in whole.decode().splitlines())}


def _write_whole(path: Path, body: bytes) -> None:
    beside = path.with_name(f"{_HIDDEN}{path.name}")
    _write(beside, body, os.O_TRUNC)
    beside.replace(path)
    _sync_folder(path.parent)


def _append(path: Path, line: bytes) -> None:
    is_new = not path.exists()
    _write(path, line, os.O_APPEND)
    if is_new:
        _sync_folder(path.parent)


def _write(path: Path, body: bytes, how: int) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | how, 0o600), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
