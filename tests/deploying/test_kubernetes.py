"""The Kubernetes manifests: built by kustomize, valid for Kubernetes and Strimzi, and as the tables say."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml

from processors.keyring import keyring
from schemas.records.identifiers import MemberId
from schemas.topics import METRICS, OPS, RETURNS, TRIAGE, acl_table, topic_table
from tocsin.cli.canary import NAME as CANARY
from tocsin.cli.main import tocsin
from tocsin.policy.bundle import SAMPLE, load
from tocsin.policy.store.trust import FIRST_TRUST
from tocsin.runtime import settings
from tocsin.stack import manifests
from tocsin.stack.kafka import _BEHAVIOUR, Cluster
from tocsin.stack.manifests import Shape

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
SCHEMA = Path(__file__).with_name("strimzi.schema.json")
KUBERNETES = "1.34"
OUR_MEMBERS = load(SAMPLE).topics()
Manifest = dict[str, Any]

GRACE_SECONDS = 40
"""What a manager gives; tests/integration/test_stopping.py asks for less."""
PRINCIPALS = {"triage": TRIAGE, "returns": RETURNS, "lag": METRICS, "canary": CANARY, "deliver": "nl-hotline"}

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None and "CI" not in os.environ, reason="kubectl builds the manifests, and is not here"
)


def built(folder: Path) -> list[Manifest]:
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)  # noqa: S603, S607 -- ours
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def production(place: Path) -> list[Manifest]:
    """As an operator makes it: topics and users of the bundle, and secrets in their files."""
    shutil.copytree(FOLDER, place, dirs_exist_ok=True)
    overlay = place / "overlays" / "production"
    file = overlay / "kustomization.yaml"
    file.write_text(file.read_text("utf-8").replace("# - topics.yaml", "- topics.yaml").replace("# - users", "- users"))
    for one in yaml.safe_load(file.read_text("utf-8"))["secretGenerator"]:
        for name in one["files"]:
            (overlay / name).parent.mkdir(parents=True, exist_ok=True)
            (overlay / name).write_text("of nobody")
    command = tocsin.get_command(click.Context(tocsin), "acl")
    assert command is not None
    command.main(["manifests", "--partitions", "8", "--folder", str(overlay)], standalone_mode=False)
    return built(overlay)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Manifest]]:
    return {
        "sample": built(FOLDER / "overlays" / "sample"),
        "member": built(FOLDER / "member"),
        "production": production(tmp_path_factory.mktemp("kubernetes")),
    }


def of_kind(found: list[Manifest], kind: str) -> list[Manifest]:
    return [one for one in found if one["kind"] == kind]


def of_strimzi(found: list[Manifest]) -> list[Manifest]:
    return [one for one in found if one["apiVersion"].startswith("kafka.strimzi.io")]


def pods(everything: dict[str, list[Manifest]]) -> Iterator[Manifest]:
    for found in everything.values():
        for one in found:
            if one["kind"] in {"StatefulSet", "Job", "Deployment"}:
                yield one["spec"]["template"]["spec"]


def pods_with_secrets(everything: dict[str, list[Manifest]]) -> Iterator[Manifest]:
    """All but that of the ops page, which is given none."""
    for pod in pods(everything):
        if pod["containers"][0]["args"][0] != "ops":
            yield pod


def test_kubernetes_takes_each_manifest(everything: dict[str, list[Manifest]]) -> None:
    for found in everything.values():
        for one in found:
            if one not in of_strimzi(found):
                kubernetes_validate.validate(one, KUBERNETES, strict=True)


def test_a_field_that_kubernetes_does_not_know_would_be_found(everything: dict[str, list[Manifest]]) -> None:
    wrong = of_kind(everything["sample"], "StatefulSet")[0]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong | {"spec": wrong["spec"] | {"replica": 1}}, KUBERNETES, strict=True)


def judged(found: list[Manifest], place: Path) -> subprocess.CompletedProcess[str]:
    files = [place / f"{number}.json" for number in range(len(found))]
    for file, one in zip(files, found, strict=True):
        file.write_text(json.dumps(one), "utf-8")
    tool = Path(sys.executable).with_name("check-jsonschema")
    return subprocess.run([tool, "--schemafile", SCHEMA, *files], capture_output=True, text=True, check=False)  # noqa: S603 -- of our locks


def test_the_resources_of_strimzi_are_those_of_its_first_stable_version(
    everything: dict[str, list[Manifest]], tmp_path: Path
) -> None:
    found = [*of_strimzi(everything["sample"]), *of_strimzi(everything["production"])]
    assert {one["kind"] for one in found} == {"Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser"}
    assert (told := judged(found, tmp_path)).returncode == 0, told.stdout


def test_one_operation_as_older_versions_had_it_would_be_found(
    everything: dict[str, list[Manifest]], tmp_path: Path
) -> None:
    wrong = of_kind(everything["sample"], "KafkaUser")[0]
    rule = wrong["spec"]["authorization"]["acls"][0]
    rule["operation"] = rule.pop("operations")[0]
    try:
        assert judged([wrong], tmp_path).returncode == 1
    finally:
        rule["operations"] = [rule.pop("operation")]


def test_topics_and_users_are_those_of_the_tables() -> None:
    sample = FOLDER / "overlays" / "sample"
    stale = "Make them anew: tocsin acl manifests --folder deploy/kubernetes/overlays/sample"
    assert (sample / "topics.yaml").read_text("utf-8") == manifests.topics(OUR_MEMBERS, Shape()), stale
    assert (sample / "users.yaml").read_text("utf-8") == manifests.users(OUR_MEMBERS), stale


def test_every_topic_and_every_grant_is_there_and_no_other(everything: dict[str, list[Manifest]]) -> None:
    made = {
        one["metadata"]["name"]: (one["spec"]["partitions"], one["spec"]["config"])
        for one in of_kind(everything["sample"], "KafkaTopic")
    }
    assert made == {spec.name: (spec.partitions, spec.config) for spec in topic_table(OUR_MEMBERS)}
    allowed = {
        (user["metadata"]["name"], rule["resource"]["type"], rule["resource"]["name"], pattern, operation.upper())
        for user in of_kind(everything["sample"], "KafkaUser")
        for rule in user["spec"]["authorization"]["acls"]
        for operation in rule["operations"]
        for pattern in [rule["resource"]["patternType"]]
    }
    wanted = {
        (
            grant.principal,
            grant.resource.lower(),
            grant.name,
            "prefix" if grant.prefixed else "literal",
            grant.operation,
        )
        for grant in acl_table(OUR_MEMBERS)
    }
    assert allowed == wanted


ELSEWHERE = {"num.partitions", "offsets.topic.num.partitions", "group.initial.rebalance.delay.ms"} | {
    "log.retention.check.interval.ms",
    "broker.session.timeout.ms",
}
"""What lets a small stack start and forget quickly: no client and no record is treated otherwise."""


def test_the_brokers_treat_clients_and_records_as_those_of_the_local_stack(
    everything: dict[str, list[Manifest]],
) -> None:
    for name in ("sample", "production"):
        (kafka,) = of_kind(everything[name], "Kafka")
        found = {key: str(value) for key, value in kafka["spec"]["kafka"]["config"].items()}
        wanted = {key: value for key, value in _BEHAVIOUR.items() if key not in ELSEWHERE}
        assert {key: value for key, value in found.items() if key in _BEHAVIOUR} == wanted
        copies = Cluster(ports=((1, 2), (3, 4), (5, 6))).copies()
        assert {key: copies[key] for key in found.keys() & copies.keys()}.items() <= found.items()
        assert "version" not in kafka["spec"]["kafka"], "the README says that the operator's own default runs"


def test_production_has_more_workers_and_partitions(everything: dict[str, list[Manifest]]) -> None:
    found = everything["production"]
    assert {one["spec"]["partitions"] for one in of_kind(found, "KafkaTopic")} == {8}
    assert {one["metadata"]["name"]: one["spec"]["replicas"] for one in of_kind(found, "StatefulSet")} == {
        "triage-normal-worker": 4,
        "triage-escalated-worker": 2,
        "returns-worker": 2,
        "lag-worker": 1,
        "canary-worker": 1,
    }


def test_each_container_starts_a_command_that_takes_its_words(everything: dict[str, list[Manifest]]) -> None:
    started = set()
    for pod in pods(everything):
        for container in pod["containers"]:
            name, *words = container["args"]
            command = tocsin.get_command(click.Context(tocsin), name)
            assert command is not None, name
            known = {option: parameter for parameter in command.params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= known.keys()
            if "--registry-password" not in words:  # a file that is there in the pod alone
                command.make_context(name, [word.replace("$(WORKER)", "0") for word in words])
            started.add(name)
            assert "command" not in container
    assert started == {"triage", "returns", "deliver", "provision", "lag", "canary", "ops"}


def test_no_pod_runs_as_root_or_writes_its_root_or_gains_rights(everything: dict[str, list[Manifest]]) -> None:
    for pod in pods(everything):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            confined = container["securityContext"]
            assert confined["readOnlyRootFilesystem"] is True
            assert confined["allowPrivilegeEscalation"] is False
            assert confined["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


def test_the_ops_page_is_given_no_secret_and_speaks_with_prometheus_alone(
    everything: dict[str, list[Manifest]],
) -> None:
    for name in ("sample", "production"):
        (page,) = of_kind(everything[name], "Deployment")
        pod = page["spec"]["template"]["spec"]
        assert not {"volumes", "initContainers"} & pod.keys()
        assert "env" not in pod["containers"][0]
        assert pod["containers"][0]["image"] == "registry.example.test/tocsin:ops"
        (policy,) = [one for one in of_kind(everything[name], "NetworkPolicy") if one["metadata"]["name"] == "ops"]
        assert policy["spec"]["podSelector"]["matchLabels"] == page["spec"]["template"]["metadata"]["labels"]
        assert "ingress" not in policy["spec"]
        assert "Ingress" in policy["spec"]["policyTypes"]
        assert {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]} == {53, 9090}


def test_secrets_are_files_of_the_pods_own_user_and_stand_in_no_environment(
    everything: dict[str, list[Manifest]],
) -> None:
    for pod in pods_with_secrets(everything):
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            sources = [one.get("valueFrom", {}) for one in container.get("env", ())]
            assert not any("secretKeyRef" in source for source in sources)
            assert "envFrom" not in container
        assert any("secret" in volume for volume in pod["volumes"])
        assert {"name": "private", "emptyDir": {"medium": "Memory"}} in pod["volumes"]
        assert "umask 077" in pod["initContainers"][0]["command"][2]


def test_each_worker_may_be_moved_one_at_a_time_and_speaks_only_with_whom_it_must(
    everything: dict[str, list[Manifest]],
) -> None:
    for name in ("sample", "production"):
        found = everything[name]
        selected = {json.dumps(one["spec"]["selector"]) for one in of_kind(found, "PodDisruptionBudget")}
        workers = of_kind(found, "StatefulSet")
        assert {json.dumps(one["spec"]["selector"]) for one in workers} == selected
        (policy,) = [one for one in of_kind(found, "NetworkPolicy") if one["metadata"]["name"] == "workers"]
        assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
        labels = policy["spec"]["podSelector"]["matchLabels"].items()
        assert all(labels <= one["spec"]["template"]["metadata"]["labels"].items() for one in workers)


def test_a_worker_keeps_its_name_in_its_group_over_restarts(everything: dict[str, list[Manifest]]) -> None:
    for name in ("sample", "production"):
        for one in of_kind(everything[name], "StatefulSet"):
            (container,) = one["spec"]["template"]["spec"]["containers"]
            named = {entry["name"]: entry.get("valueFrom", {}).get("fieldRef", {}) for entry in container["env"]}
            assert named["WORKER"] == {"fieldPath": "metadata.labels['apps.kubernetes.io/pod-index']"}
            if container["args"][0] in {"triage", "returns"}:
                assert container["args"][container["args"].index("--instance") + 1] == "$(WORKER)"


def test_a_worker_speaks_with_kafka_postgresql_the_registry_and_names_alone_and_is_asked_by_prometheus_alone(
    everything: dict[str, list[Manifest]],
) -> None:
    for name in ("sample", "production"):
        (policy,) = [one for one in of_kind(everything[name], "NetworkPolicy") if one["metadata"]["name"] == "workers"]
        assert to_whom(policy["spec"]["egress"], "to") == {
            ("kubernetes.io/metadata.name=kube-system", 53),
            ("strimzi.io/cluster=tocsin", 9093),
            ("app.kubernetes.io/name=postgresql", 5432),
            ("app.kubernetes.io/name=registry", 8443),
        }
        assert to_whom(policy["spec"]["ingress"], "from") == {("kubernetes.io/metadata.name=monitoring", 9101)}


def to_whom(rules: list[dict[str, Any]], side: str) -> set[tuple[str, int]]:
    """Peers, by the one label that chooses each, and their ports; a rule without either is for everybody."""
    found = set()
    for rule in rules:
        for peer in rule[side]:
            (chosen,) = peer.values()
            ((label, value),) = chosen["matchLabels"].items()
            found |= {(f"{label}={value}", port["port"]) for port in rule["ports"]}
    return found


def test_a_worker_is_probed_where_it_answers_and_has_the_secrets_of_its_own_principal(
    everything: dict[str, list[Manifest]],
) -> None:
    for found in everything.values():
        for one in of_kind(found, "StatefulSet"):
            pod = one["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            (port,) = container["ports"]
            told = container["args"][container["args"].index("--metrics-port") + 1]
            assert (port["name"], port["containerPort"]) == ("metrics", int(told))
            probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
            paths = {"startup": "/live", "liveness": "/live", "readiness": "/ready"}
            assert probes == {kind: {"path": path, "port": "metrics"} for kind, path in paths.items()}
            assert pod["terminationGracePeriodSeconds"] >= GRACE_SECONDS
            (secrets,) = [volume["secret"] for volume in pod["volumes"] if volume["name"] == "secrets"]
            assert secrets["secretName"].startswith(PRINCIPALS[container["args"][0]])


def test_triage_does_not_start_without_the_keys_that_all_its_workers_share(
    everything: dict[str, list[Manifest]], tmp_path: Path
) -> None:
    for found in (everything["sample"], everything["production"]):
        for one in of_kind(found, "StatefulSet"):
            volumes = {volume["name"]: volume for volume in one["spec"]["template"]["spec"]["volumes"]}
            assert volumes["keyring"]["secret"]["optional"] is not one["metadata"]["name"].startswith("triage")
    keyring(tmp_path)
    (made,) = [one for one in everything["production"] if one["metadata"]["name"].startswith("keyring-")]
    assert made["data"].keys() == {file.name for file in (tmp_path / "keyring").iterdir()}


@pytest.mark.parametrize("principal", [TRIAGE, RETURNS, OPS, METRICS, CANARY])
def test_a_process_can_start_with_its_settings(principal: str) -> None:
    read = settings.load(FOLDER / "exchange" / "settings" / f"{principal}.toml")
    assert read.kafka.client()["security.protocol"] == "ssl"
    assert read.metrics_plaintext, "a kubelet probes in plain, from outside the pod"


@pytest.mark.parametrize("principal", [TRIAGE, RETURNS, OPS])
def test_the_settings_are_read_and_name_files_that_the_pod_has(
    principal: MemberId, everything: dict[str, list[Manifest]]
) -> None:
    read = settings.load(FOLDER / "exchange" / "settings" / f"{principal}.toml")
    assert (read.principal, read.metrics_port) == (principal, 9101)
    assert read.database is not None
    assert f"//{principal}@" in read.database.url
    (secret,) = [
        one for one in of_kind(everything["production"], "Secret") if one["metadata"]["name"].startswith(principal)
    ]
    named = (read.kafka.ca, read.kafka.certificate, read.kafka.key, read.database.password_file, read.database.ca)
    assert {path.name for path in named if path} <= secret["data"].keys()


@pytest.mark.parametrize("principal", [METRICS, CANARY])
def test_who_watches_has_settings_that_are_read_and_no_way_into_the_database(
    principal: str, everything: dict[str, list[Manifest]]
) -> None:
    read = settings.load(FOLDER / "exchange" / "settings" / f"{principal}.toml")
    assert (read.principal, read.metrics_port, read.database) == (principal, 9101, None)
    (secret,) = [
        one for one in of_kind(everything["production"], "Secret") if one["metadata"]["name"].startswith(principal)
    ]
    named = (read.kafka.ca, read.kafka.certificate, read.kafka.key, read.registry.ca)
    assert {path.name for path in named if path} == secret["data"].keys()


def test_the_first_bundle_is_the_sample_that_comes_with_this_version() -> None:
    trust = (FOLDER / "exchange" / "settings" / "policy-trust.toml").read_text("utf-8")
    digest = load(SAMPLE).digest
    assert trust == FIRST_TRUST.format(digest=digest), f"the sample changed: write {digest} there"


def test_yamllint_finds_nothing() -> None:
    root, tool = FOLDER.parents[1], Path(sys.executable).with_name("yamllint")
    done = subprocess.run([tool, "--strict", "deploy"], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 -- of our locks
    assert (done.returncode, done.stdout) == (0, "")
