"""The index in PostgreSQL: one short transaction per slice, three round trips (ADR 0002)."""

from collections import defaultdict
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from processors.index.port import Claim, Knowledge, PriorRecipient, Sighting, Source
from schemas.failures import Temporary
from schemas.records.identifiers import JurisdictionCode, MemberId, ReportId
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.settlement import stream_of

_CLAIM_LOCK: Final = 7_031_954
"""Claims are taken one slice at a time, so that claim numbers have the order in which claims became visible."""
_MAX_SIGHTINGS: Final = 20_000
"""Per slice; a selector that everybody reports must not fill the memory of the worker."""


class PostgresIndex:
    """Claims for one worker process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._streams: dict[Source, int] = {}

    def claim(self, source: Source, claims: tuple[Claim, ...]) -> tuple[Knowledge, ...]:
        """Claim in one transaction; a crash after it replays to the same answer."""
        if not claims:
            return ()
        with self._database.transaction() as connection:
            stream = self._stream(connection, source, claims[0].log_offset)
            # A statement of its own: the next one must see what the last holder of the lock committed.
            connection.execute(_LOCK, {"lock": _CLAIM_LOCK})
            numbered = connection.execute(_CLAIM, _parameters(stream, claims)).all()
            sightings = connection.execute(_READ_SIGHTINGS, _selectors(claims)).all()
            recipients = _recipients(connection, stream, claims)
        self._streams[source] = stream  # kept only once it is committed
        return _answers(stream, claims, (numbered, sightings, recipients))

    def _stream(self, connection: Connection, source: Source, first_offset: int) -> int:
        known = self._streams.get(source)
        if known is not None:
            return known
        return stream_of(connection, source.topic_id, source.topic, source.partition, first_offset)


_Rows = tuple[Any, Any, dict[str, tuple[PriorRecipient, ...]]]


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
    rows = sorted((selector, claim.member, i) for i, claim in enumerate(claims) for selector in claim.selectors)
    return {
        "sighted": [selector for selector, _, _ in rows],
        "sighted_by": [member for _, member, _ in rows],
        "sighted_in": [i for _, _, i in rows],
        "sighted_reports": [claims[i].report_id for _, _, i in rows],
        "sighted_at": [claims[i].log_offset for _, _, i in rows],
    }


def _selectors(claims: tuple[Claim, ...]) -> dict[str, Any]:
    return {"selectors": sorted({s for claim in claims for s in claim.selectors}), "limit": _MAX_SIGHTINGS}


def _recipients(
    connection: Connection, stream: int, claims: tuple[Claim, ...]
) -> dict[str, tuple[PriorRecipient, ...]]:
    """Who has an earlier revision; asked only where there can be one.

    Raises Temporary while another worker has claimed one and not settled it: who it goes to is not known yet.
    """
    later = sorted({claim.report_id for claim in claims if claim.revision > 1})
    found: dict[str, list[PriorRecipient]] = defaultdict(list)
    if not later:
        return {}
    if connection.execute(_IN_FLIGHT, {"reports": later, "stream": stream}).first() is not None:
        raise Temporary("An earlier revision is being triaged by another worker.", code="index.revision_in_flight")
    for row in connection.execute(_READ_RECIPIENTS, {"reports": later}):
        if not row.withdrawal:
            found[str(row.report_id)].append(
                PriorRecipient(MemberId(row.recipient), JurisdictionCode(row.jurisdiction))
            )
    return {report: tuple(members) for report, members in found.items()}


def _answers(stream: int, claims: tuple[Claim, ...], rows: _Rows) -> tuple[Knowledge, ...]:
    revisions, sightings, recipients = rows
    by_report: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in revisions:
        by_report[str(row.report_id)].append(row)
    by_selector: dict[bytes, list[Row[Any]]] = defaultdict(list)
    for row in sightings:
        by_selector[bytes(row.selector)].append(row)
    return tuple(
        _answer(stream, claim, by_report[claim.report_id], by_selector, recipients.get(claim.report_id, ()))
        for claim in claims
    )


def _answer(
    stream: int,
    claim: Claim,
    revisions: list[Row[Any]],
    sightings: dict[bytes, list[Row[Any]]],
    recipients: tuple[PriorRecipient, ...],
) -> Knowledge:
    own = next(row for row in revisions if row.revision == claim.revision)
    same_content = bytes(own.digest) == claim.digest
    is_replay = (own.stream, own.log_offset) == (stream, claim.log_offset)
    return Knowledge(
        is_stale=any(row.revision > claim.revision and row.claim_number < own.claim_number for row in revisions),
        is_conflicting=not same_content,
        is_resubmission=same_content and not is_replay,
        sightings=_earlier(claim, own.claim_number, sightings),
        recipients=recipients,
    )


def _earlier(claim: Claim, number: int, sightings: dict[bytes, list[Row[Any]]]) -> tuple[Sighting, ...]:
    return tuple(
        sorted(
            Sighting(selector, MemberId(row.member), ReportId(str(row.report_id)))
            for selector in claim.selectors
            for row in sightings[selector]
            if row.claim_number < number and str(row.report_id) != claim.report_id
        )
    )


_CLAIM: Final = text("""
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
        select report_id, revision, member, withdrawn, digest, :stream, log_offset, base.number + position
        from claims, base order by position
        on conflict do nothing
        returning report_id, revision, digest, stream, log_offset, claim_number
    ),
    sighted as (
        insert into sightings (selector, member, report_id, stream, log_offset, claim_number)
        select selector, member, report_id, :stream, log_offset, base.number + position
        from unnest(cast(:sighted as bytea[]), cast(:sighted_by as text[]), cast(:sighted_reports as uuid[]),
                    cast(:sighted_at as bigint[]), cast(:sighted_in as integer[]))
             as s(selector, member, report_id, log_offset, position), base
        order by selector, member, position
        on conflict do nothing
    )
    select report_id, revision, digest, stream, log_offset, claim_number from claimed
    union all
    select r.report_id, r.revision, r.digest, r.stream, r.log_offset, r.claim_number
    from report_revisions r
    where r.report_id = any(cast(:reports as uuid[]))
""")
"""One statement claims and reads: what it inserts itself is not visible to its own select, hence the union."""

_LOCK: Final = text("select pg_advisory_xact_lock(:lock)")
_READ_SIGHTINGS: Final = text(
    "select selector, member, report_id, claim_number from sightings "
    "where selector = any(cast(:selectors as bytea[])) order by claim_number limit :limit"
)
_READ_RECIPIENTS: Final = text(
    "select distinct on (report_id, recipient) report_id, recipient, jurisdiction, withdrawal from referrals "
    "where report_id = any(cast(:reports as uuid[])) order by report_id, recipient, revision desc"
)
_IN_FLIGHT: Final = text("""
    select 1 from report_revisions revision join streams using (stream)
    where revision.report_id = any(cast(:reports as uuid[])) and revision.log_offset >= streams.next_offset
    and revision.stream <> :stream and not exists (
        select 1 from streams newer where newer.topic = streams.topic and newer.partition = streams.partition
        and newer.stream > streams.stream
    )
    limit 1
""")
"""What a topic that was created again had claimed and not settled will never be settled."""
