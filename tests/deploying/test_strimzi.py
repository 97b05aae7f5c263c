"""Strimzi's own classes read the resources that we write for its operator: `io.strimzi:api`, locked by its digest."""

import copy
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.deploying import test_kubernetes
from tests.deploying.test_kubernetes import FOLDER, Manifest, built, of_kind, of_strimzi, production
from tests.engines import jvm

LOCK = Path(__file__).with_name("strimzi.lock")
JUDGE = Path(__file__).with_name("java") / "Judge.java"

pytestmark = [
    test_kubernetes.pytestmark,
    pytest.mark.skipif(jvm.COMPILER is None, reason="javac is not here: Strimzi's classes need a JDK, 17 or newer"),
]

Judge = Callable[[Sequence[Manifest]], list[str]]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """What Strimzi's classes say of each resource: nothing where they take it."""
    command = jvm.command(JUDGE, LOCK, tmp_path_factory.mktemp("judge"))

    def judged(found: Sequence[Manifest]) -> list[str]:
        lines = "".join(f"{json.dumps(one)}\n" for one in found)
        done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)  # noqa: S603  # our own words
        return done.stdout.splitlines()

    return judged


@pytest.fixture(scope="module")
def sample() -> list[Manifest]:
    return of_strimzi(built(FOLDER / "overlays" / "sample"))


def test_strimzi_takes_each_resource_of_its_v1(judge: Judge, sample: list[Manifest], tmp_path: Path) -> None:
    found = [*sample, *of_strimzi(production(tmp_path / "kubernetes"))]
    assert {one["kind"] for one in found} == {"Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser"}
    said = judge(found)
    assert len(said) == len(found)
    assert [words for words in said if words] == []


def of_a_rule(change: dict[str, Any]) -> Callable[[Manifest], None]:
    """What is changed in the first rule of a user; None takes it out."""

    def done(user: Manifest) -> None:
        rule = user["spec"]["authorization"]["acls"][0]
        rule.update(change)
        for name in [name for name, value in rule.items() if value is None]:
            del rule[name]

    return done


WRONG: dict[str, tuple[str, Callable[[Manifest], Any], str]] = {
    "one operation, as v1beta2 had it": ("KafkaUser", of_a_rule({"operation": "Read"}), '"operation"'),
    "no operation": ("KafkaUser", of_a_rule({"operations": None}), "/operations is missing"),
    "an operation that is none": ("KafkaUser", of_a_rule({"operations": ["Reed"]}), '"Reed"'),
    "a label's misspelt name": ("KafkaUser", lambda one: one["metadata"].update(labls={}), '"labls"'),
    "another way to prove who one is": (
        "KafkaUser",
        lambda one: one["spec"]["authentication"].update(type="tls-extern"),
        "'tls-extern'",
    ),
    "no listeners": ("Kafka", lambda one: one["spec"]["kafka"].pop("listeners"), "/listeners is missing"),
    "brokers counted where v1 does not": ("Kafka", lambda one: one["spec"]["kafka"].update(replicas=3), '"replicas"'),
    "a setting that the operator decides": (
        "Kafka",
        lambda one: one["spec"]["kafka"]["config"].update({"ssl.client.auth": "none"}),
        "/config/ssl.client.auth is passed over",
    ),
    "an older version": ("Kafka", lambda one: one.update(apiVersion="kafka.strimzi.io/v1beta2"), "v1beta2"),
    "a role that is none": ("KafkaNodePool", lambda one: one["spec"].update(roles=["brokers"]), '"brokers"'),
    "no number of partitions": ("KafkaTopic", lambda one: one["spec"].update(partitions="many"), '"many"'),
}


def test_it_finds_whatever_v1_does_not_have(judge: Judge, sample: list[Manifest]) -> None:
    changed = []
    for kind, change, _ in WRONG.values():
        change(one := copy.deepcopy(of_kind(sample, kind)[0]))
        changed.append(one)
    said = dict(zip(WRONG, judge(changed), strict=True))
    assert {name: said[name] for name, (_, _, words) in WRONG.items() if words not in said[name]} == {}
