"""Near hashes in PostgreSQL, where they survive, and in memory, where they are searched: one claim at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, Final, NamedTuple

from msgspec import Struct
from sqlalchemy import text

from processors.index.nearest import Asked, Nearest, Stored
from processors.index.port import KEPT, MAX_NEAR, Claim, NearSighting
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.triage import LinkState
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.erasing import TOMBSTONE
from tocsin.runtime.pipeline import Query, Rows

Found = Sequence[set[NearSighting]]
"""By claim, what is near to it."""
States = Mapping[str, tuple[int | None, int | None]]
"""By report, the numbers at which it was taken back and disputed; what was erased is not there."""
_ANY_NUMBER: Final = 2**62
"""Above every claim number: what is known before a claim was claimed before it."""
_PAGE: Final = 100_000
"""Hashes that are read at once when a worker starts, or comes back to them after long."""


class Numbered(Struct, frozen=True):
    """One claim with its places in the order of claims."""

    claim: Claim
    base: int
    """From where on stands what is claimed with it."""
    answered: int
    """Where its revision stands: what was claimed before is what it learns of, however often it is asked."""


class Ahead(NamedTuple):
    """What was found near to the hashes of a slice before it was claimed."""

    last: int
    """Up to which of the stored hashes was looked."""
    found: "Found"


class Nearby:
    """What every worker knows of all hashes: searched ahead of a claim, and completed by what the claim reads.

    Hashes are stored under the claim lock, so their numbers have the order in which they became visible: whatever is
    read later has all that was claimed before. The hashes of an erased report stay in memory until the worker starts
    anew, and are told to nobody.
    """

    def __init__(self) -> None:
        self._nearest = Nearest()
        self._last = 0
        self._is_caught_up = False
        self._one_at_a_time = Lock()
        """Several slices are claimed at a time, and each of them adds."""
        self._tidying = Lock()

    def ahead(self, database: Database, claims: Sequence[Claim]) -> Ahead | None:
        """Search what is known already, while nobody waits for it; None where a slice has no such hash."""
        if not any(claim.near for claim in claims):
            return None
        with self._one_at_a_time:
            if not self._is_caught_up:
                self._catch_up(database)
            found = closest(self._nearest, claims, [_ANY_NUMBER] * len(claims))
            return Ahead(self._last, found)

    def told(
        self, database: Database, ahead: Ahead, entries: Sequence[Numbered], rows: "Read"
    ) -> tuple[tuple[NearSighting, ...], ...]:
        """For each claim the earlier hashes near to its own, from what was found ahead and what the claim read."""
        came = (*rows.new, *rows.stored)
        with self._one_at_a_time:
            if len(rows.new) < _PAGE:
                self._note(came)
            else:
                self._catch_up(database)
            is_first_time = len(rows.new) < _PAGE and all(entry.answered >= entry.base for entry in entries)
            found = _both(ahead.found, near_to(_stored(came), entries)) if is_first_time else self._as_of(entries)
        states = {**rows.states, **_missing(database, rows.asked, found)}
        return tuple(_told(near, entry.answered, states) for entry, near in zip(entries, found, strict=True))

    def _as_of(self, entries: Sequence[Numbered]) -> "Found":
        """By each entry's own number: a replay is answered as it was, however many came since."""
        claims, numbers = [entry.claim for entry in entries], [entry.answered for entry in entries]
        return closest(self._nearest, claims, numbers)

    def tidy(self) -> None:
        """What takes time and can wait: called when the claim is committed, and made while others go on searching."""
        if not self._tidying.acquire(blocking=False):
            return
        try:
            with self._one_at_a_time:
                due = self._nearest.due()
            if due:
                made = due.made()
                with self._one_at_a_time:
                    self._nearest.take(due, made)
        finally:
            self._tidying.release()

    def _catch_up(self, database: Database) -> None:
        """What others have committed since the last time, and everything at the start."""
        while True:
            rows = database.together([Query(_READ, {"last": self._last, "limit": _PAGE})])[0]
            self._note(rows)
            if len(rows) < _PAGE:
                self._is_caught_up = True
                return
            if not self._is_caught_up:  # later on, somebody else may be making a table
                self._nearest.tidy()

    def _note(self, rows: Rows) -> None:
        """Those that are new here; another slice may have brought some of them meanwhile."""
        new = [row for row in rows if row.number > self._last]
        self._nearest.add(_stored(new))
        self._last = max((row.number for row in new), default=self._last)


class Read(Struct, frozen=True, kw_only=True):
    """What a claim read of near hashes."""

    new: Rows
    """Stored by others since the search ahead, in order."""
    stored: Rows
    """By this claim."""
    states: States
    asked: frozenset[ReportId]
    """The reports whose states were asked for; one that has none was erased."""


def new_since(ahead: Ahead) -> Query:
    """What came since, with what became of it."""
    return Query(_READ_NEW, {"last": ahead.last, "limit": _PAGE})


