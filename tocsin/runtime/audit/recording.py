"""Facts become leaves in the transaction that makes them true: one row for all that a slice leaves."""

import os
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, text

from tocsin.runtime.audit.statements import NONCE_BYTES, Act, Fact, Reading, encoded, leaf_of
from tocsin.runtime.pipeline import Query

LINE: Final = b"\n"
_ACTS_A_ROW: Final = 1_000


def entries(stream: int, facts: Sequence[Fact]) -> Iterator[Query]:
    """What one slice leaves in the log, in the order of offsets; a person's look is an entry of its own."""
    for fact in facts:
        if isinstance(fact.statement, Reading):
            yield _of_person(fact.statement, fact.at_ms)
    facts = [fact for fact in facts if not isinstance(fact.statement, Reading)]
    if facts:
        span = {"first": facts[0].log_offset, "last": facts[-1].log_offset}
        yield Query(_ENTRY, {"stream": stream, "person": "", **span, **_columns(facts)})


def record_reading(connection: Connection, reading: Reading, at_ms: int) -> None:
    """That a person looked at something, in the transaction that shows it to them."""
    connection.execute(*_of_person(reading, at_ms))


def record_act(connection: Connection, act: Act, at_ms: int) -> None:
    """That a person did something, in the transaction that does it."""
    connection.execute(*_of_person(act, at_ms))


def record_acts(connection: Connection, acts: Sequence[Act], at_ms: int) -> None:
    """The same of much that one person did at once: a leaf for each, in rows of many."""
    for first in range(0, len(acts), _ACTS_A_ROW):
        connection.execute(*_of_person(acts[first], at_ms, *acts[first + 1 : first + _ACTS_A_ROW]))


def _of_person(said: Reading | Act, at_ms: int, *more: Act) -> Query:
    columns = _columns([Fact(statement=each, at_ms=at_ms) for each in (said, *more)])
    return Query(_ENTRY, {"stream": None, "person": said.person, "first": None, "last": None, **columns})


def _columns(facts: Sequence[Fact]) -> dict[str, object]:
    """Joined, because one value takes a slice's worth in the time of ten."""
    random = os.urandom(NONCE_BYTES * len(facts))
    written = [encoded(fact.statement) for fact in facts]
    leaves = (
        leaf_of(fact, line, random[number * NONCE_BYTES : (number + 1) * NONCE_BYTES])
        for number, (fact, line) in enumerate(zip(facts, written, strict=True))
    )
    return {"leaves": LINE.join(leaves), "nonces": random, "statements": LINE.join(written)}


_ENTRY: Final = text("""
    with made as (insert into audit_entries (leaves) values (:leaves) returning entry)
    insert into audit_openings (entry, stream, first_offset, last_offset, person, nonces, statements)
    select entry, :stream, :first, :last, :person, :nonces, :statements from made
""")
