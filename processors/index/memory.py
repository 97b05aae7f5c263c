"""The index in memory: for evaluation and tests, with PostgreSQL's contract."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from processors.index.port import (
    CLAIM_BLOCK,
    KEPT,
    MAX_DISTANCE,
    MAX_NEAR,
    Claim,
    Knowledge,
    NearSighting,
    PriorRecipient,
    Ruled,
    RulingClaim,
    Sighting,
    Source,
    source_of,
)
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.ruling import Amendment, Ruling
from schemas.records.triage import LinkState
from tocsin.runtime.ledger.erasing import TOMBSTONE


class _Revision(Struct, frozen=True):
    source: Source
    log_offset: int
    digest: bytes
    withdrawn: bool
    number: int


class _Seen(Struct, frozen=True):
    report_id: ReportId
    number: int
    bound: bytes = b""


class _Ruling(Struct, frozen=True):
    source: Source
    log_offset: int
    revision: tuple[ReportId, int]
    number: int
    block: int
    chosen: tuple[MemberId, ...]


_Place = tuple[bytes, MemberId]
_Room = dict[_Place, set[ReportId]]
"""Places that take more reports, with those that they took from these claims."""


class _Kept:
    """What is remembered of each selector, by member and report."""

    def __init__(self) -> None:
        self.places: dict[bytes, dict[MemberId, dict[ReportId, _Seen]]] = defaultdict(lambda: defaultdict(dict))

    def room(
        self, claims: tuple[Claim, ...], keys: list[dict[bytes, bytes]], stands: Callable[[ReportId], bool]
    ) -> _Room:
        """Where fewer of the member's reports stand than are kept."""
        asked = {(key, claim.member) for claim, own in zip(claims, keys, strict=True) for key in own}
        return {(key, member): set() for key, member in asked if sum(map(stands, self.places[key][member])) < KEPT}

    def keep(self, claim: Claim, number: int, keys: Mapping[bytes, bytes], room: _Room) -> None:
        """Each with what it is bound to."""
        for key, bound in keys.items():
            reports = room.get((key, claim.member))
            if reports is not None and (len(reports) < KEPT or claim.report_id in reports):
                reports.add(claim.report_id)
                seen = _Seen(claim.report_id, number, bound)
                self.places[key][claim.member].setdefault(claim.report_id, seen)

    def forget(self, report_id: ReportId) -> None:
        """Without that report."""
        for members in self.places.values():
            for reports in members.values():
                reports.pop(report_id, None)


