"""The intake: entries become records with a revision, written into the journal before anything is sent."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from producers.building import Checked, Submitter, checked, report_of
from producers.feeds.entries import Entry, Problem, Rejection, rejection
from producers.journal import entries
from producers.journal.entries import Latest
from producers.journal.store import Journal
from producers.lanes import Lane, topic_of
from schemas.records.identifiers import ReportId, report_id_of
from schemas.records.report import ReportSubmitted
from schemas.records.values import Mark
from tocsin.runtime.envelope import Envelope
from tocsin.runtime.keys.sealing import Unsealable

BATCH: Final = 500
T = TypeVar("T")


class Mode(StrEnum):
    """What a file is for."""

    PUBLISH = "publish"
    CORRECT = "correct"


class Taken(Struct, frozen=True, kw_only=True):
    """A report that is in the journal, and now or before was."""

    line: int
    reference: str
    report_id: ReportId
    revision: int
    lane: Lane
    is_new: bool
    notices: tuple[Problem, ...] = ()


class Intake:
    """Takes entries batch by batch, so that a crash loses none that it named as taken."""

    def __init__(self, journal: Journal, submitter: Submitter, envelope: Envelope, now_ms: Callable[[], int]) -> None:
        self._journal = journal
        self._submitter = submitter
        self._envelope = envelope
        self._now_ms = now_ms

    def take(
        self, found: Iterable[Entry], mode: Mode = Mode.PUBLISH, *, mark: Mark | None = None
    ) -> Iterator[Taken | Rejection]:
        """One answer an entry, in order; what is Taken is on disk before it is told."""
        for batch in _batches(found):
            yield from self._take_batch([(entry, checked(entry, mark=mark)) for entry in batch], mode)

    def _take_batch(self, batch: Sequence[tuple[Entry, Checked | Rejection]], mode: Mode) -> list[Taken | Rejection]:
        references = [one.draft.submitter_reference for _, one in batch if isinstance(one, Checked)]
        with self._journal.begin() as connection:
            known = dict(entries.latest(connection, references))
            answers = [self._answer(entry, one, known, mode) for entry, one in batch]
            entries.intend(connection, (stored for _, stored in answers if stored is not None))
        return [answer for answer, _ in answers]

    def _answer(
        self, entry: Entry, one: Checked | Rejection, known: dict[str, Latest], mode: Mode
    ) -> tuple[Taken | Rejection, entries.Entry | None]:
        if isinstance(one, Rejection):
            return one, None
        reference = one.draft.submitter_reference
        numbered = revision_of(one, known.get(reference), mode)
        if isinstance(numbered, str):
            return self._refused(entry, numbered, known.get(reference)), None
        is_new = numbered.is_new
        try:
            stored = self._stored(one, numbered.revision) if is_new else None
        except Unsealable as failure:
            return rejection(entry.line, "personal", code=failure.code, rows=entry.rows), None
        if stored:
            known[reference] = Latest(
                revision=stored.revision, kind=stored.kind, digest=one.digest, mark=stored.mark, topic=stored.topic
            )
        return self._taken(one, numbered.revision, is_new=is_new), stored

    def _refused(self, entry: Entry, code: str, known: Latest | None) -> Rejection:
        facts = {"last": known.revision if known else 0}
        return rejection(entry.line, "submitter_reference", code=code, rows=entry.rows, **facts)

    def _taken(self, one: Checked, revision: int, *, is_new: bool) -> Taken:
        reference = one.draft.submitter_reference
        return Taken(
            line=one.line,
            reference=reference,
            report_id=report_id_of(self._submitter.member, reference),
            revision=revision,
            lane=one.lane,
            is_new=is_new,
            notices=one.notices,
        )

    def _stored(self, one: Checked, revision: int) -> entries.Entry:
        now_ms = self._now_ms()
        draft = msgspec.structs.replace(one.draft, revision=revision)
        report = report_of(draft, self._submitter, now_ms)
        wrapped, until = self._envelope.wrap(report, event_id(report), now_ms), report.governance.retain_until
        return entries.Entry(
            reference=report.submitter_reference,
            revision=revision,
            report_id=report.report_id,
            kind=entries.REPORT,
            mark=report.mark,
            digest=one.digest,
            topic=topic_of(one.lane, self._submitter.member),
            value=wrapped.value,
            headers=wrapped.headers,
            intended_ms=now_ms,
            retain_ms=until.epoch_ms if until else None,
        )


class Numbered(Struct, frozen=True, kw_only=True):
    """The revision that a report gets; one that is not new was published before, and that is harmless."""

    revision: int
    is_new: bool = True


def revision_of(one: Checked, known: Latest | None, mode: Mode) -> Numbered | str:
    """The revision, or the code of the reason why there is none."""
    return _RULES[mode](one, known)


def _first(one: Checked, known: Latest | None) -> Numbered | str:
    stated = one.draft.revision
    if known is None:
        return Numbered(revision=stated)
    if known.digest == one.digest and known.kind == entries.REPORT:
        return Numbered(revision=known.revision, is_new=False)
    return Numbered(revision=stated) if stated > known.revision else "report.reference_in_use"


def _next(one: Checked, known: Latest | None) -> Numbered | str:
    if known is None:
        return "report.reference_unknown"
    stated = one.draft.revision
    if known.digest == one.digest and known.kind == entries.REPORT:
        return "report.not_changed"
    if 1 < stated <= known.revision:
        return "report.revision_not_newer"
    return Numbered(revision=max(stated, known.revision + 1))


_RULES: Final[Mapping[Mode, Callable[[Checked, Latest | None], Numbered | str]]] = {
    Mode.PUBLISH: _first,
    Mode.CORRECT: _next,
}


def event_id(report: ReportSubmitted) -> str:
    """The CloudEvents id: the same record sent twice is the same event."""
    return f"{report.report_id}/{report.revision}"


def _batches(source: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(source)
    while batch := list(islice(iterator, BATCH)):
        yield batch
