"""The register of restrictions: a file outside the database, so that no older backup lifts one (ADR 0057)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from schemas.records.identifiers import ReportId
from tocsin.runtime.privacy import require_private
from tocsin.stack.registers import append_line, lines_of

FOLDER: Final = "restrictions"
REGISTER: Final = "register.jsonl"
_UNUSABLE: Final = "subject.register_unusable"


class Entry(Struct, frozen=True, kw_only=True):
    """A report is only kept from now on, or no longer: who said so, when and why."""

    report_id: ReportId
    number: int
    """Of the request in the ledger; a number is never used again, for triage carries each out once."""
    by: str
    reason: str
    at_ms: int
    is_lifted: bool = False


class Restrictions:
    """Entries are added, and never changed: of each report the last one counts."""

    def __init__(self, state: Path) -> None:
        folder = state / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / REGISTER
        for private in (folder, self._path):
            require_private(private)
        entries = lines_of(self._path, Entry, _UNUSABLE)
        self.highest = max((entry.number for entry in entries), default=0)
        """The last number that a restriction had."""
        self._last = {entry.report_id: entry for entry in entries}

    def add(self, entry: Entry) -> None:
        """On disk before it returns; what was said before is not written again."""
        last = self._last.get(entry.report_id)
        if last is None or (last.number, last.is_lifted) != (entry.number, entry.is_lifted):
            append_line(self._path, entry)
            self._last[entry.report_id] = entry
            self.highest = max(self.highest, entry.number)

    def in_force(self) -> Mapping[ReportId, Entry]:
        """Each report that is only kept."""
        return {report: entry for report, entry in self._last.items() if not entry.is_lifted}

    def differing(self, restricted: Mapping[ReportId, int]) -> Sequence[Entry]:
        """The last word on each report of which the database, by the numbers of what is only kept, says something else.

        A restriction that is newer than the lift was interrupted on its way here: nothing ends it but a person.
        """
        return [
            entry
            for report, entry in self._last.items()
            if (report in restricted) is entry.is_lifted and restricted.get(report, 0) <= entry.number
        ]


def is_kept(state: Path) -> bool:
    """Whether anything was ever restricted here; looking makes no register."""
    return (state / FOLDER / REGISTER).exists()
