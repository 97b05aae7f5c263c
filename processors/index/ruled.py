"""Rulings in PostgreSQL: their number on a revision, what overtook them, and who has the report; in one transaction."""

from collections import defaultdict
from typing import Any, Final

from sqlalchemy import Connection, text

from processors.index.port import PriorRecipient, Ruled, RulingClaim
from schemas.records.identifiers import JurisdictionCode, MemberId


def rule(connection: Connection, stream: int, claims: tuple[RulingClaim, ...]) -> tuple[Ruled, ...]:
    """Claim in order; called under the lock of claims, so that numbers have the order of what became visible."""
    for claim in claims:
        connection.execute(_RULE, _row(stream, claim))
    rows = connection.execute(_READ, {"ids": sorted({claim.ruling.ruling_id for claim in claims})}).all()
    found = {row.ruling_id: row for row in rows}
    holders = _holders(connection, claims)
    return tuple(_ruled(found[claim.ruling.ruling_id], (stream, claim.log_offset), holders) for claim in claims)


def _ruled(row: Any, place: tuple[int, int], holders: dict[str, list[Any]]) -> Ruled:
    latest: dict[str, Any] = {}
    for held in holders[str(row.report_id)]:
        if (held.revision, held.ruling) < (row.revision, row.number):
            latest[held.recipient] = held
    return Ruled(
        number=row.number,
        is_stale=row.is_overtaken or (row.stream, row.log_offset) != place,
        recipients=tuple(
            PriorRecipient(MemberId(held.recipient), JurisdictionCode(held.jurisdiction))
            for held in latest.values()
            if not held.withdrawal
        ),
        chosen=tuple(map(MemberId, row.chosen_before)),
    )


def _row(stream: int, claim: RulingClaim) -> dict[str, object]:
    ruling = claim.ruling
    return {
        "ruling_id": ruling.ruling_id,
        "report_id": ruling.report_id,
        "revision": ruling.revision,
        "stream": stream,
        "log_offset": claim.log_offset,
        "cause": ruling.cause,
        "occasion": ruling.occasion,
        "decided_by": ruling.decided_by,
        "reason": ruling.reason,
        "chosen": list(ruling.chosen),
        "closed": ruling.closed,
    }


def _holders(connection: Connection, claims: tuple[RulingClaim, ...]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(_HOLDERS, {"reports": sorted({claim.ruling.report_id for claim in claims})}):
        found[str(row.report_id)].append(row)
    return found


_RULE: Final = text("""
    insert into rulings (ruling_id, report_id, revision, number, stream, log_offset, claim_number,
                         cause, occasion, decided_by, reason, chosen, closed)
    select :ruling_id, cast(:report_id as uuid), :revision,
           1 + coalesce((select max(number) from rulings
                         where report_id = cast(:report_id as uuid) and revision = :revision), 0),
           :stream, :log_offset, nextval('claim_numbers'), :cause, :occasion, :decided_by, :reason,
           cast(:chosen as text[]), :closed
    on conflict (ruling_id) do nothing
""")
_READ: Final = text("""
    select ruling_id, report_id, revision, number, stream, log_offset, exists (
        select 1 from report_revisions later where later.report_id = rulings.report_id
        and later.revision > rulings.revision and later.claim_number < rulings.claim_number
    ) as is_overtaken, array(
        select distinct name from rulings earlier cross join lateral unnest(earlier.chosen) as name
        where earlier.report_id = rulings.report_id and earlier.revision = rulings.revision
        and earlier.number < rulings.number order by name
    ) as chosen_before
    from rulings where ruling_id = any(cast(:ids as text[]))
""")
_HOLDERS: Final = text(
    "select report_id, recipient, jurisdiction, revision, ruling, withdrawal from referrals "
    "where report_id = any(cast(:reports as uuid[])) order by revision, ruling"
)
