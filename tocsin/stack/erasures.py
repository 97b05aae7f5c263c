"""The register of erasures: a file outside the database, so that no older backup takes it back (ADR 0028)."""

import hmac
import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct

from schemas.records.identifiers import ReportId
from tocsin.runtime.privacy import require_private
from tocsin.stack.registers import append, append_line, lines_of

FOLDER: Final = "erasures"
REGISTER: Final = "register.jsonl"
KEY: Final = "register.key"
_UNUSABLE: Final = "erase.register_unusable"
_KEY_BYTES: Final = 32


class Entry(Struct, frozen=True, kw_only=True):
    """One erasure: which report, as a keyed digest, and when. It names nobody, and without the key no report."""

    name: str
    at_ms: int


def is_kept(state: Path) -> bool:
    """Whether anything was ever erased here; looking makes no register."""
    return (state / FOLDER / REGISTER).exists()


class Register:
    """Lines are added, and never changed."""

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for private in (self._folder, self._folder / REGISTER, self._folder / KEY):
            require_private(private)
        self._key = _key(self._folder / KEY)
        self._names = frozenset(entry.name for entry in lines_of(self._folder / REGISTER, Entry, _UNUSABLE))

    def add(self, report: ReportId, at_ms: int) -> None:
        """On disk before it returns; a report that is in it already is not written again."""
        name = self._name(report)
        if name not in self._names:
            append_line(self._folder / REGISTER, Entry(name=name, at_ms=at_ms))
            self._names |= {name}

    def among(self, reports: Iterable[ReportId]) -> list[ReportId]:
        """Those of them that were erased."""
        return [report for report in reports if self._name(report) in self._names]

    def __len__(self) -> int:
        return len(self._names)

    def _name(self, report: ReportId) -> str:
        return hmac.digest(self._key, report.encode(), sha256).hex()


def _key(path: Path) -> bytes:
    if not path.exists():
        append(path, os.urandom(_KEY_BYTES).hex().encode())
    return bytes.fromhex(path.read_text("ascii"))
