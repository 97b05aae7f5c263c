"""Trace contexts from what came in to what goes out of it, where an operator switched traces on; pure."""

from collections.abc import Sequence

from msgspec.structs import replace

from processors.answering import Answered
from tocsin.runtime.tracing.context import HEADER, context_in
from tocsin.runtime.transport.slices import OutRecord, RawRecord


def carried(raws: Sequence[RawRecord], answers: Sequence[Answered]) -> tuple[Answered, ...]:
    """Each answer with the context of its record; a dead letter has every header that came."""
    return tuple(
        answer if answer.dead_letter is not None else replace(answer, records=carrying(raw, answer.records))
        for raw, answer in zip(raws, answers, strict=True)
    )


def carrying(raw: RawRecord, records: tuple[OutRecord, ...]) -> tuple[OutRecord, ...]:
    """The same records, with the context of another one where that has one in the standard's form."""
    context = context_in(raw.headers)
    if not context:
        return records
    header = (HEADER, context.encode())
    return tuple(replace(record, headers=(*record.headers, header)) for record in records)
