"""Local files that hold reports or secrets: for their owner alone, or refused."""

import errno
import os
import secrets
from pathlib import Path
from typing import Final

from schemas.catalogue import message
from schemas.failures import Broken

_OTHERS: Final = 0o077


def require_private(path: Path) -> None:
    """Raise Broken where others than the owner have any right on this file or folder; an absent one is nobody's."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            return
        raise Broken(
            message("file.unusable", name=path.name, reason=error.strerror or ""), code="file.unusable"
        ) from error
    if mode & _OTHERS:
        wanted = "700" if path.is_dir() else "600"
        raise Broken(message("file.too_open", name=path.name, mode=wanted), code="file.too_open")


def require_private_files(folder: Path) -> None:
    """The same of each file that lies in the folder, which may be a million; raises OSError where it cannot be read."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                require_private(Path(entry.path))


def private_folder(path: Path) -> Path:
    """Make a folder for its owner alone where there is none; raises Broken where others have rights on it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_private(path)
    return path


def write_private(path: Path, content: bytes) -> None:
    """Put a file there, whole and for its owner alone; a link that lies there is replaced and never followed."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
