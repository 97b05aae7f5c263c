"""The index in memory: for evaluation and tests, with PostgreSQL's contract."""

from collections.abc import Callable

from msgspec import Struct

from processors.index.port import CLAIM_BLOCK, Claim, Knowledge, PriorRecipient, Sighting, Source
from schemas.records.identifiers import MemberId, ReportId


class _Revision(Struct, frozen=True):
    source: Source
    log_offset: int
    digest: bytes
    number: int


class _Seen(Struct, frozen=True):
    report_id: ReportId
    number: int


class MemoryIndex:
    """Forgets everything when the process ends."""

    def __init__(self, recipients: Callable[[ReportId], tuple[PriorRecipient, ...]] = lambda _: ()) -> None:
        self._recipients = recipients
        self._revisions: dict[tuple[ReportId, int], _Revision] = {}
        self._sightings: dict[bytes, dict[MemberId, _Seen]] = {}
        self._next_block = 0

    def claim(self, source: Source, claims: tuple[Claim, ...]) -> tuple[Knowledge, ...]:
        """Claim everything first, then answer."""
        base, self._next_block = self._next_block, self._next_block + CLAIM_BLOCK
        for position, claim in enumerate(claims):
            self._record(source, claim, base + position)
        return tuple(self._answer(source, claim) for claim in claims)

    def _record(self, source: Source, claim: Claim, number: int) -> None:
        revision = _Revision(source, claim.log_offset, claim.digest, number)
        self._revisions.setdefault((claim.report_id, claim.revision), revision)
        for selector in claim.selectors:
            self._sightings.setdefault(selector, {}).setdefault(claim.member, _Seen(claim.report_id, number))

    def _answer(self, source: Source, claim: Claim) -> Knowledge:
        own = self._revisions[claim.report_id, claim.revision]
        is_replay = (own.source, own.log_offset) == (source, claim.log_offset)
        return Knowledge(
            is_stale=self._has_higher(claim, own.number),
            is_conflicting=own.digest != claim.digest,
            is_resubmission=not is_replay and own.digest == claim.digest,
            sightings=self._earlier(claim, own.number),
            recipients=self._recipients(claim.report_id),
        )

    def _has_higher(self, claim: Claim, number: int) -> bool:
        return any(
            report == claim.report_id and revision > claim.revision and known.number < number
            for (report, revision), known in self._revisions.items()
        )

    def _earlier(self, claim: Claim, number: int) -> tuple[Sighting, ...]:
        return tuple(
            sorted(
                Sighting(selector, member, seen.report_id)
                for selector in claim.selectors
                for member, seen in self._sightings[selector].items()
                if seen.number < number and seen.report_id != claim.report_id
            )
        )
