"""Facts become leaves in the transaction that makes them true: one row for all that a slice leaves."""

import os
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, text

from tocsin.runtime.audit.statements import NONCE_BYTES, Act, Fact, Reading, encoded, leaf_of

LINE: Final = b"\n"


def record_facts(connection: Connection, stream: int, facts: Sequence[Fact]) -> None:
    """What one slice leaves in the log, in the order of offsets; a person's look is an entry of its own."""
    for fact in facts:
        if isinstance(fact.statement, Reading):
            record_reading(connection, fact.statement, fact.at_ms)
    facts = [fact for fact in facts if not isinstance(fact.statement, Reading)]
    if not facts:
        return
    span = {"first": facts[0].log_offset, "last": facts[-1].log_offset}
    connection.execute(_ENTRY, {"stream": stream, "person": "", **span, **_columns(facts)})


def record_reading(connection: Connection, reading: Reading, at_ms: int) -> None:
    """That a person looked at something, in the transaction that shows it to them."""
    _record_person(connection, reading, at_ms)


def record_act(connection: Connection, act: Act, at_ms: int) -> None:
    """That a person did something, in the transaction that does it."""
    _record_person(connection, act, at_ms)


def _record_person(connection: Connection, said: Reading | Act, at_ms: int) -> None:
    columns = _columns((Fact(statement=said, at_ms=at_ms),))
    connection.execute(_ENTRY, {"stream": None, "person": said.person, "first": None, "last": None, **columns})


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
