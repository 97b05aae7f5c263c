"""Whether memory is flat: the line through what was sampled, and triage itself over thousands of new reports."""

import gc
import random
import sys
from collections.abc import Callable
from itertools import islice
from typing import cast

import pytest

from processors.index.memory import MemoryIndex
from processors.referring import Desk
from processors.triage import Finished, Tools, TriageStages
from schemas.records.report import ReportSubmitted
from schemas.topics import submitted_topic
from tests.builders.identity import KEYS, VEIL
from tests.chaos.memory.slope import BYTES_PER_RECORD, FEWEST_SAMPLES, Sample, growth
from tests.chaos.publishing import SUBMITTERS, Wanted, unique_reports
from tocsin.policy.bundle import SAMPLE, load
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.standings import nothing_special
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

MIB = 1024 * 1024
SLICES = 12
SLICE_RECORDS = 250
BLOCKS_PER_REPORT = 0.5
"""Whoever keeps anything of a report keeps at least one."""


def sampled(size_bytes: Callable[[int], float], records: int = 1_000_000, count: int = 200) -> list[Sample]:
    """So many looks at a process whose size follows from what it has handled; it moves by a MiB, by chance."""
    chance = random.Random(1)  # noqa: S311 -- a repeatable run, no secret
    steps = [records * number // count for number in range(count + 1)]
    return [Sample(seen, round(size_bytes(seen) + chance.uniform(-MIB, MIB))) for seen in steps]


def test_a_size_that_moves_and_does_not_rise_is_flat() -> None:
    found = growth(sampled(lambda _: 180 * MIB))
    assert found.flat
    assert abs(found.slope_bytes_per_1000_records) < 1000 * BYTES_PER_RECORD


def test_what_is_filled_at_first_is_no_growth() -> None:
    found = growth(sampled(lambda seen: min(180 * MIB, 60 * MIB + 600 * seen)))
    assert found.flat
    assert found.records == 1_000_000


@pytest.mark.parametrize("kept_bytes", [30, 100, 1000])
def test_a_process_that_keeps_something_of_each_record_is_found_out(kept_bytes: int) -> None:
    found = growth(sampled(lambda seen: 180 * MIB + kept_bytes * seen))
    assert not found.flat
    assert found.slope_bytes_per_1000_records == pytest.approx(1000 * kept_bytes, rel=0.1)


def test_of_a_few_looks_nothing_is_called_flat() -> None:
    assert not growth(sampled(lambda _: 180 * MIB, count=FEWEST_SAMPLES - 2)).flat


def test_a_process_that_nobody_looked_at_has_no_slope() -> None:
    with pytest.raises(ValueError, match="never looked at"):
        growth([])


def blocks_per_report(then: Callable[[Finished], object]) -> float:
    """How many blocks of memory triage holds more, for each report after the first half of the slices."""
    codec = RecordCodec(FixedDirectory())
    desk = Desk(bundle=load(SAMPLE), keys=KEYS, personal_schema_id=8)
    tools = Tools(desk=desk, veil=VEIL, codec=codec, standings=nothing_special)
    wanted = Wanted(reports=10 * SLICES * SLICE_RECORDS, countries=("NL", "DE", "FR", "AQ"), seed=7, seconds=0)
    reports = (each for each in unique_reports(wanted) if each.submitter == SUBMITTERS[0])
    held = []
    for number in range(SLICES):
        piece = a_piece(codec, number, list(islice(reports, SLICE_RECORDS)))
        # A claim store of its own for each: what is claimed is kept by design, in PostgreSQL.
        stages = TriageStages(tools, MemoryIndex(), cast(Database, None), {})
        then(stages.finish(stages.claim(stages.decide(piece))))
        del stages, piece
        gc.collect()
        held.append(sys.getallocatedblocks())
    return (held[-1] - held[SLICES // 2]) / (SLICE_RECORDS * (SLICES - 1 - SLICES // 2))


def a_piece(codec: RecordCodec, number: int, reports: list[ReportSubmitted]) -> Slice:
    values = (
        RawRecord(offset=number * SLICE_RECORDS + n, timestamp_ms=1_795_000_000_000, key=b"k", value=value, headers=())
        for n, value in enumerate(map(codec.dumps, reports))
    )
    return Slice(topic_id="id", topic=submitted_topic(SUBMITTERS[0]), partition=0, records=tuple(values))


def test_triage_keeps_nothing_of_the_reports_that_it_has_decided() -> None:
    assert blocks_per_report(lambda _: None) < BLOCKS_PER_REPORT


def test_one_small_thing_kept_of_each_report_would_be_seen() -> None:
    kept: list[object] = []
    assert blocks_per_report(lambda found: kept.extend(bytes(40) for _ in found.answers)) > BLOCKS_PER_REPORT
