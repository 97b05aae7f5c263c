"""Reports that a recipient disputes: written with the return that says so, read with every claim that comes later."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, text

from processors.index.postgres import CLAIM_LOCK
from schemas.records.answers import Return, ReturnKind
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.values import Ternary
from tocsin.runtime.pipeline import Query, send

_NOT_ILLEGAL: Final = "not_illegal"


class Dispute(Struct, frozen=True, kw_only=True):
    """One member's word, from one return."""

    return_id: str
    report_id: ReportId
    member: MemberId


def disputes(answer: Return) -> bool:
    """A person found that it is not what was reported: a false positive, or not illegal where it was assessed."""
    if answer.kind is not ReturnKind.OUTCOME or not answer.by_person:
        return False
    return any(one.false_positive is Ternary.YES or one.action == _NOT_ILLEGAL for one in answer.outcomes)


def dispute_queries(made: Iterable[Dispute]) -> Sequence[Query]:
    """Give each its place in the order of claims, so that a replay of any claim answers as before."""
    rows = [{name: getattr(one, name) for name in Dispute.__struct_fields__} for one in made]
    return (Query(_LOCK, {"lock": CLAIM_LOCK}), *(Query(_INSERT, row) for row in rows)) if rows else ()


def dispute(connection: Connection, made: Iterable[Dispute]) -> None:
    """The same, within a transaction."""
    send(connection, dispute_queries(made))


_LOCK: Final = text("select pg_advisory_xact_lock(:lock)")
_INSERT: Final = text(
    "insert into disputes (return_id, report_id, member, claim_number) "
    "values (:return_id, cast(:report_id as uuid), :member, nextval('claim_numbers')) on conflict do nothing"
)