class MemoryIndex:
    """Forgets everything when the process ends."""

    def __init__(
        self,
        recipients: Callable[[ReportId], tuple[PriorRecipient, ...]] = lambda _: (),
        found_out: Callable[[ReportId], tuple[Amendment, ...]] = lambda _: (),
        is_restricted: Callable[[ReportId], bool] = lambda _: False,
    ) -> None:
        self._recipients = recipients
        self._found_out = found_out
        self._is_restricted = is_restricted
        self._revisions: dict[ReportId, dict[int, _Revision]] = {}
        self._sightings = _Kept()
        self._near = _Kept()
        self._carrying: dict[bytes, set[ReportId]] = defaultdict(set)
        self._rulings: dict[str, _Ruling] = {}
        self._disputes: dict[ReportId, int] = {}
        self._next_block = 0

    def claim(self, source: Source, claims: tuple[Claim, ...]) -> tuple[Knowledge, ...]:
        """Claim everything first, then answer."""
        base, self._next_block = self._next_block, self._next_block + CLAIM_BLOCK
        digests = [{selected.digest: selected.bound for selected in reversed(claim.selectors)} for claim in claims]
        room = self._sightings.room(claims, digests, self._stands_now)
        for position, claim in enumerate(claims):
            digest = b"" if self._is_erased(claim.report_id) else claim.digest
            revision = _Revision(source, claim.log_offset, digest, claim.withdrawn, base + position)
            self._revisions.setdefault(claim.report_id, {}).setdefault(claim.revision, revision)
        vectors = [dict.fromkeys(claim.near, b"") for claim in claims]
        near_room = self._near.room(claims, vectors, self._stands_now)  # as PostgreSQL's second statement sees it
        for position, claim in enumerate(claims):
            if self._is_erased(claim.report_id):
                continue
            self._sightings.keep(claim, base + position, digests[position], room)
            self._near.keep(claim, base + position, vectors[position], near_room)
            for digest in digests[position]:
                self._carrying[digest].add(claim.report_id)
        return tuple(self._answer(source, claim, base + position) for position, claim in enumerate(claims))

    def rule(self, source: Source, claims: tuple[RulingClaim, ...]) -> tuple[Ruled, ...]:
        """Number them; a later revision that is claimed afterwards changes no answer."""
        taken = dict(zip(*self._claimed_by(claims, lambda one: (source, one.taken)), strict=True))
        for claim in claims:
            ruling = claim.ruling
            numbers = [one.number for one in self._rulings.values() if one.revision == _revision_of(ruling)]
            made = _Ruling(
                source, claim.log_offset, _revision_of(ruling), len(numbers) + 1, self._next_block, ruling.chosen
            )
            self._rulings.setdefault(ruling.ruling_id, made)
            self._next_block += CLAIM_BLOCK
        again = dict(zip(*self._claimed_by(claims, lambda one: (source_of(one.ruling), one.again)), strict=True))
        known = taken | again
        return tuple(replace(self._ruled(source, claim), known=known.get(n)) for n, claim in enumerate(claims))

    def _claimed_by(
        self, claims: tuple[RulingClaim, ...], of: Callable[[RulingClaim], tuple[Source, Claim | None]]
    ) -> tuple[list[int], list[Knowledge]]:
        """The positions of those that claim something, and the answers."""
        wanted = [(n, place, claim) for n, one in enumerate(claims) for place, claim in (of(one),) if claim]
        return [n for n, _, _ in wanted], [self.claim(place, (claim,))[0] for _, place, claim in wanted]

    def _ruled(self, source: Source, claim: RulingClaim) -> Ruled:
        made, ruling = self._rulings[claim.ruling.ruling_id], claim.ruling
        overtaken = any(
            revision > ruling.revision and known.number < made.block
            for revision, known in self._revisions.get(ruling.report_id, {}).items()
        )
        is_elsewhere = (made.source, made.log_offset) != (source, claim.log_offset)
        before = [x for x in self._rulings.values() if x.revision == made.revision and x.number < made.number]
        return Ruled(
            number=made.number,
            is_stale=overtaken or is_elsewhere,
            recipients=self._recipients(ruling.report_id),
            chosen=tuple(sorted({name for one in before for name in one.chosen})),
        )

    def erase(self, report_id: ReportId) -> None:
        """Let go of what it said: whatever comes of it later is not kept."""
        known = self._revisions[report_id]
        self._revisions[report_id] = {number: replace(one, digest=b"") for number, one in known.items()}
        source = next(iter(known.values())).source
        self._revisions[report_id][TOMBSTONE] = _Revision(source, -1, b"", withdrawn=False, number=self._next_block)
        self._next_block += CLAIM_BLOCK
        for kept in (self._sightings, self._near):
            kept.forget(report_id)
        for reports in self._carrying.values():
            reports.discard(report_id)

    def carrying(self, digest: bytes) -> set[ReportId]:
        """All with that selector, as the ledger tells them (`tocsin.runtime.ledger.subjects`)."""
        return set(self._carrying[digest])

    def dispute(self, report_id: ReportId) -> None:
        """A recipient says that the report is wrong; what is claimed later learns of it."""
        self._disputes.setdefault(report_id, self._next_block)
        self._next_block += CLAIM_BLOCK

    def _answer(self, source: Source, claim: Claim, asked: int) -> Knowledge:
        own = self._revisions[claim.report_id][claim.revision]
        if self._is_erased(claim.report_id):
            return Knowledge(is_stale=True, is_erased=True, recipients=self._recipients(claim.report_id))
        is_again = own.digest == claim.digest and (own.source, own.log_offset) != (source, claim.log_offset)
        return Knowledge(
            is_stale=self._has_higher(claim, asked if is_again else own.number),
            is_conflicting=own.digest != claim.digest,
            is_resubmission=is_again,
            sightings=self._earlier(claim, own.number),
            near=tuple(self._near_to(claim, own.number)),
            recipients=self._recipients(claim.report_id),
            found_out=self._found_out(claim.report_id) if claim.is_correction else (),
            is_restricted=claim.is_correction and self._is_restricted(claim.report_id),
        )

    def _is_erased(self, report_id: ReportId) -> bool:
        return TOMBSTONE in self._revisions.get(report_id, {})

    def _has_higher(self, claim: Claim, number: int) -> bool:
        return any(
            revision > claim.revision and known.number < number
            for revision, known in self._revisions[claim.report_id].items()
        )

    def _earlier(self, claim: Claim, number: int) -> tuple[Sighting, ...]:
        found = (
            self._first((selected.digest, member), _before(reports, claim, number), number)
            for selected in claim.selectors
            for member, reports in self._sightings.places[selected.digest].items()
        )
        return tuple(sorted(sighting for sighting in found if sighting is not None))

    def _first(self, place: _Place, earlier: list[_Seen], number: int) -> Sighting | None:
        """The member's first report that stood then; where none did, the first."""
        if not earlier:
            return None
        seen = min(earlier, key=lambda one: (self._state(one.report_id, number) is not LinkState.STANDS, one.number))
        return Sighting(*place, seen.report_id, seen.bound, self._state(seen.report_id, number))

    def _near_to(self, claim: Claim, number: int) -> Iterator[NearSighting]:
        for position, vector in enumerate(claim.near):
            found = (
                NearSighting(position, distance, seen.report_id, member, self._state(seen.report_id, number))
                for other, members in self._near.places.items()
                if (distance := _distance(vector, other)) <= MAX_DISTANCE
                for member, reports in members.items()
                for seen in _before(reports, claim, number)
            )
            yield from sorted(found)[:MAX_NEAR]

    def _stands_now(self, report_id: ReportId) -> bool:
        return self._state(report_id, self._next_block) is LinkState.STANDS

    def _state(self, report_id: ReportId, number: int) -> LinkState:
        """What had become of it when the claim was made: the same answer for ever."""
        taken_back = (known.number < number for known in self._revisions[report_id].values() if known.withdrawn)
        if any(taken_back):
            return LinkState.RETRACTED
        return LinkState.DISPUTED if self._disputes.get(report_id, number) < number else LinkState.STANDS


def _revision_of(ruling: Ruling) -> tuple[ReportId, int]:
    return ruling.report_id, ruling.revision


def _before(reports: Mapping[ReportId, _Seen], claim: Claim, number: int) -> list[_Seen]:
    return [seen for seen in reports.values() if seen.number < number and seen.report_id != claim.report_id]


def _distance(vector: bytes, other: bytes) -> int:
    return (int.from_bytes(vector) ^ int.from_bytes(other)).bit_count()
