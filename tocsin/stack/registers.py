"""Registers that only grow, beside the database and out of reach of its backups: one JSON object a line, private."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from schemas.catalogue import message
from schemas.failures import Broken

T = TypeVar("T", bound=msgspec.Struct)


def lines_of(path: Path, kind: type[T], code: str) -> Sequence[T]:
    """Every entry in its order; raises Broken with this code, which names the line, where one cannot be read."""
    return list(_read(path.read_bytes().splitlines(), kind, code)) if path.exists() else []


def append(path: Path, content: bytes) -> None:
    """On disk before it returns."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def append_line(path: Path, entry: msgspec.Struct) -> None:
    """One entry more, on disk before it returns."""
    append(path, msgspec.json.encode(entry) + b"\n")


def _read(lines: Sequence[bytes], kind: type[T], code: str) -> Iterator[T]:
    for number, line in enumerate(lines, 1):
        try:
            yield msgspec.json.decode(line, type=kind)
        except msgspec.MsgspecError as error:
            raise Broken(message(code, line=number), code=code) from error
