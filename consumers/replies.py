"""The replies folder: whatever is dropped there is checked, written into the store and moved away, or comes back."""

import csv
import io
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from consumers.answers import (
    COLUMNS,
    EVENTS,
    KINDS,
    MAX_FILE_BYTES,
    MAX_LINES,
    PROBLEM,
    Answer,
    Line,
    Problem,
    Referred,
    as_return,
    parse,
    read_csv,
    read_json_lines,
)
from consumers.formats.referral_csv import neutralised
from consumers.states import after, allows
from consumers.store import deliveries
from consumers.store.engine import DeliveryStore
from consumers.store.outbox import owe
from schemas.records.identifiers import MemberId
from schemas.topics import LONGEST_MS
from tocsin.runtime.logs import Facts, tell_outcomes
from tocsin.runtime.metrics import record_left, timed
from tocsin.runtime.privacy import private_folder, write_private

_READERS: dict[str, Callable[[bytes], list[Line] | Problem]] = {".csv": read_csv, ".jsonl": read_json_lines}
_SETTLED_MS = 2_000
"""A file that changed more recently may still be on its way into the folder."""
_MAX_FILES = 100
_STAGE = "answers"
_LOG = logging.getLogger(__name__)


class Sorted(Struct, frozen=True, kw_only=True):
    """One file of answers: the good ones, the lines that came back, and why."""

    answers: tuple[Answer, ...] = ()
    rejected: tuple[Line, ...] = ()
    problems: tuple[Problem, ...] = ()


def sort_file(suffix: str, content: bytes, is_known: Callable[[str], bool]) -> Sorted:
    """Check every line; good lines go through, whatever stands around them."""
    lines = _lines(suffix, content)
    if isinstance(lines, Problem):
        return Sorted(problems=(lines,))
    answers, rejected, problems = [], [], []
    for line in lines:
        found = parse(line)
        if isinstance(found, Answer) and is_known(found.referral_id):
            answers.append(found)
            continue
        rejected.append(line)
        unknown = [Problem(line=line.number, field="referral_id", code="answer.unknown_referral")]
        problems += unknown if isinstance(found, Answer) else found
    return Sorted(answers=tuple(answers), rejected=tuple(rejected), problems=tuple(problems))


def drop(folder: Path, answers: Sequence[Answer]) -> Path:
    """Put answers into the folder, there completely or not at all; `tocsin deliver` takes them from there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{uuid4()}.jsonl"
    hidden = path.with_name(f".{path.name}")
    hidden.touch(mode=0o600)
    hidden.write_bytes(b"".join(msgspec.json.encode(answer) + b"\n" for answer in answers))
    return hidden.rename(path)


def rejects_csv(rejected: Sequence[Line], problems: Sequence[Problem]) -> bytes:
    """The lines that came back, with their reasons in a last column that is ignored when they are sent again."""
    reasons: dict[int, list[str]] = {}
    for problem in problems:
        reasons.setdefault(problem.line, []).append(f"{problem.field}: {problem.code}")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow((*COLUMNS, PROBLEM))
    for line in rejected:
        cells = [line.cells.get(name, "") for name in COLUMNS]
        writer.writerow([neutralised(cell) for cell in (*cells, "; ".join(reasons.get(line.number, [])))])
    return text.getvalue().encode("utf-8-sig", "replace")


class Replies:
    """One member's folder; files that were taken lie in `done/`, rejected lines in `rejected/`."""

    def __init__(self, store: DeliveryStore, folder: Path, member: MemberId, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._folder = folder
        self._member = member
        self._now_ms = now_ms
        for needed in (folder, folder / "done", folder / "rejected"):
            private_folder(needed)

    def turn(self) -> int:
        """Take every file that has come to rest; tells how many answers counted."""
        waiting = sorted(path for path in self._folder.iterdir() if path.suffix in _READERS and self._rests(path))
        return sum(self._take(path) for path in waiting[:_MAX_FILES])

    def let_go(self) -> int:
        """Delete what was taken or came back and has lain as long as a topic keeps; tells how many files."""
        oldest_ms = self._now_ms() - LONGEST_MS
        old = [
            path
            for part in ("done", "rejected")
            for path in (self._folder / part).iterdir()
            if path.stat().st_mtime_ns // 1_000_000 < oldest_ms
        ]
        for path in old:
            path.unlink()
        return len(old)

    def _rests(self, path: Path) -> bool:
        """Our own files appear whole; others may still be growing."""
        if path.name.startswith("."):
            return False
        return path.suffix == ".jsonl" or self._now_ms() - path.stat().st_mtime_ns // 1_000_000 >= _SETTLED_MS

    @timed(_STAGE)
    def _take(self, path: Path) -> int:
        """Write the answers, then move the file: a crash in between takes it again, which changes nothing."""
        with self._store.begin() as connection:
            found = sort_file(path.suffix, _content(path), lambda key: _is_known(connection, key))
            written = [line for answer in found.answers if (line := self._write(connection, answer))]
        tell_outcomes(_LOG, _STAGE, written)
        if found.problems:
            rejects = self._folder / "rejected" / f"{path.stem}.csv"
            write_private(rejects, rejects_csv(found.rejected, found.problems))
            facts = {"file": path.name, "rejected": len(found.rejected), "problem": str(found.problems[0])}
            _LOG.warning("Some answers were not understood.", extra={"facts": facts})
        path.rename(self._folder / "done" / path.name)
        return len(found.answers)

    def _write(self, connection: Connection, answer: Answer) -> Facts:
        """What the log says of it: the report, and which kind of answer; nothing where there is no such referral."""
        delivery = deliveries.find_referral(connection, answer.referral_id)
        if delivery is None:
            return {}
        now_ms = self._now_ms()
        about = Referred(report_id=delivery.report_id, revision=delivery.revision, mark=delivery.mark)
        owe(connection, [as_return(answer, self._member, about, now_ms)], now_ms)
        event = EVENTS.get(KINDS[answer.answer])
        if event and allows(delivery.state, event):
            deliveries.settle(connection, delivery, after(delivery.state, event), now_ms)
        if event:
            deliveries.stand_down(connection, delivery.report_id, delivery.revision)
        if answer.case_number:
            deliveries.change(connection, delivery.key, case_number=answer.case_number)
        record_left(_STAGE, answer.answer)
        return {"outcome": answer.answer, "report_id": delivery.report_id, "revision": delivery.revision}


def _is_known(connection: Connection, referral_id: str) -> bool:
    return deliveries.find_referral(connection, referral_id) is not None


def _lines(suffix: str, content: bytes) -> list[Line] | Problem:
    if len(content) > MAX_FILE_BYTES:
        return Problem(line=1, field="file", code="answer.file_too_large", facts={"limit": str(MAX_FILE_BYTES)})
    lines = _READERS[suffix](content)
    if not isinstance(lines, Problem) and len(lines) > MAX_LINES:
        return Problem(line=MAX_LINES, field="file", code="answer.file_too_long", facts={"limit": str(MAX_LINES)})
    return lines


def _content(path: Path) -> bytes:
    """No more of a file than its bound and one byte, which tells that there is more."""
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)
