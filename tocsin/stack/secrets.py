"""Passwords of one home: made on first use, each in a file that only its owner reads."""

import secrets
from pathlib import Path
from typing import Final

from tocsin.stack.files import write_whole

_BYTES: Final = 24


def password(home: Path, name: str) -> Path:
    """The 0600 file that holds the password of this name."""
    folder = home / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{name}.password"
    if not file.exists():
        write_whole(file, secrets.token_urlsafe(_BYTES).encode())
    return file
