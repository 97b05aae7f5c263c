"""The compose file: valid, its commands taken by the command line, and nothing secret outside a file."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from consumers.settings import DeliverySettings
from consumers.settings import load as load_delivery
from tocsin.cli.main import tocsin
from tocsin.runtime import settings
from tocsin.stack.certificates import Pair
from tocsin.stack.kafka import _ALONE, _BEHAVIOUR, _security

FOLDER = Path(__file__).parents[2] / "deploy" / "compose"
FILE = FOLDER / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("tocsin:")}


def judged(file: Path) -> subprocess.CompletedProcess[str]:
    tool = str(Path(sys.executable).with_name("check-jsonschema"))
    words = [tool, "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 -- of our locks


def test_it_is_what_the_specification_of_compose_allows(tmp_path: Path) -> None:
    assert (told := judged(FILE)).returncode == 0, told.stdout
    (wrong := tmp_path / "compose.yaml").write_text("services: {triage: {image: tocsin, readonly: true}}\n")
    assert judged(wrong).returncode == 1


def test_each_profile_has_what_it_promises() -> None:
    plain = {name for name, one in SERVICES.items() if "profiles" not in one}
    assert plain == {"kafka", "postgresql", "registry", "provision", "triage-normal", "triage-escalated", "returns"}
    assert {name for name, one in SERVICES.items() if one.get("profiles") == ["ops"]} == {
        "prometheus",
        "alertmanager",
        "grafana",
    }
    assert {name for name, one in SERVICES.items() if one.get("profiles") == ["demo"]} == {"deliver", "receiver"}


@pytest.mark.parametrize("name", OURS)
def test_each_service_of_ours_starts_a_command_that_takes_its_words(name: str) -> None:
    first, *words = OURS[name]["command"]
    command = tocsin.get_command(click.Context(tocsin), first)
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
    if first != "provision":  # the password that it names is there in the container alone
        command.make_context(first, words)


@pytest.mark.parametrize("name", OURS)
def test_each_service_of_ours_is_nobody_and_writes_its_volumes_alone(name: str) -> None:
    one = OURS[name]
    assert (one["read_only"], one["user"], one["cap_drop"]) == (True, "10001:10001", ["ALL"])
    assert "environment" not in one
    assert [mount for mount in one["volumes"] if mount.startswith("./secrets/")] == [
        mount for mount in one["volumes"] if mount.endswith(":/run/tocsin/own:ro")
    ]


def test_no_secret_stands_in_an_environment_and_git_keeps_none() -> None:
    for one in SERVICES.values():
        for name, value in one.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith("/run/secrets/"), name
    assert (FOLDER / ".gitignore").read_text("utf-8").split() == ["secrets/"]
    assert all(one["file"].startswith("secrets/") for one in COMPOSE["secrets"].values())


def test_every_file_that_is_mounted_is_there() -> None:
    assert [one["file"] for one in COMPOSE["configs"].values() if not (FOLDER / one["file"]).exists()] == []
    mounts = [mount.split(":")[0] for one in SERVICES.values() for mount in one.get("volumes", ())]
    here = [mount for mount in mounts if mount.startswith(".") and not mount.startswith("./secrets/")]
    assert [mount for mount in here if not (FOLDER / mount).exists()] == []


def test_the_broker_behaves_as_that_of_the_local_stack() -> None:
    text = (FOLDER / "servers" / "kafka.properties").read_text("utf-8")
    found = dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))
    security = _security(Pair(*(Path(end) for end in "abc")), Path("d"))
    wanted = {key: value for key, value in security.items() if not key.endswith("store.location")}
    assert (wanted | _BEHAVIOUR | _ALONE).items() <= found.items()


def test_the_simulated_hotline_has_settings_that_are_read() -> None:
    assert settings.load(FOLDER / "servers" / "nl-hotline.toml").principal == "nl-hotline"
    delivery = load_delivery(FOLDER / "servers" / "nl-hotline.delivery.toml", FOLDER)
    assert isinstance(delivery, DeliverySettings)
    assert [sink.name for sink in delivery.sinks] == ["receiver"]
