"""Every released version stays readable by today's code, and today's records by every released version."""

from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import msgspec
import pytest
from msgspec import Struct

from schemas.codec import decode_from, encode
from schemas.definitions import RECORD_TYPES, expanded, record_type_named
from schemas.releases import State, releases_of, versions
from schemas.vocabularies import vocabulary
from tests.golden.cases import cases
from tests.golden.regenerate import golden_file, golden_json

FOLDER = Path(__file__).parent
STORED = sorted(FOLDER.glob("*/*/*.avro"))
DRAFTS = [version.name for version in versions() if version.state is State.DRAFT]
HINT = "if the change is meant: tocsin schema draft, then: python -m tests.golden.regenerate"


def name_of(file: Path) -> str:
    return "/".join(file.parts[-3:])


def record_type_of(file: Path) -> type[Struct]:
    record_type = record_type_named(file.parent.name)
    assert record_type is not None, f"{name_of(file)}: no record has this name"
    return record_type


def released_schema(file: Path) -> dict[str, Any]:
    version = file.parent.parent.name
    return next(one.whole_schema for one in releases_of(file.parent.name) if one.version.name == version)


def stored_record(file: Path) -> Struct:
    return msgspec.json.decode(file.with_suffix(".json").read_bytes(), type=record_type_of(file))


@pytest.mark.parametrize("file", STORED, ids=name_of)
def test_todays_code_reads_what_a_released_version_wrote(file: Path) -> None:
    found = decode_from(record_type_of(file), released_schema(file), file.read_bytes())
    assert found == stored_record(file), f"{name_of(file)} reads differently now; {HINT}"


@pytest.mark.parametrize("file", STORED, ids=name_of)
def test_a_released_version_reads_what_todays_code_writes(file: Path) -> None:
    written = encode(stored_record(file))
    writer = fastavro.parse_schema(expanded(file.parent.name))
    reader = fastavro.parse_schema(released_schema(file))
    found = fastavro.schemaless_reader(BytesIO(written), writer, reader)
    assert isinstance(found, dict)
    assert set(found) == {field["name"] for field in released_schema(file)["fields"]}


@pytest.mark.parametrize("version", DRAFTS)
@pytest.mark.parametrize("name", cases())
def test_the_draft_versions_golden_files_are_current(version: str, name: str) -> None:
    record = cases()[name]
    file = golden_file(version, name, record, ".json")
    assert file.exists(), f"{name_of(file)} is missing; {HINT}"
    assert file.read_bytes() == golden_json(record), f"{name_of(file)} is not what cases.py says; {HINT}"
    assert file.with_suffix(".avro").read_bytes() == encode(record), f"{name_of(file)}: other bytes; {HINT}"


def test_every_record_has_a_golden_record() -> None:
    assert {type(record) for record in cases().values()} == set(RECORD_TYPES)


def test_every_incident_type_has_a_golden_record_without_url_hash_or_item() -> None:
    for code in vocabulary("incident_type").codes:
        report: Any = cases()[f"report_{code}"]
        assert report.incident_types == (code,)
        assert (report.source_url, report.items) == (None, ())
        assert report.sealed
