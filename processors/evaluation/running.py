"""Reports of a case through the real steps: the door, every rule, the index in memory, a referral per recipient."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from msgspec import Struct

from processors.answering import Answered, prior_of
from processors.evaluation.outcomes import refused, told
from processors.explaining import Decided, evidence_of
from processors.index.memory import MemoryIndex
from processors.index.port import PriorRecipient
from processors.referring import Desk
from processors.steps.deduplicate.near import Veil
from processors.steps.deduplicate.selectors import Keys
from processors.triage import Tools, TriageStages
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.triage import ReportTriaged
from schemas.topics import TRIAGED, submitted_topic
from tocsin.policy.bundle import Bundle
from tocsin.runtime.database import Database
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

_KEYS: Final = Keys(digest=(bytes(range(32)),), recipient=bytes(32))
_VEIL: Final = Veil(bytes(32))
"""Selectors of an evaluation meet nobody else's."""


class Submission(Struct, frozen=True, kw_only=True):
    """A report as it would be published, or why it would not be."""

    record: ReportSubmitted | Withdrawal | None
    code: str = ""
    removed: tuple[str, ...] = ()


Submit = Callable[[Mapping[str, Any], Bundle, int], Submission]
"""From the JSON of a case to what its submitter would publish at that instant."""


class Runner:
    """One case: its reports see each other, and nothing of any other case."""

    def __init__(self, bundle: Bundle, codec: RecordCodec, personal_schema_id: int) -> None:
        self._holders: dict[ReportId, dict[MemberId, PriorRecipient]] = {}
        self._codec = codec
        self._bundle = bundle
        self._names: dict[ReportId, str] = {}
        self._offset = 0
        desk = Desk(bundle=bundle, keys=_KEYS, personal_schema_id=personal_schema_id)
        index = MemoryIndex(lambda report: tuple(self._holders.get(report, {}).values()))
        self._stages = TriageStages(Tools(desk=desk, veil=_VEIL, codec=codec), index, cast(Database, None), {})

    def decided(self, written: Mapping[str, Any], submit: Submit, now_ms: int) -> Decided | str:
        """The decision on one report with its evidence, or the code of its refusal."""
        submission = submit(written, self._bundle, now_ms)
        if not isinstance(submission.record, ReportSubmitted):
            return submission.code or "report.withdrawal"
        answer = self._answer(submission.record, now_ms)
        if answer.dead_letter is not None:
            return answer.dead_letter.code
        self._note(answer)
        pointed = evidence_of(submission.record, self._bundle, now_ms)
        return Decided(triaged=self._triaged(answer), referrals=answer.referrals, evidence=pointed)

    def run(self, written: Mapping[str, Any], submit: Submit, now_ms: int) -> dict[str, Any]:
        """What triage says of one report that arrives at that instant."""
        submission = submit(written, self._bundle, now_ms)
        record = submission.record
        if record is None:
            return refused(submission.code, submission.removed)
        self._names[record.report_id] = f"{record.submitter}/{record.submitter_reference}"
        answer = self._answer(record, now_ms)
        if answer.dead_letter is not None:
            return refused(answer.dead_letter.code, submission.removed)
        self._note(answer)
        return told(self._triaged(answer), answer.referrals, self._names, submission.removed)

    def _answer(self, record: ReportSubmitted | Withdrawal, now_ms: int) -> Answered:
        value = self._codec.dumps(record)
        raw = RawRecord(
            offset=self._offset, timestamp_ms=now_ms, key=record.report_id.encode(), value=value, headers=()
        )
        piece = Slice(topic_id="case", topic=submitted_topic(record.submitter), partition=0, records=(raw,))
        self._offset += 1
        (answer,) = self._stages.finish(self._stages.claim(self._stages.decide(piece))).answers
        return answer

    def _note(self, answer: Answered) -> None:
        for made in answer.referrals:
            held = self._holders.setdefault(made.report_id, {})
            if made.withdrawn:
                held.pop(made.recipient, None)
            else:
                held[made.recipient] = prior_of(made)

    def _triaged(self, answer: Answered) -> ReportTriaged:
        written = next(record for record in answer.records if record.topic == TRIAGED)
        triaged = self._codec.loads(written.value, ReportTriaged)
        assert isinstance(triaged, ReportTriaged)  # noqa: S101 -- loads gives one of the types it was asked for
        return triaged
