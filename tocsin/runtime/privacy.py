"""Local files that hold reports or secrets: for their owner alone, or refused."""

import errno
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
