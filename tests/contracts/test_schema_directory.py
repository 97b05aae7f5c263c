"""What every schema directory must do: the fixed one, one over a small registry made here, and the real one."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import pytest

from schemas.definitions import RECORD_TYPES, expanded, schema_text
from schemas.failures import Broken, Temporary, Unreadable
from schemas.framing import frame
from schemas.records.answers import Return
from schemas.records.report import ReportSubmitted, Withdrawal
from tests.builders.registry import SmallRegistry
from tests.builders.reports import a_report, a_withdrawal
from tests.builders.room import no_room
from tocsin.runtime.registry import Directory, FixedDirectory, RecordCodec, SchemaDirectory, subject_of, subjects
from tocsin.runtime.settings import RegistrySettings
from tocsin.stack.provision import register_schemas

UNKNOWN_ID = 3_999_999_999


class Cached(Protocol):
    def __call__(self, url: str, ca: Path | None = None) -> SchemaDirectory: ...


@pytest.fixture
def small_registry() -> Iterator[SmallRegistry]:
    registry = SmallRegistry(subjects())
    yield registry
    registry.close()


@pytest.fixture
def directory_at(tmp_path: Path) -> Cached:
    def at(url: str, ca: Path | None = None) -> SchemaDirectory:
        return SchemaDirectory(RegistrySettings(url=url, ca=ca, cache=tmp_path / "cache"))

    return at


@pytest.fixture(params=["fixed", "small registry", pytest.param("real registry", marks=pytest.mark.stack(shared=True))])
def directory(request: pytest.FixtureRequest, directory_at: Cached) -> Directory:
    if request.param == "fixed":
        return FixedDirectory()
    if request.param == "small registry":
        return directory_at(request.getfixturevalue("small_registry").url)
    return directory_at(*request.getfixturevalue("real_registry"))


@pytest.fixture(scope="session")
def real_registry(stack: Any) -> tuple[str, Path]:
    registry = stack.registry
    register_schemas(registry.url, registry.writer, subjects(), registry.tls)
    return registry.url, stack.authority.certificate


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_an_id_leads_back_to_its_record(directory: Directory, record_type: type) -> None:
    writer = directory.writer_of(directory.id_of(record_type))
    assert writer.record_type is record_type
    assert writer.other_schema is None


def test_every_record_has_an_id_of_its_own(directory: Directory) -> None:
    assert len({directory.id_of(record_type) for record_type in RECORD_TYPES}) == len(RECORD_TYPES)


def test_an_id_that_nobody_gave_is_unreadable(directory: Directory) -> None:
    with pytest.raises(Unreadable) as caught:
        directory.writer_of(UNKNOWN_ID)
    assert caught.value.code == "schema.unknown_id"


def test_a_framed_record_is_read_again(directory: Directory) -> None:
    codec = RecordCodec(directory)
    assert codec.loads(codec.dumps(a_report()), Withdrawal, ReportSubmitted) == a_report()


def test_a_record_on_a_topic_of_others_is_unreadable(directory: Directory) -> None:
    codec = RecordCodec(directory)
    with pytest.raises(Unreadable) as caught:
        codec.loads(codec.dumps(a_withdrawal()), ReportSubmitted, Return)
    assert caught.value.code == "record.wrong_type"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "value.empty"),
        (b"", "value.empty"),
        (b"\x00\x01", "value.too_short"),
        (b"{}{}{}", "value.not_framed"),
        (frame(UNKNOWN_ID) + b"\x00", "schema.unknown_id"),
    ],
)
def test_a_value_that_holds_no_record_is_unreadable(directory: Directory, value: bytes | None, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        RecordCodec(directory).loads(value, ReportSubmitted)
    assert caught.value.code == code


def test_a_truncated_record_is_unreadable(directory: Directory) -> None:
    codec = RecordCodec(directory)
    with pytest.raises(Unreadable) as caught:
        codec.loads(codec.dumps(a_report())[:-3], ReportSubmitted)
    assert caught.value.code == "record.truncated"


def test_a_record_without_id_halts_the_process() -> None:
    with pytest.raises(Broken) as caught:
        FixedDirectory({}).id_of(ReportSubmitted)
    assert caught.value.code == "schema.not_registered"


def test_a_schema_that_nobody_registered_halts_the_process(directory_at: Cached) -> None:
    registry = SmallRegistry({})
    try:
        with pytest.raises(Broken) as caught:
            directory_at(registry.url).id_of(ReportSubmitted)
    finally:
        registry.close()
    assert caught.value.code == "schema.not_registered"


def test_what_was_asked_once_works_while_the_registry_is_away(
    small_registry: SmallRegistry, directory_at: Cached
) -> None:
    before = directory_at(small_registry.url)
    report_id = before.id_of(ReportSubmitted)
    small_registry.status = 503
    after = directory_at(small_registry.url)
    asked = small_registry.asked
    assert after.id_of(ReportSubmitted) == report_id
    assert after.writer_of(report_id).record_type is ReportSubmitted
    assert small_registry.asked == asked


@pytest.mark.parametrize("status", [500, 503, 401])
def test_a_registry_in_trouble_is_temporary_not_unknown(
    small_registry: SmallRegistry, directory_at: Cached, status: int
) -> None:
    small_registry.status = status
    with pytest.raises(Temporary) as caught:
        directory_at(small_registry.url).writer_of(101)
    assert caught.value.code == "registry.away"


def test_a_registry_that_is_gone_is_temporary(small_registry: SmallRegistry, directory_at: Cached) -> None:
    small_registry.close()
    with pytest.raises(Temporary):
        directory_at(small_registry.url).id_of(ReportSubmitted)


def test_a_schema_of_somebody_elses_is_unreadable(small_registry: SmallRegistry, directory_at: Cached) -> None:
    foreign = small_registry.add('{"type":"record","name":"Order","namespace":"shop","fields":[]}')
    with pytest.raises(Unreadable) as caught:
        directory_at(small_registry.url).writer_of(foreign)
    assert caught.value.code == "schema.unknown_id"


def test_a_later_versions_record_is_read_by_its_own_schema(small_registry: SmallRegistry, directory_at: Cached) -> None:
    later = expanded("Withdrawal")
    later["fields"] = [*later["fields"], {"name": "extra", "type": "string", "default": ""}]
    later_id = small_registry.add(json.dumps(later))
    codec = RecordCodec(directory_at(small_registry.url))
    value = frame(later_id) + codec.dumps(a_withdrawal())[5:] + b"\x06abc"
    assert codec.loads(value, Withdrawal) == a_withdrawal()


def test_the_cache_is_for_its_owner_only_and_survives_a_crash(
    small_registry: SmallRegistry, directory_at: Cached, tmp_path: Path
) -> None:
    directory_at(small_registry.url).id_of(ReportSubmitted)
    (file,) = (tmp_path / "cache").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(file.read_bytes()[:10])
    assert directory_at(small_registry.url).id_of(ReportSubmitted) == small_registry.ids[schema_text(ReportSubmitted)]


def test_threads_that_meet_new_schemas_together_all_remember_them(
    small_registry: SmallRegistry, directory_at: Cached
) -> None:
    directory = directory_at(small_registry.url)
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(directory.id_of, RECORD_TYPES * 4))
    asked = small_registry.asked
    again = directory_at(small_registry.url)
    assert [again.id_of(record_type) for record_type in RECORD_TYPES * 4] == ids
    assert small_registry.asked == asked


def test_another_registrys_ids_are_not_believed(small_registry: SmallRegistry, directory_at: Cached) -> None:
    directory_at(small_registry.url).id_of(ReportSubmitted)
    other = SmallRegistry({})
    try:
        with pytest.raises(Broken):
            directory_at(other.url).id_of(ReportSubmitted)
    finally:
        other.close()


def test_there_is_a_subject_for_every_record() -> None:
    assert set(subjects()) == {subject_of(record_type) for record_type in RECORD_TYPES}


def test_a_full_disk_is_warned_of_once_and_ends_nobody(
    small_registry: SmallRegistry, directory_at: Cached, caplog: pytest.LogCaptureFixture
) -> None:
    directory = directory_at(small_registry.url)
    with no_room():
        ids = [directory.id_of(each) for each in RECORD_TYPES]
    assert len([line for line in caplog.records if line.levelname == "WARNING"]) == 1
    small_registry.close()
    assert [directory.id_of(each) for each in RECORD_TYPES] == ids
    with pytest.raises(Temporary):
        directory_at(small_registry.url).id_of(RECORD_TYPES[0])


def test_what_had_no_room_is_kept_with_what_is_learnt_next(small_registry: SmallRegistry, directory_at: Cached) -> None:
    directory = directory_at(small_registry.url)
    with no_room():
        first = directory.id_of(RECORD_TYPES[0])
    directory.id_of(RECORD_TYPES[1])
    small_registry.close()
    assert directory_at(small_registry.url).id_of(RECORD_TYPES[0]) == first
