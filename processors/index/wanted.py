"""What one claim wants of PostgreSQL: its statements, in the order in which they travel together (pure)."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from processors.index.claiming import claim_of, sightings_of
from processors.index.corrections import found_out_of, only_kept_of, recipients_of
from processors.index.nearby import Ahead, Read, in_question, new_since, states_in, states_of, stored_of
from processors.index.port import Claim, RulingClaim, Source, source_of
from processors.index.ruled import ruling_queries
from schemas.records.identifiers import ReportId
from tocsin.runtime.pipeline import Query, Rows


class Part(Struct, frozen=True, kw_only=True):
    """Claims that stand in one place, in the order of their offsets."""

    source: Source
    claims: tuple[Claim, ...]
    is_again: bool = False
    """What rulings are about: it was claimed there before, and each ruling says itself who has it."""


class Wanted(Struct, frozen=True, kw_only=True):
    """The claims of one slice with its rulings; all under one lock, in one transaction."""

    source: Source
    parts: tuple[Part, ...]
    rulings: tuple[RulingClaim, ...] = ()
    ahead: Ahead | None = None

    def sources(self) -> Mapping[Source, int]:
        """The places, each with the first offset that is read there; 0 where another slice was claimed before."""
        first = {part.source: 0 if part.is_again else part.claims[0].log_offset for part in self.parts}
        return first | ({self.source: self.rulings[0].log_offset} if self.rulings else {})

    def later(self) -> list[Part]:
        """Those with later revisions: what came before may be in another worker's hands."""
        return [part for part in self.parts if any(claim.revision > 1 for claim in part.claims)]

    def own(self, part: Part, streams: Mapping[Source, int]) -> list[int]:
        """The streams of which this worker knows that nothing is in hand before the part."""
        return [streams[part.source]] + ([streams[self.source]] if part.is_again else [])

    def queries(self, streams: Mapping[Source, int]) -> dict[str, Query]:
        """What is asked under the lock, in order."""
        asked = {"new": new_since(self.ahead)} if self.ahead else {}
        for n, part in enumerate(self.parts):
            if not part.is_again:
                asked |= self._claims(n, streams[part.source])
        if self.rulings:
            asked |= ruling_queries(streams[self.source], self.rulings)
        for n, part in enumerate(self.parts):
            if part.is_again:
                asked |= self._claims(n, streams[part.source])
        first = [claim for part in self.parts if not part.is_again for claim in part.claims]
        if any(claim.revision > 1 for claim in first):
            asked["recipients"] = recipients_of(first)
        if self.ahead:
            asked["states"] = states_of(self._in_question(self.ahead))
        return asked

    def then(self) -> dict[str, Query]:
        """What is asked once all of it is committed."""
        first = [claim for part in self.parts if not part.is_again for claim in part.claims]
        if not any(claim.is_correction for claim in first):
            return {}
        return {"found out": found_out_of(first), "only kept": only_kept_of(first)}

    def near(self, rows: Mapping[str, Rows]) -> Read:
        """What those statements were answered with about near hashes; only where something was searched ahead."""
        assert self.ahead is not None  # noqa: S101 -- asked of no other
        stored = [row for n in range(len(self.parts)) for row in rows[f"stored {n}"]]
        states = states_in((*rows["states"], *rows["new"]))
        asked = self._in_question(self.ahead) | {ReportId(str(row.report_id)) for row in rows["new"]}
        return Read(new=rows["new"], stored=stored, states=states, asked=asked)

    def _claims(self, n: int, stream: int) -> dict[str, Query]:
        claims = self.parts[n].claims
        stored = {f"stored {n}": stored_of(claims)} if self.ahead else {}
        return {f"claim {n}": claim_of(stream, claims), **stored, f"sightings {n}": sightings_of(claims)}

    def _in_question(self, ahead: Ahead) -> frozenset[ReportId]:
        return in_question(ahead, (claim for part in self.parts for claim in part.claims))


def parts_of(source: Source, rulings: Sequence[RulingClaim]) -> tuple[tuple[Part, ...], list[int]]:
    """What rulings claim, by place, and of each claim in that order the position of its ruling."""
    places: dict[tuple[Source, bool], list[tuple[int, Claim]]] = {}
    for n, one in enumerate(rulings):
        if one.taken:
            places.setdefault((source, False), []).append((n, one.taken))
        if one.again:
            places.setdefault((source_of(one.ruling), True), []).append((n, one.again))
    parts = (
        Part(source=place, claims=tuple(claim for _, claim in found), is_again=is_again)
        for (place, is_again), found in places.items()
    )
    return tuple(parts), [n for found in places.values() for n, _ in found]
