"""Rulings in PostgreSQL: their number on a revision, what overtook them, and who has the report; in one transaction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import text

from processors.index.port import PriorRecipient, Ruled, RulingClaim
from schemas.records.identifiers import JurisdictionCode, MemberId
from tocsin.runtime.pipeline import Query, Rows


def ruling_queries(stream: int, claims: Sequence[RulingClaim]) -> dict[str, Query]:
    """In order, under the lock of claims, so that numbers have the order of what became visible.

    One statement for each ruling: the number of one follows from the one before it.
    """
    return {
        **{f"rule {n}": Query(_RULE, _row(stream, claim)) for n, claim in enumerate(claims)},
        "ruled": Query(_READ, {"ids": sorted({claim.ruling.ruling_id for claim in claims})}),
        "holders": Query(_HOLDERS, {"reports": sorted({claim.ruling.report_id for claim in claims})}),
    }


def ruled_in(stream: int, claims: Sequence[RulingClaim], rows: Mapping[str, Rows]) -> list[Ruled]:
    """What those statements are answered with, by claim."""
    found = {row.ruling_id: row for row in rows["ruled"]}
    holders: dict[str, list[Any]] = defaultdict(list)
    for row in rows["holders"]:
        holders[str(row.report_id)].append(row)
    return [_ruled(found[claim.ruling.ruling_id], (stream, claim.log_offset), holders) for claim in claims]


def _ruled(row: Any, place: tuple[int, int], holders: Mapping[str, list[Any]]) -> Ruled:
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


_RULE: Final = text("""
    insert into rulings (ruling_id, report_id, revision, number, stream, log_offset, claim_number,
                         cause, occasion, decided_by, reason, chosen, closed)
    select cast(:ruling_id as text), cast(:report_id as uuid), cast(:revision as integer),
           1 + coalesce((select max(number) from rulings
                         where report_id = cast(:report_id as uuid) and revision = cast(:revision as integer)), 0),
           cast(:stream as integer), cast(:log_offset as bigint), nextval('claim_numbers'),
           cast(:cause as text), cast(:occasion as text), cast(:decided_by as text), cast(:reason as text),
           cast(:chosen as text[]), cast(:closed as boolean)
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
