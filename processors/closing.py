"""What the ledger notes of answers: each once, the state of its referral, a dispute, and what a person must see."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text

from processors.index.disputes import Dispute, dispute_queries, disputes
from processors.telling import Read
from processors.unsettled import for_a_person
from schemas.records.answers import Return, ReturnKind
from tocsin.runtime.ledger import queue
from tocsin.runtime.pipeline import Query
from tocsin.runtime.transport.slices import RawRecord

STATES: Final[Mapping[ReturnKind, str]] = {
    ReturnKind.DELIVERED: "delivered",
    ReturnKind.COUNTED: "counted",
    ReturnKind.TAKEN_UP: "taken_up",
    ReturnKind.REFUSED: "refused",
    ReturnKind.EXPIRED: "expired",
    ReturnKind.PARKED: "parked",
    ReturnKind.UNCERTAIN: "uncertain",
    ReturnKind.OUTCOME: "taken_up",
    ReturnKind.WITHDRAWN: "withdrawn",
}
"""What a return makes of its referral; a question or an escalation changes nothing."""

_RANKS: Final = {
    "waiting": 0,
    "parked": 1,
    "expired": 1,
    "uncertain": 1,
    "counted": 2,
    "withdrawn": 2,
    "delivered": 3,
    "refused": 4,
    "taken_up": 5,
}
"""A state never goes back: returns of one referral may arrive out of order. Of equals the later one holds."""


def closings(read: Iterable[Read], stream: int) -> Sequence[Query]:
    """Note the answers that count, and what each makes of its referral; twice changes nothing.

    One statement for each state: of two answers to one referral the later is held against what the earlier made of it.
    """
    answers = [(entry.raw, answer) for entry in read if (answer := entry.accepted()) is not None]
    if not answers:
        return ()
    return (
        Query(_RETURNS, {"stream": stream, **_columns(answers)}),
        *dispute_queries(_disputes(answers)),
        *(Query(_CLOSE, row) for row in _state_rows(answer for _, answer in answers)),
        *queue.enter_queries([entered for _, answer in answers if (entered := for_a_person(answer)) is not None]),
    )


def _disputes(answers: Iterable[tuple[RawRecord, Return]]) -> Iterable[Dispute]:
    for _, answer in answers:
        if disputes(answer):
            yield Dispute(return_id=answer.return_id, report_id=answer.report_id, member=answer.member)


def _columns(answers: Sequence[tuple[RawRecord, Return]]) -> dict[str, object]:
    """Columns instead of rows, as everything that there is one of for each record."""
    said = [answer for _, answer in answers]
    return {
        **{name: [getattr(answer, name) for answer in said] for name in _NOTED},
        "at": [_when(answer) for answer in said],
        "code": [answer.reason_code if answer.kind is ReturnKind.ERASED else "" for answer in said],
        "log_offset": [raw.offset for raw, _ in answers],
    }


def _state_rows(answers: Iterable[Return]) -> Iterable[dict[str, object]]:
    for answer in answers:
        state = STATES.get(answer.kind)
        if state is not None:
            taken_up = _when(answer) if state == "taken_up" else None
            yield {"id": answer.referral_id, "state": state, "at": _when(answer), "taken_up": taken_up} | _before(state)


def _before(state: str) -> dict[str, list[str]]:
    """What gives way to a state: everything lower, and its equals where they are older."""
    rank = _RANKS[state]
    return {
        "lower": [name for name, other in _RANKS.items() if other < rank],
        "equal": [name for name, other in _RANKS.items() if other == rank and name != state],
    }


def _when(answer: Return) -> datetime:
    return datetime.fromtimestamp(answer.at.epoch_ms / 1000, UTC)


_NOTED: Final = ("return_id", "referral_id", "member", "kind", "by_person")
_RETURNS: Final = text("""
    insert into returns (return_id, referral_id, member, kind, at, by_person, code, stream, log_offset)
    select return_id, referral_id, member, kind, at, by_person, code, cast(:stream as integer), log_offset
    from unnest(cast(:return_id as text[]), cast(:referral_id as uuid[]), cast(:member as text[]),
                cast(:kind as text[]), cast(:at as timestamptz[]), cast(:by_person as boolean[]),
                cast(:code as text[]), cast(:log_offset as bigint[]))
         as r(return_id, referral_id, member, kind, at, by_person, code, log_offset)
    on conflict do nothing
""")
_CLOSE: Final = text(
    "update referrals set state = :state, state_at = :at, taken_up_at = coalesce(taken_up_at, :taken_up) "
    "where referral_id = :id and (state = any(cast(:lower as text[])) "
    "or (state = any(cast(:equal as text[])) and state_at < :at))"
)
