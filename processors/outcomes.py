"""What a slice of reports came to, told once it is settled: as counts, and as one line of the log for each report."""

import logging
from collections.abc import Iterator, Sequence

from processors.answering import Answered
from processors.counting import count_slice
from tocsin.runtime.logs import Facts, tell_outcomes
from tocsin.runtime.transport.slices import RawRecord, Slice

_LOG = logging.getLogger(__name__)


def tell_slice(stage: str, piece: Slice, answers: Sequence[Answered]) -> None:
    """Count the answers to a slice, and write their lines."""
    count_slice(stage, piece.topic, answers)
    tell_outcomes(_LOG, stage, _lines(piece, answers))


def _lines(piece: Slice, answers: Sequence[Answered]) -> Iterator[Facts]:
    for raw, answer in zip(piece.records, answers, strict=True):
        yield _line(piece, raw, answer)


def _line(piece: Slice, raw: RawRecord, answer: Answered) -> Facts:
    """Ids, codes and counts; of what could not be read, its coordinate and the code of why."""
    place = {"topic": piece.topic, "partition": piece.partition, "offset": raw.offset}
    line: dict[str, object] = {"outcome": answer.outcome.name.lower(), **place, "referrals": len(answer.referrals)}
    if (report := answer.record) is not None:
        line |= {"report_id": report.report_id, "revision": report.revision}
    if (letter := answer.dead_letter) is not None:
        line["code"] = letter.code
    return line
