"""Trying a bundle out on a past range: what it would have decided otherwise; reads topics and writes nothing."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from processors.retrial import KINDS, Court, Difference, Verdict, difference
from schemas.records.identifiers import MemberId
from schemas.records.report import PersonalPart
from schemas.records.triage import ReportTriaged
from tocsin.policy.bundle import Bundle
from tocsin.policy.policies import Policies
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.proof.reading import Raw, TopicReader
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings
from tocsin.stack.past import Decisions, Progress, Range, member_of, raw_record, read_past

EXAMPLES: Final = 5
"""Of each kind."""


class Case(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record that the bundle decides otherwise."""

    place: str
    submitter: MemberId
    reference: str = ""
    revision: int = 0
    difference: Difference


class Shadow(Struct, frozen=True, kw_only=True):
    """What the bundle changes; the same range and bundle give the same bytes."""

    policy: str
    from_ms: int
    until_ms: int
    records: int
    undecided: int
    """Refused, or not triaged when this was read: nothing was recorded of other reports."""
    not_reproduced: int
    """Decided by a bundle that is not in the store: held against the one in force instead."""
    changed: Mapping[str, int]
    cases: tuple[Case, ...]

    def examples(self, kind: str) -> tuple[Case, ...]:
        """The first of a kind."""
        return tuple(case for case in self.cases if kind in case.difference.kinds)[:EXAMPLES]


class Bench(Struct, frozen=True, kw_only=True):
    """The bundle that is tried, and those that decided."""

    tried: Court
    rules: Policies
    codec: RecordCodec
    personal_schema_id: int
    opener: Opener | None = None

    def before(self, raw: Raw, recorded: ReportTriaged | None) -> Verdict | None:
        """As it was decided, by the bundle that decided."""
        known = self.rules.of(recorded.policy.bundle) if recorded else None
        bundle = known or self.rules.at(raw.timestamp_ms)
        return self._court(bundle).judge(raw_record(raw), member_of(raw.place.topic), recorded)

    def after(self, raw: Raw, recorded: ReportTriaged | None) -> Verdict | None:
        """As it would be decided."""
        return self.tried.judge(raw_record(raw), member_of(raw.place.topic), recorded)

    def _court(self, bundle: Bundle) -> Court:
        return Court(bundle=bundle, codec=self.codec, personal_schema_id=self.personal_schema_id, opener=self.opener)


def shadow(settings: Settings, bundle: Bundle, rules: Policies, span: Range, progress: Progress) -> Shadow:
    """Read the range and decide it twice: by what was in force, and by the bundle."""
    directory = SchemaDirectory(settings.registry)
    codec, schema_id = RecordCodec(directory), directory.id_of(PersonalPart)
    opener = Opener.beside_triage(settings.trust, lambda: time.time_ns() // 1_000_000)
    tried = Court(bundle=bundle, codec=codec, personal_schema_id=schema_id, opener=opener)
    bench = Bench(tried=tried, rules=rules, codec=codec, personal_schema_id=schema_id, opener=opener)
    reader = TopicReader(settings)
    try:
        past = read_past(reader, codec, span, progress)
    finally:
        reader.close()
    cases = tuple(_cases(bench, past.records, past.decisions, progress))
    kinds = Counter(kind for case in cases for kind in case.difference.kinds)
    recorded = past.decisions.values()
    return Shadow(
        policy=bundle.digest,
        from_ms=span.from_ms,
        until_ms=span.until_ms,
        records=len(past.records),
        undecided=len(past.records) - len(past.decisions),
        not_reproduced=sum(rules.of(one.policy.bundle) is None for one in recorded),
        changed={kind: kinds[kind] for kind in KINDS},
        cases=cases,
    )


def _cases(bench: Bench, records: tuple[Raw, ...], decisions: Decisions, progress: Progress) -> Iterator[Case]:
    for count, raw in enumerate(records, 1):
        recorded = decisions.get(raw.place)
        before, after = bench.before(raw, recorded), bench.after(raw, recorded)
        progress("decided", count)
        if before is None or after is None:
            continue
        found = difference(before, after)
        if found.kinds:
            yield _case(raw, recorded, found, bench.codec)


def _case(raw: Raw, recorded: ReportTriaged | None, found: Difference, codec: RecordCodec) -> Case:
    member = member_of(raw.place.topic)
    if recorded is None:
        return Case(place=str(raw.place), submitter=member, difference=found)
    return Case(
        place=str(raw.place),
        submitter=member,
        reference=recorded.submitter_reference,
        revision=recorded.revision,
        difference=found,
    )
