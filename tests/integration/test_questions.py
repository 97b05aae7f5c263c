"""An incomplete urgent report goes on, its submitter is asked, and a correction answers: all on the real stack."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import commands
from tests.builders.commands import a_crew

pytestmark = pytest.mark.stack
MEMBER = "ngo-b"
THIN = {
    "submitter_reference": "asked-1",
    "declared_country": "NL",
    "incident_types": ["grooming"],
    "escalation": {"reason_code": "imminent_danger"},
}
WHOLE = THIN | {
    "incident_at": "2026-01-31T12:00:00+01:00",
    "victim_age_band": "11-13",
    "source_url": {"url": "https://chat.example.test/room/17"},
    "personal": {"accounts": [{"role": "suspect", "platform": "Chat", "kind": "user_id", "value": "u-17"}]},
}


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture(autouse=True)
def workers(stack: Any, tmp_path: Path) -> Iterator[None]:
    with a_crew(stack.home, tmp_path / "logs") as crew:
        crew.start("escalated", ("triage", "--lane", "escalated"))
        crew.start("normal", ("triage", "--lane", "normal"))
        yield


def tocsin(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return commands.tocsin(stack.home, *words)


def asked(stack: Any, *words: str) -> str:
    return tocsin(stack, "sent", "--as", MEMBER, "--open", *words).stdout


def until(stack: Any, revision: int, *, is_open: bool) -> None:
    """That revision was triaged, and a question on it is open or is not."""
    deadline = time.monotonic() + 60
    while True:
        lines = tocsin(stack, "sent", "--as", MEMBER, "--reference", "asked-1", "--json").stdout.splitlines()
        found = {one["revision"]: one for one in map(json.loads, lines)}
        triaged = revision in found and found[revision]["stage"] == "triaged"
        if triaged and found[revision]["open"] is is_open:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def test_an_urgent_report_goes_on_its_submitter_is_asked_and_a_correction_answers(stack: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.jsonl"
    file.write_text(json.dumps(THIN) + "\n")
    assert tocsin(stack, "publish", str(file), "--as", MEMBER, "--yes").returncode == 0
    until(stack, 1, is_open=True)
    told = asked(stack)
    assert "asked-1" in told
    assert "question.incomplete" in told
    assert "accounts: an account that is concerned. JSON: " in told
    assert "CSV: account_role" in told
    assert "answer until " in told
    urgent = tocsin(stack, "subscribe", "nl-police", "--json").stdout
    assert (
        json.loads(next(line for line in urgent.splitlines() if "urgent" in line.lower()))["priority"]["tier"]
        == "URGENT"
    )
    file.write_text(json.dumps(WHOLE) + "\n")
    assert tocsin(stack, "correct", str(file), "--as", MEMBER, "--yes").returncode == 0
    assert "asked-1" not in asked(stack, "--offline"), "the correction stands in the journal: it is under way"
    until(stack, 2, is_open=False)
    assert "asked-1" not in asked(stack)
