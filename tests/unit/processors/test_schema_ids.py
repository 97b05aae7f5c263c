"""Triage and the registry: an id that nobody gave is a dead letter, a registry that is away is waited for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from processors.index.memory import MemoryIndex
from processors.referring import Desk
from processors.triage import Tools, TriageStages
from schemas.definitions import RECORD_TYPES, expanded
from schemas.failures import Temporary
from schemas.framing import frame
from tests.builders.identity import KEYS, VEIL
from tests.builders.policy import the_sample
from tests.builders.registry import SmallRegistry
from tests.builders.reports import a_report
from tests.unit.processors.test_triage_stages import a_piece
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.registry import RecordCodec, SchemaDirectory, subjects
from tocsin.runtime.settings import RegistrySettings

UNKNOWN_ID = 987_654


@pytest.fixture
def registry() -> Iterator[SmallRegistry]:
    found = SmallRegistry(subjects())
    yield found
    found.close()


@pytest.fixture
def codec(registry: SmallRegistry, tmp_path: Path) -> RecordCodec:
    """The codec of a worker that has met every record before."""
    directory = SchemaDirectory(RegistrySettings(url=registry.url, cache=tmp_path))
    for record_type in RECORD_TYPES:
        directory.writer_of(directory.id_of(record_type))
    return RecordCodec(directory)


def outcomes(codec: RecordCodec, *values: bytes) -> list[Outcome]:
    tools = Tools(desk=Desk(bundle=the_sample(), keys=KEYS, personal_schema_id=8), veil=VEIL, codec=codec)
    stages = TriageStages(tools, MemoryIndex(), cast(Database, None), {})
    decided = stages.decide(a_piece(*values))
    return [answer.outcome for answer in stages.finish(stages.claim(decided)).answers]


def test_an_id_that_nobody_gave_is_a_dead_letter_and_the_reports_around_it_go_on(codec: RecordCodec) -> None:
    good = codec.dumps(a_report())
    unknown = frame(UNKNOWN_ID) + good[5:]
    other = codec.dumps(a_report(submitter_reference="b"))
    assert outcomes(codec, good, unknown, other) == [Outcome.ROUTED, Outcome.REFUSED, Outcome.ROUTED]


def test_while_the_registry_is_away_known_ids_keep_working_and_another_id_waits(
    registry: SmallRegistry, codec: RecordCodec
) -> None:
    good = codec.dumps(a_report())
    registry.status = 503
    assert outcomes(codec, good) == [Outcome.ROUTED]
    with pytest.raises(Temporary) as away:
        outcomes(codec, good, frame(UNKNOWN_ID) + good[5:])
    assert away.value.code == "registry.away"
    registry.status = 200
    assert outcomes(codec, good, frame(UNKNOWN_ID) + good[5:]) == [Outcome.ROUTED, Outcome.REFUSED]


def test_a_report_of_a_later_version_waits_for_the_registry_and_is_read_then(
    registry: SmallRegistry, codec: RecordCodec
) -> None:
    later = expanded("ReportSubmitted")
    later["fields"] = [*later["fields"], {"name": "extra", "type": "string", "default": ""}]
    value = frame(registry.add(json.dumps(later))) + codec.dumps(a_report())[5:] + b"\x06abc"
    registry.status = 500
    with pytest.raises(Temporary):
        outcomes(codec, value)
    registry.status = 200
    assert outcomes(codec, value) == [Outcome.ROUTED]
