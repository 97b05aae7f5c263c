"""The statements of a claim, and the columns that they take (pure)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import text

from processors.index.nearby import NOT_ERASED, STANDS, STATE_COLUMNS
from processors.index.port import KEPT, Claim, Selected
from schemas.records.identifiers import MemberId, ReportId
from tocsin.runtime.pipeline import Query

_Row = tuple[Selected, MemberId, int]
"""A selector, whose it is, and the position of the claim."""
_MAX_SIGHTINGS: Final = 20_000
"""Per slice; a selector that everybody reports must not fill the memory of the worker."""


def claim_of(stream: int, claims: Sequence[Claim]) -> Query:
    """Claims all, and reads what is known of their reports."""
    return Query(_CLAIM, _parameters(stream, claims))


def sightings_of(claims: Sequence[Claim]) -> Query:
    """Reads who carries the same selectors."""
    return Query(_READ_SIGHTINGS, _selectors(claims))


def _parameters(stream: int, claims: Sequence[Claim]) -> dict[str, Any]:
    return {
        "stream": stream,
        "reports": [claim.report_id for claim in claims],
        "revisions": [claim.revision for claim in claims],
        "members": [claim.member for claim in claims],
        "withdrawn": [claim.withdrawn for claim in claims],
        "digests": [claim.digest for claim in claims],
        "offsets": [claim.log_offset for claim in claims],
        **_sighting_parameters(claims),
    }


def _sighting_parameters(claims: Sequence[Claim]) -> dict[str, Any]:
    """Sorted, so that two workers can never wait for each other in a circle."""
    wanted = ((selected, claim.member, i) for i, claim in enumerate(claims) for selected in claim.selectors)
    rows = sorted(wanted, key=_place)
    return {
        "sighted": [selected.digest for selected, _, _ in rows],
        "sighted_bounds": [selected.bound for selected, _, _ in rows],
        "sighted_by": [member for _, member, _ in rows],
        "sighted_in": [i for _, _, i in rows],
        "sighted_reports": [claims[i].report_id for _, _, i in rows],
        "sighted_at": [claims[i].log_offset for _, _, i in rows],
        "sighted_first": list(_are_first(rows, claims)),
        "kept": KEPT,
    }


def _place(row: _Row) -> tuple[bytes, MemberId, int]:
    selected, member, position = row
    return selected.digest, member, position


def _are_first(rows: Iterable[_Row], claims: Sequence[Claim]) -> Iterator[bool]:
    """Of each, whether it is of as many reports of its member as are kept; a flood is met by no claim that follows."""
    kept: dict[tuple[bytes, MemberId], set[ReportId]] = defaultdict(set)
    for selected, member, i in rows:
        reports = kept[selected.digest, member]
        is_first = len(reports) < KEPT or claims[i].report_id in reports
        if is_first:
            reports.add(claims[i].report_id)
        yield is_first


def _selectors(claims: Sequence[Claim]) -> dict[str, Any]:
    return {"selectors": sorted({s.digest for claim in claims for s in claim.selectors}), "limit": _MAX_SIGHTINGS}


_CLAIM: Final = text(f"""
    with base as materialized (select nextval('claim_numbers') as number),
    claims as materialized (
        select report_id, revision, member, withdrawn, digest, log_offset, (position - 1) as position
        from unnest(cast(:reports as uuid[]), cast(:revisions as integer[]), cast(:members as text[]),
                    cast(:withdrawn as boolean[]), cast(:digests as bytea[]), cast(:offsets as bigint[]))
             with ordinality as c(report_id, revision, member, withdrawn, digest, log_offset, position)
    ),
    claimed as (
        insert into report_revisions
            (report_id, revision, member, withdrawn, digest, stream, log_offset, claim_number)
        select report_id, revision, member, withdrawn,
               case when {NOT_ERASED.format("claims")} then digest else cast('' as bytea) end,
               :stream, log_offset, base.number + position
        from claims, base order by position
        on conflict do nothing
        returning report_id, revision, digest, stream, log_offset, claim_number
    ),
    seen as materialized (
        select s.*, is_first and :kept > (
                   select count(*) from sightings k where k.selector = s.selector and k.member = s.member and {STANDS}
               ) as is_kept
        from unnest(cast(:sighted as bytea[]), cast(:sighted_by as text[]), cast(:sighted_reports as uuid[]),
                    cast(:sighted_at as bigint[]), cast(:sighted_in as integer[]), cast(:sighted_bounds as bytea[]),
                    cast(:sighted_first as boolean[]))
             as s(selector, member, report_id, log_offset, position, bound, is_first)
        where {NOT_ERASED.format("s")}
    ),
    sighted as (
        insert into sightings (selector, member, report_id, stream, log_offset, claim_number, bound)
        select selector, member, report_id, :stream, log_offset, base.number + position, bound
        from seen, base where is_kept order by selector, member, position
        on conflict do nothing
    ),
    further as (
        insert into further_sightings (selector, report_id)
        select selector, report_id from seen s where not is_kept and 0 = (
            select count(*) from sightings k
            where k.selector = s.selector and k.member = s.member and k.report_id = s.report_id
        )
        on conflict do nothing
    )
    select cast(report_id as text), revision, digest, stream, log_offset, claim_number, number as base
    from claimed, base
    union all
    select cast(r.report_id as text), r.revision, r.digest, r.stream, r.log_offset, r.claim_number, number as base
    from report_revisions r, base
    where r.report_id = any(cast(:reports as uuid[]))
""")  # noqa: S608 -- put together from our own text
"""One statement claims and reads: what it inserts itself is not visible to its own select, hence the union."""

_READ_SIGHTINGS: Final = text(f"""
    select s.selector, s.member, cast(s.report_id as text), s.claim_number, s.bound, {STATE_COLUMNS}
    from sightings s where s.selector = any(cast(:selectors as bytea[])) order by s.claim_number limit :limit
""")  # noqa: S608 -- put together from our own text
