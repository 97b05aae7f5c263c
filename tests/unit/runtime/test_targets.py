"""A Prometheus beside a process is told the address that is really served, for as long as it is."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.builders.waiting import a_free_port
from tocsin.runtime.endpoint import Endpoint, endpoint_of
from tocsin.runtime.failures import Broken
from tocsin.runtime.health import Health
from tocsin.runtime.settings import KafkaSettings, RegistrySettings, Settings
from tocsin.runtime.targets import announce


def settings(folder: Path, port: int) -> Settings:
    pem = folder / "none.pem"
    return Settings(
        principal="triage",
        state=folder,
        policy=folder,
        kafka=KafkaSettings(bootstrap="127.0.0.1:1", ca=pem, certificate=pem, key=pem),
        registry=RegistrySettings(url="https://127.0.0.1:1", ca=pem, cache=folder),
        metrics_port=port,
        metrics_targets=folder / "targets",
    )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Endpoint]:
    found = endpoint_of(settings(tmp_path, a_free_port()), Health())
    assert found is not None
    yield found
    found.close()


def test_the_address_in_the_file_is_scraped_and_the_file_goes_with_the_port(tmp_path: Path, served: Endpoint) -> None:
    (file,) = (tmp_path / "targets").glob("*.json")
    ((address,),) = [one["targets"] for one in json.loads(file.read_bytes())]
    with urlopen(f"http://{address}/metrics", timeout=5) as answer:  # our own loopback address
        assert b"tocsin_build_info" in answer.read()
    served.close()
    assert list((tmp_path / "targets").iterdir()) == []


def test_several_processes_of_one_machine_have_a_file_each_and_a_new_one_takes_the_place_of_a_killed_one(
    tmp_path: Path,
) -> None:
    files = {announce(tmp_path, "127.0.0.1", port, is_tls=False) for port in (9101, 9102, 9101)}
    assert {*tmp_path.iterdir()} == files
    assert len(files) == 2


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1:9101"),
        ("0.0.0.0", "127.0.0.1:9101"),  # noqa: S104  # that it is not told so is tested
        ("::", "[::1]:9101"),
        ("2001:db8::1", "[2001:db8::1]:9101"),
        ("triage.example.test", "triage.example.test:9101"),
    ],
)
def test_an_address_is_told_as_it_is_reached_from_beside(tmp_path: Path, host: str, address: str) -> None:
    file = announce(tmp_path, host, 9101, is_tls=False)
    assert json.loads(file.read_bytes()) == [{"targets": [address], "labels": {}}]
    assert not set(file.name) & set(":[]/")


def test_where_only_a_certificate_is_answered_prometheus_is_told_to_use_tls(tmp_path: Path) -> None:
    (told,) = json.loads(announce(tmp_path, "127.0.0.1", 9101, is_tls=True).read_bytes())
    assert told["labels"] == {"__scheme__": "https"}


def test_a_prometheus_of_another_user_may_read_it_whatever_the_umask_of_the_process_is(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        file = announce(tmp_path, "127.0.0.1", 9101, is_tls=False)
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_folder_that_is_none_is_said_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Broken, match="metrics_targets"):
        announce(tmp_path / "file", "127.0.0.1", 9101, is_tls=False)
