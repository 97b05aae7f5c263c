"""The bill of materials names what the locks name, and nothing else."""

import json
import re
from urllib.parse import quote

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tocsin.stack.jars import locked
from tocsin.stack.sbom import ROOT, bill_of_materials
from tocsin.stack.watching.uplot import the_archive


def test_it_names_each_locked_package_and_jar_once_with_its_digests() -> None:
    bill = json.loads(bill_of_materials(ROOT))
    listed = [component["purl"] for component in bill["components"]]
    pins = re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==([^\s;]+)", (ROOT / "requirements/dev.txt").read_text(), re.M)
    packages = {f"pkg:pypi/{name}@{quote(version)}" for name, version in pins}
    jars = {f"pkg:maven/{jar.group}/{jar.artifact}@{jar.version}" for jar in (*locked(), the_archive())}
    assert len(listed) == len(set(listed))
    assert {purl.split("?")[0] for purl in listed} == packages | jars
    assert all(component["hashes"] for component in bill["components"])


def test_it_says_which_role_installs_a_package() -> None:
    bill = json.loads(bill_of_materials(ROOT))
    roles = {found["name"]: {each["value"] for each in found["properties"]} for found in bill["components"]}
    assert roles["confluent-kafka"] == {"submit", "receive", "triage"}
    assert (roles["pytest"], roles["kafka-clients"]) == ({"dev"}, {"local stack"})
    assert roles["uplot"] == {"ops page"}


def test_two_runs_of_one_commit_give_the_same_bytes_and_name_no_registry() -> None:
    first = bill_of_materials(ROOT)
    assert first == bill_of_materials(ROOT)
    assert not re.search(r"https?://(?!cyclonedx\.org)", first)


def test_it_is_valid_cyclonedx() -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(bill_of_materials(ROOT)) is None
    assert validator.validate_str('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}]}') is not None
