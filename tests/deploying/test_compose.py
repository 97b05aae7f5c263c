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
from tocsin.stack.jars import broker_jars, locked, postgresql_archive, registry_archive
from tocsin.stack.kafka import _ALONE, _BEHAVIOUR, _security
from tocsin.stack.registry import _access

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "compose"
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
        "lag",
        "canary",
        "ops",
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


@pytest.mark.parametrize("name", sorted(OURS.keys() - {"provision"}))
def test_each_service_that_goes_on_is_asked_whether_it_lives_on_the_port_that_it_is_given(name: str) -> None:
    """The image asks on 9101; who listens elsewhere says so here."""
    words = OURS[name]["command"]
    port = words[words.index("--metrics-port" if "--metrics-port" in words else "--port") + 1]
    image = (FOLDER.parent / "image" / "Dockerfile").read_text("utf-8").split("HEALTHCHECK")[1]
    asked = " ".join(OURS[name]["healthcheck"]["test"]) if "healthcheck" in OURS[name] else image
    assert f"http://127.0.0.1:{port}/live" in asked
    assert int(OURS[name]["stop_grace_period"].removesuffix("s")) >= 40


@pytest.mark.parametrize("name", OURS)
def test_each_service_of_ours_is_nobody_and_writes_its_volumes_alone(name: str) -> None:
    one = OURS[name]
    assert (one["read_only"], one["user"], one["cap_drop"]) == (True, "10001:10001", ["ALL"])
    assert "environment" not in one
    volumes = one.get("volumes", ())
    assert [mount for mount in volumes if mount.startswith("./secrets/")] == [
        mount for mount in volumes if mount.endswith(":/run/tocsin/own:ro")
    ]
    assert bool(volumes) is (name != "ops"), "the ops page is given nothing"


def test_the_database_lets_nobody_in_over_the_network_without_tls_and_the_registry_verifies_it() -> None:
    database, registry = SERVICES["postgresql"], SERVICES["registry"]
    (target,) = [word.removeprefix("hba_file=") for word in database["command"] if word.startswith("hba_file=")]
    (source,) = [mount.split(":")[0] for mount in database["volumes"] if mount.endswith(f":{target}:ro")]
    rules = [line.split() for line in (FOLDER / source).read_text().splitlines() if not line.startswith("#")]
    assert [rule[0] for rule in rules] == ["local", "hostssl"]
    asked = registry["environment"]["APICURIO_DATASOURCE_URL"].partition("?")[2]
    assert asked == "sslmode=verify-full&sslrootcert=/run/tocsin/own/ca.pem"


def test_the_registry_lets_nobody_write_who_could_not_on_the_local_stack() -> None:
    assert _access().items() <= SERVICES["registry"]["environment"].items()


def test_no_service_is_built_with_what_only_developers_need() -> None:
    roles = {name: one["build"]["args"]["ROLE"] for name, one in OURS.items()}
    assert {name: role for name, role in roles.items() if OURS[name]["image"] != f"tocsin:{role}"} == {}
    assert {"deliver": "receive", "receiver": "receiver", "canary": "triage", "ops": "ops"}.items() <= roles.items()
    assert "dev" not in roles.values()
    assert [role for role in roles.values() if not (ROOT / "requirements" / f"{role}.txt").exists()] == []


def test_prometheus_scrapes_every_service_that_serves_figures() -> None:
    (job,) = yaml.safe_load((FOLDER / "servers" / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    (targets,) = (one["targets"] for one in job["static_configs"])
    serving = {f"{name}:9101" for name, one in OURS.items() if "--metrics-port" in one["command"]}
    assert (set(targets), len(targets)) == (serving, len(serving))


def test_grafana_loads_the_dashboards_from_where_it_is_mounted() -> None:
    mounts = dict(mount.split(":")[:2] for mount in SERVICES["grafana"]["volumes"])
    provider = mounts["./servers/grafana-dashboards.yml"]
    assert provider.startswith("/etc/grafana/provisioning/dashboards/")
    (one,) = yaml.safe_load((FOLDER / "servers" / "grafana-dashboards.yml").read_text("utf-8"))["providers"]
    assert (one["type"], one["options"]["path"]) == ("file", mounts["../grafana"])
    assert {file.name for file in (FOLDER.parent / "grafana").iterdir()} == {"tocsin.json", "tocsin-member.json"}


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


def test_the_broker_is_of_the_version_that_the_tests_run_and_postgresql_too() -> None:
    jars = locked()
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{broker_jars(jars)[0].version}"
    tested = postgresql_archive(jars, "x86_64").version.removesuffix(".0")
    assert SERVICES["postgresql"]["image"] == f"postgres:{tested}-bookworm"
    archive = registry_archive(jars)
    assert SERVICES["registry"]["image"] == f"apicurio/apicurio-registry:{archive.version}"


def test_the_simulated_hotline_has_settings_that_are_read() -> None:
    read = settings.load(FOLDER / "servers" / "nl-hotline.toml")
    assert (read.principal, read.metrics_plaintext) == ("nl-hotline", True)
    assert read.kafka.client()["security.protocol"] == "ssl"
    delivery = load_delivery(FOLDER / "servers" / "nl-hotline.delivery.toml", FOLDER)
    assert isinstance(delivery, DeliverySettings)
    assert [sink.name for sink in delivery.sinks] == ["receiver"]