def stored_of(claims: Sequence[Claim]) -> Query:
    """What comes with a claim; sent right behind it, because it takes its number."""
    return Query(_INSERT, _parameters(claims))


def in_question(ahead: Ahead, claims: Iterable[Claim]) -> frozenset[ReportId]:
    """The reports whose states will be asked for."""
    return frozenset(near.report_id for found in ahead.found for near in found) | {
        claim.report_id for claim in claims if claim.near
    }


def states_of(reports: Iterable[ReportId]) -> Query:
    """What became of these."""
    return Query(_STATES, {"reports": sorted(reports)})


def _missing(database: Database, asked: frozenset[ReportId], found: "Found") -> States:
    """The states of what was found by another search than the one ahead, which is seldom anything."""
    unknown = {near.report_id for one in found for near in one} - asked
    return states_in(database.together([states_of(unknown)])[0]) if unknown else {}


def closest(known: Nearest, claims: Sequence[Claim], numbers: Sequence[int]) -> "Found":
    """For each claim the closest of these hashes that were claimed before that number."""
    pairs = list(zip(claims, numbers, strict=True))
    asked = [Asked(vector, claim.report_id, number) for claim, number in pairs for vector in claim.near]
    places = [(of, position) for of, claim in enumerate(claims) for position in range(len(claim.near))]
    found: list[set[NearSighting]] = [set() for _ in claims]
    for match in known.closest(asked):
        of, position = places[match.position]
        found[of].add(NearSighting(position, match.distance, match.report_id, match.member))
    return found


def near_to(stored: Sequence[Stored], entries: Sequence[Numbered]) -> "Found":
    """Of a few, in an index of their own."""
    beside = Nearest()
    beside.add(stored)
    return closest(beside, [entry.claim for entry in entries], [entry.answered for entry in entries])


def _both(first: "Found", second: "Found") -> "Found":
    return [one | other for one, other in zip(first, second, strict=True)]


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


def _stored(rows: Iterable[Any]) -> list[Stored]:
    return [Stored(bytes(r.veiled), MemberId(r.member), ReportId(str(r.report_id)), r.claim_number) for r in rows]


def _closest(found: set[NearSighting]) -> Iterator[NearSighting]:
    count: dict[int, int] = {}
    for sighting in sorted(found):
        count[sighting.position] = count.get(sighting.position, 0) + 1
        if count[sighting.position] <= MAX_NEAR:
            yield sighting


def _parameters(claims: Sequence[Claim]) -> dict[str, Any]:
    rows = list(_first_reports(claims))
    return {
        "veiled": [vector for vector, _ in rows],
        "members": [claims[place].member for _, place in rows],
        "reports": [claims[place].report_id for _, place in rows],
        "positions": [place for _, place in rows],
        "kept": KEPT,
    }


def _first_reports(claims: Sequence[Claim]) -> Iterator[tuple[bytes, int]]:
    """Each hash with the position of its claim; of a member no more reports with one hash than are kept."""
    kept: dict[tuple[bytes, MemberId], set[ReportId]] = {}
    for position, claim in enumerate(claims):
        for vector in claim.near:
            reports = kept.setdefault((vector, claim.member), set())
            if len(reports) < KEPT or claim.report_id in reports:
                reports.add(claim.report_id)
                yield vector, position


def states_in(rows: Iterable[Any]) -> States:
    """By report, of rows with the columns of a state."""
    return {str(row.report_id): (row.withdrawn_at, row.disputed_at) for row in rows}


def _told(found: set[NearSighting], number: int, states: States) -> tuple[NearSighting, ...]:
    return tuple(
        NearSighting(one.position, one.distance, one.report_id, one.member, state_at(number, *states[one.report_id]))
        for one in _closest(found)
        if one.report_id in states
    )


_READ: Final = text(
    "select number, veiled, member, report_id, claim_number from restricted.near_hashes "
    "where number > :last order by number limit :limit"
)
_READ_NEW: Final = text(
    f"select s.number, s.veiled, s.member, s.report_id, s.claim_number, {STATE_COLUMNS} "  # noqa: S608 -- ours
    "from restricted.near_hashes s where s.number > :last order by s.number limit :limit"
)
_INSERT: Final = text(f"""
    insert into restricted.near_hashes (veiled, member, report_id, claim_number)
    select veiled, member, report_id, currval('claim_numbers') + position
    from unnest(cast(:veiled as bytea[]), cast(:members as text[]), cast(:reports as uuid[]),
                cast(:positions as bigint[])) as n(veiled, member, report_id, position)
    where :kept > (select count(*) from restricted.near_hashes k where k.veiled = n.veiled and k.member = n.member
                   and {STANDS})
      and {NOT_ERASED.format("n")}
    order by position
    on conflict do nothing
    returning number, veiled, member, report_id, claim_number
""")  # noqa: S608 -- put together from our own text
_STATES: Final = text(
    f"select s.report_id, {STATE_COLUMNS} from unnest(cast(:reports as uuid[])) as s(report_id) "  # noqa: S608 -- ours
    f"where {NOT_ERASED.format('s')}"
)
