"""The client façade for submitters: publish reports from Python with the guarantees of the command line."""

import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from producers.draft import ReportDraft
from producers.feeds.entries import Problem, Rejection
from producers.feeds.jsonl.reader import entry_of
from producers.intake import Mode, Taken
from producers.service import Publishing
from producers.withdrawal import Plea
from schemas.failures import Refused
from schemas.records.identifiers import ReportId
from tocsin.runtime import settings

_WAIT_SECONDS = 30.0


class Publisher:
    """What is taken is on disk before the call returns; sending it again is harmless, and a broker may be away.

    >>> with Publisher(".tocsin/config/plat-a.toml") as publisher:
    ...     publisher.publish(ReportDraft(submitter_reference="CASE-1", incident_types=("grooming",)))
    """

    def __init__(self, settings_file: str | Path, *, wait_seconds: float = _WAIT_SECONDS) -> None:
        self._publishing = Publishing(settings.load(Path(settings_file)), lambda: int(time.time() * 1000))
        self._wait_seconds = wait_seconds

    def publish(self, draft: ReportDraft) -> ReportId:
        """Take one report; raises Refused with every problem. The same report again is taken once."""
        return self._one(draft, Mode.PUBLISH)

    def correct(self, draft: ReportDraft) -> ReportId:
        """Take a new revision of a report that was published under the same reference."""
        return self._one(draft, Mode.CORRECT)

    def publish_all(self, drafts: Iterable[ReportDraft]) -> tuple[tuple[Taken, ...], tuple[Problem, ...]]:
        """Take many in few transactions: what was taken, and what is wrong with the others, by position from 1."""
        context = self._publishing.context()
        entries = (entry_of(draft, number, context) for number, draft in enumerate(drafts, start=1))
        answers = list(self._publishing.take(entries))
        taken = tuple(answer for answer in answers if isinstance(answer, Taken))
        refused = (answer for answer in answers if isinstance(answer, Rejection))
        return taken, tuple(problem for one in refused for problem in one.problems)

    def withdraw(self, reference: str, reason_code: str, text: str = "") -> ReportId:
        """Take a report back; the reason is a code of vocabularies/withdrawal_reason."""
        return self._publishing.withdraw(Plea(reference=reference, reason_code=reason_code, text=text)).report_id

    def flush(self) -> int:
        """Send all that waits; tells how many. Raises Temporary where the broker is away; nothing is lost then."""
        return self._publishing.send(self._wait_seconds)

    def close(self) -> None:
        """Send what waits, and let the next process publish."""
        try:
            self.flush()
        finally:
            self._publishing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if failed:
            self._publishing.close()
        else:
            self.close()

    def _one(self, draft: ReportDraft, mode: Mode) -> ReportId:
        (answer,) = self._publishing.take([entry_of(draft, 1, self._publishing.context())], mode)
        if isinstance(answer, Rejection):
            first = answer.problems[0]
            raise Refused("; ".join(map(str, answer.problems)), code=first.code)
        return answer.report_id
