"""The index in PostgreSQL: one short transaction per slice, mostly in one round trip (ADR 0002, ADR 0021)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection, Row, text

from processors.index.corrections import (
    found_out_of,
    recipients_in,
    recipients_of,
    require_settled,
    settled_or_nothing,
)
from processors.index.nearby import (
    NOT_ERASED,
    STANDS,
    STATE_COLUMNS,
    Ahead,
    Nearby,
    Numbered,
    near_queries,
    state_at,
)
from processors.index.port import (
    KEPT,
    Claim,
    Knowledge,
    NearSighting,
    PriorRecipient,
    Ruled,
    RulingClaim,
    Selected,
    Sighting,
    Source,
)
from processors.index.ruled import rule
from schemas.failures import Broken
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.triage import LinkState
from tocsin.runtime.database import CONSTRAINT, Database
from tocsin.runtime.ledger.amendments import Amendments, latest_in
from tocsin.runtime.ledger.erasing import TOMBSTONE
from tocsin.runtime.ledger.settling import stream_of
from tocsin.runtime.pipeline import Query, Rows

CLAIM_LOCK: Final = 7_031_954
"""Claims are taken one slice at a time, so that claim numbers have the order in which claims became visible."""
_Row = tuple[Selected, MemberId, int]
"""A selector, whose it is, and the position of the claim."""
_MAX_SIGHTINGS: Final = 20_000
"""Per slice; a selector that everybody reports must not fill the memory of the worker."""


class PostgresIndex:
    """Claims for one worker process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._streams: dict[Source, int] = {}
        self._nearby = Nearby()

    def claim(self, source: Source, claims: tuple[Claim, ...], asked_by: Source | None = None) -> tuple[Knowledge, ...]:
        """Claim in one transaction; a crash after it replays to the same answer."""
        if not claims:
            return ()
        ahead = self._nearby.ahead(self._database, claims)
        sources = (source, asked_by) if asked_by else (source,)
        rows = self._at_once(sources, claims, ahead) or self._step_by_step(sources, claims, ahead)
        revisions = _by_revision(rows["claim"])
        near: Sequence[tuple[NearSighting, ...]] = [()] * len(claims)
        if ahead:
            near = self._nearby.told(self._database, ahead, _numbered(claims, revisions), rows)
            self._nearby.tidy()
        found = _Found(
            revisions,
            rows["sightings"],
            recipients_in(rows.get("recipients", ())),
            latest_in(rows.get("found out", ())),
            near,
        )
        return _answers(self._streams[source], claims, found)

    def _at_once(
        self, sources: Sequence[Source], claims: tuple[Claim, ...], ahead: Ahead | None
    ) -> Mapping[str, Rows] | None:
        """In one round trip; None where that does not go, and nothing was claimed."""
        known = [self._streams.get(source) for source in sources]
        own = [stream for stream in known if stream is not None]
        if len(own) < len(sources):
            return None
        queries = _queries(own[0], claims, ahead)
        guard = (settled_or_nothing(own, claims),) if "recipients" in queries else ()
        then = found_out_of(claims)
        try:
            rows = self._database.together((_LOCKED, *guard, *queries.values()), then)
        except Broken as failure:
            if guard and failure.code == CONSTRAINT:
                return None
            raise
        return dict(zip((*queries, "found out"), rows[1 + len(guard) :], strict=False))

    def _step_by_step(
        self, sources: Sequence[Source], claims: tuple[Claim, ...], ahead: Ahead | None
    ) -> Mapping[str, Rows]:
        """Where the first answers say what is asked next, or that nothing may be claimed yet."""
        with self._database.transaction() as connection:
            own = [
                self._stream(connection, source, claims[0].log_offset if place == 0 else 0)
                for place, source in enumerate(sources)
            ]
            connection.execute(*_LOCKED)
            require_settled(connection, own, claims)
            queries = _queries(own[0], claims, ahead)
            rows: dict[str, Rows] = {name: connection.execute(*query).all() for name, query in queries.items()}
        self._streams[sources[0]] = own[0]  # kept only once it is committed
        then = found_out_of(claims)
        return rows | dict(zip(("found out",), self._database.together(then) if then else (), strict=False))

    def rule(self, source: Source, claims: tuple[RulingClaim, ...]) -> tuple[Ruled, ...]:
        """Number them in one transaction; a crash after it replays to the same answer."""
        if not claims:
            return ()
        with self._database.transaction() as connection:
            stream = self._stream(connection, source, claims[0].log_offset)
            connection.execute(*_LOCKED)
            return rule(connection, stream, claims)

    def _stream(self, connection: Connection, source: Source, first_offset: int) -> int:
        known = self._streams.get(source)
        if known is not None:
            return known
        return stream_of(connection, source.topic_id, source.topic, source.partition, first_offset)


Revisions = Mapping[tuple[str, int], Row[Any]]
"""What was claimed, now or before, by report and revision."""


class _Found(NamedTuple):
    """What the statements of one claim read."""

    revisions: "Revisions"
    sightings: Rows
    recipients: Mapping[str, tuple[PriorRecipient, ...]]
    found_out: Amendments
    near: Sequence[tuple[NearSighting, ...]]


