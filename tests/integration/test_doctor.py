"""`tocsin doctor` on the real stack: all is well, then a topic is gone and repaired."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from schemas.records.identifiers import MemberId
from schemas.topics import escalated_topic
from tests.builders.homes import a_home_with
from tests.builders.promotions import a_chancery, another_bundle

pytestmark = pytest.mark.stack


def tocsin(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", *words, "--home", str(home)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)  # noqa: S603  # our own words


def test_a_stack_as_the_tables_make_it_has_nothing_wrong(stack: Any) -> None:
    assert tocsin(stack.home, "acl", "apply").returncode == 0  # another test may have changed a topic
    done = tocsin(stack.home, "doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    parts = {finding["part"]: finding["says"] for finding in json.loads(done.stdout)}
    assert {
        "kafka",
        "postgresql",
        "registry",
        "certificates",
        "policy",
        "topics",
        "access rules",
        "schemas",
        "migrations",
    } <= set(parts)
    assert parts["settings"].startswith("of a local stack")
    assert parts["database TLS"] == "TLSv1.3"


def test_a_topic_that_was_changed_is_named_and_repaired_by_the_command_that_is_named(stack: Any) -> None:
    topic = escalated_topic(MemberId("ngo-b"))
    shorter = ConfigEntry("retention.ms", "1000000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[shorter])
    admin = AdminClient(stack.client("ops"))
    admin.incremental_alter_configs([resource])[resource].result(30)
    broken = tocsin(stack.home, "doctor")
    assert broken.returncode == 3
    assert f"{topic} is configured otherwise" in broken.stdout
    assert "tocsin acl apply" in broken.stdout
    assert tocsin(stack.home, "acl", "apply").returncode == 0
    assert tocsin(stack.home, "doctor").returncode == 0


def test_a_policy_store_is_verified_whole_and_a_bundle_that_somebody_wrote_in_is_named(
    stack: Any, tmp_path: Path
) -> None:
    chancery = a_chancery(tmp_path)
    home = a_home_with(stack, chancery)
    for number, name in enumerate(("nl-hotline", "fr-hotline", "us-hotline"), start=1):
        made = chancery.promoted(another_bundle(tmp_path / name, name), number * 1000, -3_600_000)
    assert {finding["part"]: finding["says"] for finding in examined(home)}["policy"] == (
        f"bundle {made.digest[:16]} is in force; 4 verified"
    )
    past = chancery.store.chain(chancery.trust())[1].digest
    with (chancery.store.folder / "bundles" / past / "bases.toml").open("a") as file:
        file.write("# by a stranger\n")
    (damaged,) = [finding for finding in examined(home) if finding["part"] == "policy"]
    assert (damaged["level"], past[:16] in damaged["says"]) == ("fail", True), "no process loads it any more"
    (promotion,) = (chancery.store.folder / "promotions").glob(f"*-{past}.json")
    promotion.unlink()
    broken = tocsin(home, "doctor")
    assert (broken.returncode, "fail  policy" in broken.stdout) == (3, True), broken.stdout + broken.stderr
    assert "ok    kafka" in broken.stdout, "everything else is looked at all the same"


def examined(home: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(tocsin(home, "doctor", "--json").stdout)
    return found


def test_a_home_without_a_stack_says_how_to_get_one(tmp_path: Path) -> None:
    done = tocsin(tmp_path, "doctor")
    assert (done.returncode, "tocsin up" in done.stderr) == (4, True)
