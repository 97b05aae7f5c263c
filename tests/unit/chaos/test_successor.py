"""The version after this one, as the fault makes it: its own commands take it, and both read each other."""

import json
from pathlib import Path
from typing import Any

import pytest

from consumers.provenance import Provenance, examined
from schemas.codec import decode_from, encode
from schemas.definitions import expanded
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted
from tests.builders.proofs import DIRECTORY
from tests.builders.reports import a_report, an_item
from tests.chaos.successor import FIELD, VALUE, command, successor
from tests.unit.consumers.test_provenance import released

REPORT = a_report(items=(an_item(),))
PROBE = f"""
import json, sys
from schemas.codec import decode_from, encode
from schemas.definitions import expanded
from schemas.records.report import ReportSubmitted
from tests.builders.proofs import a_committed_report
from tests.builders.reports import a_report, an_item
from tests.unit.consumers.test_provenance import released

SIGNED = a_committed_report(items=(an_item({FIELD}="{VALUE}"),))
schema, value = json.loads(open(sys.argv[1]).read())
print(json.dumps({{
    "schema": expanded("ReportSubmitted"),
    "value": encode(a_report(items=(an_item({FIELD}="{VALUE}"),))).hex(),
    "signed": encode(SIGNED).hex(),
    "referral_schema": expanded("Referral"),
    "decided": encode(released(SIGNED)).hex(),
    "read": getattr(decode_from(ReportSubmitted, schema, bytes.fromhex(value)).items[0], "{FIELD}"),
}}))
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: its schemas are written and checked by its own commands."""
    return successor(tmp_path_factory.mktemp("successor"))


def test_it_has_one_field_more_than_the_version_that_is_released_there(sources: Path) -> None:
    added = command(sources, "tocsin", "schema", "diff", "Referral", "v1").splitlines()
    assert added
    assert all(line.startswith("+ ") and FIELD in line for line in added)


@pytest.fixture(scope="module")
def theirs(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the successor writes, and what it reads of ours."""
    (sources / "probe.py").write_text(PROBE)
    ours = tmp_path_factory.mktemp("ours") / "ours.json"
    ours.write_text(json.dumps([expanded("ReportSubmitted"), encode(REPORT).hex()]))
    found: dict[str, Any] = json.loads(command(sources, "probe", str(ours)))
    return found


def test_each_reads_what_the_other_wrote(theirs: dict[str, Any]) -> None:
    assert theirs["read"] == ""
    assert decode_from(ReportSubmitted, theirs["schema"], bytes.fromhex(theirs["value"])) == REPORT


def test_the_signature_of_a_field_that_triage_does_not_know_holds_no_more_so_that_triage_goes_over_first(
    theirs: dict[str, Any],
) -> None:
    report = decode_from(ReportSubmitted, theirs["schema"], bytes.fromhex(theirs["signed"]))
    found = examined(released(report), DIRECTORY)
    assert found.provenance is Provenance.WRONG


def test_a_reader_that_does_not_know_a_signed_field_is_told_that_one_is_missing_so_that_readers_go_over_before_triage(
    theirs: dict[str, Any],
) -> None:
    referral = decode_from(Referral, theirs["referral_schema"], bytes.fromhex(theirs["decided"]))
    found = examined(referral, DIRECTORY)
    assert (found.provenance, found.altered, found.unclaimed) == (Provenance.ALTERED, (), 1)
