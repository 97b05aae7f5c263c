"""Dead letters as a person handles them: listed, looked at, retried, or dropped with a reason and a name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Row, text

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import ReportId
from tocsin.runtime.ledger.outcomes import Outcome

OPEN: Final = "open"
RETRIED: Final = "retried"
DROPPED: Final = "dropped"
STATES: Final = (OPEN, RETRIED, DROPPED)


class DeadLetter(Struct, frozen=True, kw_only=True):
    """One record that could not be processed: where it was, why, and where its letter lies."""

    stream: int
    topic: str
    partition: int
    offset: int
    member: str
    code: str
    field: str
    state: str
    at: datetime
    value_bytes: int
    value_sha256: str
    masked: bool
    out_topic: str
    out_partition: int
    out_offset: int
    decided_by: str | None
    reason: str | None
    report_id: ReportId | None = None
    """Where the record could be read."""

    @property
    def name(self) -> str:
        """The coordinate of the source, as people write it: topic/partition/offset."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class Wanted(Struct, frozen=True, kw_only=True):
    """Which letters; empty means any."""

    member: str = ""
    code: str = ""
    state: str = OPEN
    limit: int = 100


def letters(connection: Connection, wanted: Wanted) -> Sequence[DeadLetter]:
    """The newest first, bounded."""
    asked = {name: getattr(wanted, name) for name in wanted.__struct_fields__}
    return [_letter(row) for row in connection.execute(_LIST, asked)]


def find(connection: Connection, name: str) -> DeadLetter:
    """One letter by its name; raises Refused where there is none."""
    topic, _, rest = name.partition("/")
    partition, _, offset = rest.partition("/")
    if partition.isdecimal() and offset.isdecimal():
        asked = {"topic": topic, "partition": int(partition), "offset": int(offset)}
        row = connection.execute(_FIND, asked).first()
        if row is not None:
            return _letter(row)
    raise Refused(message("dlq.unknown"), code="dlq.unknown")


def drop(connection: Connection, letter: DeadLetter, by: str, reason: str) -> None:
    """Close it for good: the ledger counts the record as dropped from now on. Raises Refused where it is not open."""
    _decide(connection, letter, DROPPED, by, reason)
    place = {"stream": letter.stream, "offset": letter.offset, "outcome": bytes([Outcome.DROPPED])}
    connection.execute(_OUTCOME, place)


def require_open(letter: DeadLetter) -> None:
    """Raise Refused where nothing can be decided about it any more, as `drop` does."""
    if letter.state != OPEN:
        raise _not_open(letter)


def mark_retried(connection: Connection, letter: DeadLetter, by: str, reason: str) -> None:
    """It was published again; its first offset stays refused in the ledger. Raises Refused where it is not open."""
    _decide(connection, letter, RETRIED, by, reason)


def _decide(connection: Connection, letter: DeadLetter, state: str, by: str, reason: str) -> None:
    row = {"stream": letter.stream, "offset": letter.offset, "state": state, "by": by, "reason": reason}
    if connection.execute(_DECIDE, row).rowcount == 0:
        raise _not_open(letter)


def _not_open(letter: DeadLetter) -> Refused:
    return Refused(message("dlq.not_open", state=letter.state), code="dlq.not_open")


def _letter(row: Row[Any]) -> DeadLetter:
    facts = {name: row._mapping[name] for name in DeadLetter.__struct_fields__}
    return DeadLetter(**facts | {"report_id": ReportId(str(row.report_id)) if row.report_id else None})


_COLUMNS: Final = (
    "select d.stream, s.topic, s.partition, d.log_offset as offset, d.member, d.code, d.field, d.state, d.at, "
    "d.value_bytes, d.value_sha256, d.masked, d.out_topic, d.out_partition, d.out_offset, d.decided_by, d.reason, "
    "d.report_id "
    "from dead_letters d join streams s using (stream) "
)
_LIST: Final = text(
    _COLUMNS + "where (:member = '' or d.member = :member) and (:code = '' or d.code = :code) "
    "and (:state = '' or d.state = :state) order by d.at desc, d.stream, d.log_offset limit :limit"
)
_FIND: Final = text(
    _COLUMNS + "where s.topic = :topic and s.partition = :partition and d.log_offset = :offset "
    "order by d.at desc limit 1"
)
_DECIDE: Final = text(
    "update dead_letters set state = :state, decided_by = :by, reason = :reason "
    "where stream = :stream and log_offset = :offset and state = 'open'"
)
_OUTCOME: Final = text(
    "update ledger_blocks set outcomes = overlay(outcomes placing cast(:outcome as bytea) "
    "from cast(:offset - first_offset + 1 as integer) for 1) "
    "where stream = :stream and first_offset <= :offset and :offset < first_offset + length(outcomes)"
)