def _queries(stream: int, claims: tuple[Claim, ...], ahead: Ahead | None) -> dict[str, Query]:
    """What is asked under the lock, in order."""
    return {
        "claim": Query(_CLAIM, _parameters(stream, claims)),
        "sightings": Query(_READ_SIGHTINGS, _selectors(claims)),
        **({"recipients": recipients_of(claims)} if any(claim.revision > 1 for claim in claims) else {}),
        **(near_queries(ahead, claims) if ahead else {}),
    }


def _by_revision(rows: Iterable[Any]) -> "Revisions":
    return {(str(row.report_id), int(row.revision)): row for row in rows}


def _parameters(stream: int, claims: tuple[Claim, ...]) -> dict[str, Any]:
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


def _sighting_parameters(claims: tuple[Claim, ...]) -> dict[str, Any]:
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


def _are_first(rows: Iterable[_Row], claims: tuple[Claim, ...]) -> Iterator[bool]:
    """Of each, whether it is of as many reports of its member as are kept; a flood is met by no claim that follows."""
    kept: dict[tuple[bytes, MemberId], set[ReportId]] = defaultdict(set)
    for selected, member, i in rows:
        reports = kept[selected.digest, member]
        is_first = len(reports) < KEPT or claims[i].report_id in reports
        if is_first:
            reports.add(claims[i].report_id)
        yield is_first


def _selectors(claims: tuple[Claim, ...]) -> dict[str, Any]:
    return {"selectors": sorted({s.digest for claim in claims for s in claim.selectors}), "limit": _MAX_SIGHTINGS}


def _answers(stream: int, claims: tuple[Claim, ...], found: _Found) -> tuple[Knowledge, ...]:
    by_report: dict[str, list[Row[Any]]] = defaultdict(list)
    for (report_id, _), row in found.revisions.items():
        by_report[report_id].append(row)
    by_selector: dict[bytes, list[Row[Any]]] = defaultdict(list)
    for row in found.sightings:
        by_selector[bytes(row.selector)].append(row)
    return tuple(
        replace(
            _answer((stream, position), claim, by_report[claim.report_id], by_selector),
            near=near,
            recipients=found.recipients.get(claim.report_id, ()),
            found_out=found.found_out.get(claim.report_id, ()) if claim.is_correction else (),
        )
        for position, (claim, near) in enumerate(zip(claims, found.near, strict=True))
    )


def _numbered(claims: tuple[Claim, ...], revisions: Revisions) -> list[Numbered]:
    """What is claimed now gets a new number; what is answered is as of the revision's own."""
    base = next(iter(revisions.values())).base
    return [
        Numbered(claim, base + position, revisions[claim.report_id, claim.revision].claim_number)
        for position, claim in enumerate(claims)
    ]


def _answer(
    place: tuple[int, int], claim: Claim, revisions: list[Row[Any]], sightings: dict[bytes, list[Row[Any]]]
) -> Knowledge:
    stream, position = place
    own = next(row for row in revisions if row.revision == claim.revision)
    same_content = bytes(own.digest) == claim.digest
    if not own.digest and any(row.revision == TOMBSTONE for row in revisions):
        return Knowledge(is_stale=True, is_erased=True)
    is_again = same_content and (own.stream, own.log_offset) != (stream, claim.log_offset)
    asked = own.base + position if is_again else own.claim_number
    return Knowledge(
        is_stale=any(row.revision > claim.revision and row.claim_number < asked for row in revisions),
        is_conflicting=not same_content,
        is_resubmission=is_again,
        sightings=_earlier(claim, own.claim_number, sightings),
    )


def _earlier(claim: Claim, number: int, sightings: dict[bytes, list[Row[Any]]]) -> tuple[Sighting, ...]:
    return tuple(
        sorted(
            Sighting(
                selected.digest,
                MemberId(row.member),
                ReportId(str(row.report_id)),
                bytes(row.bound),
                state_at(number, row.withdrawn_at, row.disputed_at),
            )
            for selected in claim.selectors
            for row in _one_a_member(claim, number, sightings[selected.digest])
        )
    )


def _one_a_member(claim: Claim, number: int, rows: Sequence[Row[Any]]) -> Iterable[Row[Any]]:
    """The first of its reports that stood then; where none did, the first."""
    found: dict[str, Row[Any]] = {}
    for row in rows:
        if row.claim_number >= number or str(row.report_id) == claim.report_id:
            continue
        known = found.setdefault(row.member, row)
        if not _stands(known, number) and _stands(row, number):
            found[row.member] = row
    return found.values()


def _stands(row: Row[Any], number: int) -> bool:
    return state_at(number, row.withdrawn_at, row.disputed_at) is LinkState.STANDS


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

_LOCKED: Final = Query(text("select pg_advisory_xact_lock(:lock)"), {"lock": CLAIM_LOCK})
"""A statement of its own: the next one must see what the last holder of the lock committed."""
_READ_SIGHTINGS: Final = text(f"""
    select s.selector, s.member, cast(s.report_id as text), s.claim_number, s.bound, {STATE_COLUMNS}
    from sightings s where s.selector = any(cast(:selectors as bytea[])) order by s.claim_number limit :limit
""")  # noqa: S608 -- put together from our own text
