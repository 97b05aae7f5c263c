"""The index in PostgreSQL: one short transaction per slice, mostly in one round trip (ADR 0002, ADR 0021)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection, Row, text

from processors.index.corrections import recipients_in, require_settled, settled_or_nothing
from processors.index.nearby import Nearby, Numbered, state_at
from processors.index.port import (
    Claim,
    Knowledge,
    NearSighting,
    PriorRecipient,
    Ruled,
    RulingClaim,
    Sighting,
    Source,
)
from processors.index.ruled import ruled_in
from processors.index.wanted import Part, Wanted, parts_of
from schemas.failures import Broken
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.triage import LinkState
from tocsin.runtime.database import CONSTRAINT, Database
from tocsin.runtime.ledger.amendments import Amendments, latest_in
from tocsin.runtime.ledger.erasing import TOMBSTONE
from tocsin.runtime.ledger.settling import stream_of
from tocsin.runtime.ledger.subject_requests import restricted_in
from tocsin.runtime.pipeline import Query, Rows

CLAIM_LOCK: Final = 7_031_954
"""Claims are taken one slice at a time, so that claim numbers have the order in which claims became visible."""


class PostgresIndex:
    """Claims for one worker process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._streams: dict[Source, int] = {}
        self._nearby = Nearby()

    def claim(self, source: Source, claims: tuple[Claim, ...]) -> tuple[Knowledge, ...]:
        """Claim in one transaction; a crash after it replays to the same answer."""
        if not claims:
            return ()
        wanted = self._wanted(source, (Part(source=source, claims=claims),))
        return self._answered(wanted, self._rows(wanted))[0]

    def rule(self, source: Source, claims: tuple[RulingClaim, ...]) -> tuple[Ruled, ...]:
        """Number them in one transaction; a crash after it replays to the same answer."""
        if not claims:
            return ()
        parts, places = parts_of(source, claims)
        wanted = self._wanted(source, parts, claims)
        rows = self._rows(wanted)
        known = dict(zip(places, chain.from_iterable(self._answered(wanted, rows)), strict=True))
        ruled = ruled_in(self._streams[source], claims, rows)
        return tuple(replace(one, known=known.get(n)) for n, one in enumerate(ruled))

    def _wanted(self, source: Source, parts: tuple[Part, ...], rulings: tuple[RulingClaim, ...] = ()) -> Wanted:
        ahead = self._nearby.ahead(self._database, [claim for part in parts for claim in part.claims])
        return Wanted(source=source, parts=parts, rulings=rulings, ahead=ahead)

    def _rows(self, wanted: Wanted) -> Mapping[str, Rows]:
        """In one round trip; step by step where it does not go, and nothing was claimed."""
        if all(source in self._streams for source in wanted.sources()):
            try:
                return self._at_once(wanted)
            except Broken as failure:
                if failure.code != CONSTRAINT or not wanted.later():
                    raise
        return self._step_by_step(wanted)

    def _at_once(self, wanted: Wanted) -> Mapping[str, Rows]:
        guards = [settled_or_nothing(wanted.own(part, self._streams), part.claims) for part in wanted.later()]
        queries, then = wanted.queries(self._streams), wanted.then()
        rows = self._database.together((_LOCKED, *guards, *queries.values()), tuple(then.values()))
        return dict(zip((*queries, *then), rows[1 + len(guards) :], strict=True))

    def _step_by_step(self, wanted: Wanted) -> Mapping[str, Rows]:
        """Where the first answers say what is asked next, or that nothing may be claimed yet."""
        with self._database.transaction() as connection:
            streams = {source: self._stream(connection, source, first) for source, first in wanted.sources().items()}
            connection.execute(*_LOCKED)
            for part in wanted.later():
                require_settled(connection, wanted.own(part, streams), part.claims)
            answers = {name: connection.execute(*query) for name, query in wanted.queries(streams).items()}
            rows: dict[str, Rows] = {name: one.all() if one.returns_rows else () for name, one in answers.items()}
        self._streams |= streams  # kept only once it is committed
        then = wanted.then()
        return rows | dict(zip(then, self._database.together(tuple(then.values())) if then else (), strict=True))

    def _answered(self, wanted: Wanted, rows: Mapping[str, Rows]) -> list[tuple[Knowledge, ...]]:
        """By part."""
        revisions = [_by_revision(rows[f"claim {n}"]) for n in range(len(wanted.parts))]
        near = iter(self._near(wanted, rows, revisions))
        recipients = recipients_in(rows.get("recipients", ()))
        found_out = latest_in(rows.get("found out", ()))
        only_kept = restricted_in(rows.get("only kept", ()))
        return [
            _answers(
                self._streams[part.source],
                part.claims,
                _Found(
                    revisions[n],
                    rows[f"sightings {n}"],
                    recipients,
                    found_out,
                    only_kept,
                    list(islice(near, len(part.claims))),
                ),
            )
            for n, part in enumerate(wanted.parts)
        ]

    def _near(
        self, wanted: Wanted, rows: Mapping[str, Rows], revisions: Sequence["Revisions"]
    ) -> Sequence[tuple[NearSighting, ...]]:
        if wanted.ahead is None:
            return [()] * sum(len(part.claims) for part in wanted.parts)
        entries = [
            entry
            for part, found in zip(wanted.parts, revisions, strict=True)
            for entry in _numbered(part.claims, found)
        ]
        told = self._nearby.told(self._database, wanted.ahead, entries, wanted.near(rows))
        self._nearby.tidy()
        return told

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
    only_kept: frozenset[ReportId]
    near: Sequence[tuple[NearSighting, ...]]


def _by_revision(rows: Iterable[Any]) -> "Revisions":
    return {(str(row.report_id), int(row.revision)): row for row in rows}


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
            is_restricted=claim.is_correction and claim.report_id in found.only_kept,
        )
        for position, (claim, near) in enumerate(zip(claims, found.near, strict=True))
    )


def _numbered(claims: Sequence[Claim], revisions: Revisions) -> list[Numbered]:
    """What is answered is as of the revision's own number, which is an earlier one than the base where it was known."""
    base = next(iter(revisions.values())).base
    return [Numbered(claim, base, revisions[claim.report_id, claim.revision].claim_number) for claim in claims]


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


_LOCKED: Final = Query(text("select pg_advisory_xact_lock(:lock)"), {"lock": CLAIM_LOCK})
"""A statement of its own: the next one must see what the last holder of the lock committed."""
