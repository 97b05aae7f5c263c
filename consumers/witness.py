"""A member as a witness of the audit log: it keeps the newest checkpoint, and holds each next one against it."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from consumers.reading import Reader
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId
from schemas.topics import status_topic
from tocsin.runtime.audit.checkpoints import Checkpoint, opened
from tocsin.runtime.audit.handed import Handed, Shown, shown
from tocsin.runtime.keys.notes import NoteKey
from tocsin.runtime.privacy import private_folder, require_private, write_private
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings

DAY_MS: Final = 86_400_000
_NEWEST: Final = "newest.note"


class Step(Struct, frozen=True, kw_only=True):
    """One checkpoint that came, and what it shows beside the one that was kept until then."""

    found: Checkpoint
    note: str
    what: Shown
    kept: Checkpoint | None = None


class Kept:
    """A folder for its owner alone: the newest checkpoint, and each that could not be held against it."""

    def __init__(self, folder: Path, keys: Iterable[NoteKey]) -> None:
        self._folder = private_folder(folder)
        self._keys = tuple(keys)

    @property
    def newest(self) -> Path:
        """The signed note."""
        return self._folder / _NEWEST

    def checkpoint(self) -> Checkpoint | None:
        """What was kept last; raises Unreadable where it is not one that was signed."""
        if not self.newest.exists():
            return None
        require_private(self.newest)
        return opened(self.newest.read_text("utf-8"), self._keys)

    def take(self, text: str) -> Step:
        """Hold the next one against it, and keep what it shows; raises Unreadable where nobody trusted signed it."""
        handed = Handed.parse(text)
        kept, found = self.checkpoint(), opened(handed.note, self._keys)
        step = Step(found=found, note=handed.note, what=shown(kept, found, handed.old, handed.proof), kept=kept)
        self._keep(step)
        return step

    def _keep(self, step: Step) -> None:
        """What contradicts the log is kept beside: both notes together prove it to anybody."""
        if step.what in _BESIDE and step.kept:
            write_private(self._folder / f"{step.what}-{step.kept.size}-{step.found.size}.note", step.note.encode())
        if step.what in _APART and step.kept:
            self.newest.replace(self._folder / f"before-{step.kept.size}.note")
        if step.what in _NEWER:
            write_private(self.newest, step.note.encode())


def handed_since(process: Settings, since_ms: int | None) -> Iterator[str]:
    """What the exchange handed to this member until now, in order. May raise Temporary."""
    member = MemberId(process.principal)
    codec = RecordCodec(SchemaDirectory(process.registry))
    reader = Reader(process.kafka.client(), member, (status_topic(member),), codec, Status)
    try:
        for status in reader.read(since_ms, time.time_ns() // 1_000_000):
            if status.kind is StatusKind.CHECKPOINT:
                yield status.checkpoint
    finally:
        reader.close()


_BESIDE: Final = frozenset({Shown.REWRITTEN})
_APART: Final = frozenset({Shown.APART, Shown.RESTORED})
_NEWER: Final = frozenset({Shown.FIRST, Shown.GROWN, *_APART})
