"""The version after this one, as the fault makes it: its own commands take it, and both read each other."""

import json
from pathlib import Path

import pytest

from schemas.codec import decode_from, encode
from schemas.definitions import expanded
from schemas.records.report import ReportSubmitted
from tests.builders.reports import a_report, an_item
from tests.chaos.successor import FIELD, VALUE, command, successor

REPORT = a_report(items=(an_item(),))
PROBE = f"""
import json, sys
from schemas.codec import decode_from, encode
from schemas.definitions import expanded
from schemas.records.report import ReportSubmitted
from tests.builders.reports import a_report, an_item

schema, value = json.loads(open(sys.argv[1]).read())
print(json.dumps({{
    "schema": expanded("ReportSubmitted"),
    "value": encode(a_report(items=(an_item({FIELD}="{VALUE}"),))).hex(),
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


def test_each_reads_what_the_other_wrote(sources: Path, tmp_path: Path) -> None:
    (sources / "probe.py").write_text(PROBE)
    ours = tmp_path / "ours.json"
    ours.write_text(json.dumps([expanded("ReportSubmitted"), encode(REPORT).hex()]))
    theirs = json.loads(command(sources, "probe", str(ours)))
    assert theirs["read"] == ""
    assert decode_from(ReportSubmitted, theirs["schema"], bytes.fromhex(theirs["value"])) == REPORT
