"""Near hashes in PostgreSQL, where they survive, and in memory, where they are searched: one claim at a time."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Row, text

from processors.index.nearest import Asked, Nearest, Stored
from processors.index.port import KEPT, MAX_NEAR, Claim, NearSighting
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.triage import LinkState
from tocsin.runtime.ledger.erasing import TOMBSTONE

_PAGE: Final = 100_000
"""Hashes that are read at once when a worker starts."""


class Numbered(Struct, frozen=True):
    """One claim with its places in the order of claims."""

    claim: Claim
    claimed: int
    """Where what it claims now stands."""
    answered: int
    """Where its revision stands: what was claimed before is what it learns of, however often it is asked."""


class Nearby:
    """What every worker knows of all hashes; called under the claim lock, so that nothing is missed or met twice.

    The hashes of an erased report stay in memory until the worker starts anew, and are told to nobody.
    """

    def __init__(self) -> None:
        self._nearest = Nearest()
        self._last = 0

    def claim(self, connection: Connection, entries: Sequence[Numbered]) -> tuple[tuple[NearSighting, ...], ...]:
        """For each claim the earlier hashes near to its own; its own are stored for those to come."""
        if not any(entry.claim.near for entry in entries):
            return tuple(() for _ in entries)
        self._catch_up(connection)
        new = _stored(connection.execute(_INSERT, _parameters(entries)).all())
        found = earlier(self._nearest, new, entries)
        states = _states(connection, found)
        pairs = zip(entries, found, strict=True)
        return tuple(_told(sightings, entry.answered, states) for entry, sightings in pairs)

    def tidy(self) -> None:
        """What takes time and can wait: called when the claim is committed."""
        self._nearest.tidy()

    def _catch_up(self, connection: Connection) -> None:
        """What others have committed since the last time, and everything at the start."""
        while True:
            rows = connection.execute(_READ, {"last": self._last, "limit": _PAGE}).all()
            self._nearest.add(_stored(rows))
            self._last = rows[-1].number if rows else self._last
            if len(rows) < _PAGE:
                return
            self._nearest.tidy()


def earlier(known: Nearest, new: Sequence[Stored], entries: Sequence[Numbered]) -> list[list[NearSighting]]:
    """For each claim the closest hashes that were claimed before: of those that are known, and of its own slice.

    The new ones are in an index of their own, which goes with the transaction should it fail.
    """
    beside = Nearest()
    beside.add(new)
    asked = [Asked(v, entry.claim.report_id, entry.answered) for entry in entries for v in entry.claim.near]
    places = [(of, position) for of, entry in enumerate(entries) for position in range(len(entry.claim.near))]
    found: list[set[NearSighting]] = [set() for _ in entries]
    for match in chain(known.closest(asked), beside.closest(asked)):
        of, position = places[match.position]
        found[of].add(NearSighting(position, match.distance, match.report_id, match.member))
    return [list(_closest(each)) for each in found]


def state_at(number: int, withdrawn_at: int | None, disputed_at: int | None) -> LinkState:
    """What had become of a report when the claim of that number was made."""
    if withdrawn_at is not None and withdrawn_at < number:
        return LinkState.RETRACTED
    return LinkState.DISPUTED if disputed_at is not None and disputed_at < number else LinkState.STANDS


STATE_COLUMNS: Final = """
    (select min(r.claim_number) from report_revisions r where r.report_id = s.report_id and r.withdrawn)
        as withdrawn_at,
    (select min(d.claim_number) from disputes d where d.report_id = s.report_id) as disputed_at
"""
"""Of a row `s` with a report_id: what `state_at` asks for."""

STANDS: Final = """
    not exists (select 1 from report_revisions r where r.report_id = k.report_id and r.withdrawn)
    and not exists (select 1 from disputes d where d.report_id = k.report_id)
"""
"""Of a row `k` with a report_id: whether it was neither taken back nor disputed until now."""

NOT_ERASED: Final = (
    f"not exists (select 1 from report_revisions e where e.report_id = {{}}.report_id and e.revision = {TOMBSTONE})"  # noqa: S608
)
"""Of a row with a report_id: whether the report may be kept at all."""


def _stored(rows: Sequence[Row[Any]]) -> list[Stored]:
    return [Stored(bytes(r.veiled), MemberId(r.member), ReportId(str(r.report_id)), r.claim_number) for r in rows]


def _closest(found: set[NearSighting]) -> Iterator[NearSighting]:
    count: dict[int, int] = {}
    for sighting in sorted(found):
        count[sighting.position] = count.get(sighting.position, 0) + 1
        if count[sighting.position] <= MAX_NEAR:
            yield sighting


def _parameters(entries: Sequence[Numbered]) -> dict[str, Any]:
    rows = list(_first_reports((vector, entry) for entry in entries for vector in entry.claim.near))
    return {
        "veiled": [vector for vector, _ in rows],
        "members": [entry.claim.member for _, entry in rows],
        "reports": [entry.claim.report_id for _, entry in rows],
        "numbers": [entry.claimed for _, entry in rows],
        "kept": KEPT,
    }


def _first_reports(rows: Iterable[tuple[bytes, Numbered]]) -> Iterator[tuple[bytes, Numbered]]:
    kept: dict[tuple[bytes, MemberId], set[ReportId]] = {}
    for vector, entry in rows:
        reports = kept.setdefault((vector, entry.claim.member), set())
        if len(reports) < KEPT or entry.claim.report_id in reports:
            reports.add(entry.claim.report_id)
            yield vector, entry


def _states(connection: Connection, found: Sequence[Sequence[NearSighting]]) -> dict[str, tuple[Any, Any]]:
    reports = sorted({sighting.report_id for sightings in found for sighting in sightings})
    if not reports:
        return {}
    rows = connection.execute(_STATES, {"reports": reports})
    return {str(row.report_id): (row.withdrawn_at, row.disputed_at) for row in rows}


def _told(
    sightings: Sequence[NearSighting], number: int, states: dict[str, tuple[Any, Any]]
) -> tuple[NearSighting, ...]:
    return tuple(
        NearSighting(one.position, one.distance, one.report_id, one.member, state_at(number, *states[one.report_id]))
        for one in sightings
        if one.report_id in states
    )


_READ: Final = text(
    "select number, veiled, member, report_id, claim_number from restricted.near_hashes "
    "where number > :last order by number limit :limit"
)
_INSERT: Final = text(f"""
    insert into restricted.near_hashes (veiled, member, report_id, claim_number)
    select veiled, member, report_id, claim_number
    from unnest(cast(:veiled as bytea[]), cast(:members as text[]), cast(:reports as uuid[]),
                cast(:numbers as bigint[])) as n(veiled, member, report_id, claim_number)
    where :kept > (select count(*) from restricted.near_hashes k where k.veiled = n.veiled and k.member = n.member
                   and {STANDS})
      and {NOT_ERASED.format("n")}
    order by claim_number
    on conflict do nothing
    returning veiled, member, report_id, claim_number
""")  # noqa: S608 -- put together from our own text
_STATES: Final = text(
    f"select s.report_id, {STATE_COLUMNS} from unnest(cast(:reports as uuid[])) as s(report_id) "  # noqa: S608 -- ours
    f"where {NOT_ERASED.format('s')}"
)
