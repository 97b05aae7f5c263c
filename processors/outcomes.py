"""What a slice came to, told once it is settled: as counts, and as one line of the log for each report or answer."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence

from processors.answering import Answered
from processors.counting import count_slice
from processors.telling import Read
from tocsin.runtime import metrics
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.logs import Facts, tell_outcomes
from tocsin.runtime.transport.slices import RawRecord, Slice

_LOG = logging.getLogger(__name__)


def tell_slice(stage: str, piece: Slice, answers: Sequence[Answered]) -> None:
    """Count the answers to a slice, and write their lines."""
    count_slice(stage, piece.topic, answers)
    tell_outcomes(_LOG, stage, _lines(piece, answers))


def tell_answers(stage: str, piece: Slice, read: Sequence[Read]) -> None:
    """Count what became of a slice of returns, and write a line for each record."""
    for outcome, count in Counter(entry.outcome() for entry in read).items():
        metrics.record_left(stage, outcome.name.lower(), count)
    tell_outcomes(_LOG, stage, (_answer_line(piece, entry) for entry in read))


def _answer_line(piece: Slice, entry: Read) -> Facts:
    """What is refused names whatever its member wrote: of that, its coordinate and the code of why."""
    line = _placed(piece, entry.raw, entry.outcome())
    if entry.rejected is not None:
        return line | {"code": entry.rejected.code}
    if (answer := entry.accepted()) is None:
        return line | {"said": "looked"}
    return line | {"said": answer.kind.lower(), "report_id": answer.report_id, "revision": answer.revision}


def _placed(piece: Slice, raw: RawRecord, outcome: Outcome) -> dict[str, object]:
    place = {"topic": piece.topic, "partition": piece.partition, "offset": raw.offset}
    return {"outcome": outcome.name.lower(), **place}


def _lines(piece: Slice, answers: Sequence[Answered]) -> Iterator[Facts]:
    for raw, answer in zip(piece.records, answers, strict=True):
        yield _line(piece, raw, answer)


def _line(piece: Slice, raw: RawRecord, answer: Answered) -> Facts:
    """Ids, codes and counts; of what could not be read, its coordinate and the code of why."""
    line = {**_placed(piece, raw, answer.outcome), "referrals": len(answer.referrals)}
    if (report := answer.record) is not None:
        line |= {"report_id": report.report_id, "revision": report.revision}
    if (letter := answer.dead_letter) is not None:
        line["code"] = letter.code
    return line
