"""Which looks at a span had a report in it: a member's copy of it, or the report as it was sent (ADR 0049); pure."""

from collections.abc import Iterable

from msgspec import Struct

from schemas.records.identifiers import MemberId
from tocsin.runtime.audit.statements import Decision, Disclosure, Reading, Refusal, Span, Statement

_EVER_MS = 2**63
_NOBODY = MemberId("")


class Given(Struct, frozen=True, kw_only=True):
    """A copy that a member was given, and between which instants it came to lie on the member's topic."""

    recipient: MemberId
    """Empty of the report itself: then it lay on its submitter's topic at the one instant that both are."""
    first_ms: int
    """What it was made of lay on its own topic: the copy came no earlier."""
    last_ms: int
    """It was settled: the copy lay there."""


def given(statement: Statement, at_ms: int, recorded_ms: int) -> Given | None:
    """The copy, or the report as it was sent, that a statement is about; None for a recall, which shows nothing."""
    match statement:
        case Disclosure(recall=False):
            return Given(recipient=statement.recipient, first_ms=at_ms, last_ms=recorded_ms)
        case Decision(ruling=0) | Refusal():
            return Given(recipient=_NOBODY, first_ms=at_ms, last_ms=at_ms)
        case _:
            return None


def covers(reading: Reading, copies: Iterable[Given]) -> bool:
    """Whether one of the copies may have lain in what was looked at."""
    span = reading.span
    return span is not None and any(copy.recipient == reading.member and _meets(span, copy) for copy in copies)


def _meets(span: Span, copy: Given) -> bool:
    """Its end is not part of a span, as whoever reads by it has it."""
    since_ms = -_EVER_MS if span.since_ms is None else span.since_ms
    until_ms = _EVER_MS if span.until_ms is None else span.until_ms
    return since_ms <= copy.last_ms and until_ms > copy.first_ms
