"""`tocsin explain` and `tocsin quality` on the real stack: from what triage recorded."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.records.identifiers import MemberId, report_id_of
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.reports import a_hosting, an_item
from tocsin.publisher import Publisher

pytestmark = pytest.mark.stack
MEMBER = MemberId("fr-hotline")


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture(autouse=True)
def worker(stack: Any, tmp_path: Path) -> Iterator[None]:
    with a_crew(stack.home, tmp_path / "logs") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        yield


def tocsin(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return commands.tocsin(stack.home, *words)


def until_explained(stack: Any, asked: str) -> str:
    deadline = time.monotonic() + 60
    while (done := tocsin(stack, "explain", asked)).returncode:
        assert time.monotonic() < deadline, done.stderr
        time.sleep(1)
    return done.stdout


def test_a_decision_is_explained_by_reference_by_id_and_to_a_recipient(stack: Any) -> None:
    with Publisher(stack.config(MEMBER)) as publisher:
        publisher.publish(a_draft(submitter_reference="explain-1", items=(an_item(hosting=a_hosting()),)))
    told = until_explained(stack, "explain-1")
    assert "NL by hosting" in told, "read from the record again"
    assert "nl-police" in told
    report = report_id_of(MEMBER, "explain-1")
    assert tocsin(stack, "explain", report).stdout == told
    own = tocsin(stack, "explain", report, "--for", "nl-police", "--by", "R. Reader", "--purpose", "case 7").stdout
    for asked in (("--person", "R. Reader"), ("--report", report)):
        read = tocsin(stack, "disclosures", *asked).stdout
        assert "R. Reader looked at " in read
        assert "(tocsin explain). Purpose: case 7." in read
    assert ("referral" in own, "nl-hotline" in own, MEMBER in own) == (True, False, False)
    assert json.loads(tocsin(stack, "explain", report, "--json").stdout)["children"]


def test_what_is_not_in_the_ledger_is_said(stack: Any) -> None:
    done = tocsin(stack, "explain", "nobody knows it")
    assert (done.returncode, "explain.unknown" in done.stderr) == (1, True)


def test_a_submitter_learns_what_to_add_first(stack: Any) -> None:
    with Publisher(stack.config(MEMBER)) as publisher:
        publisher.publish(a_draft(submitter_reference="thin-1", items=(), incident_types=("grooming",)))
    until_explained(stack, "thin-1")
    told = tocsin(stack, "quality", "--member", MEMBER).stdout
    assert f"{MEMBER}\n" in told
    assert "of 100 over" in told
    assert "add accounts" in told
    first = json.loads(tocsin(stack, "quality", "--member", MEMBER, "--json").stdout.splitlines()[0])
    assert first["submitter"] == MEMBER
