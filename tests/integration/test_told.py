"""What became of reports: what `tocsin sent` tells their submitter, and what the sinks of their recipients hold."""

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
from tests.builders.reports import an_escalation, an_item
from tocsin.publisher import Publisher
from tocsin.runtime import settings

pytestmark = pytest.mark.stack
SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "xarf"


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


def tocsin(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return commands.tocsin(stack.home, *words)


@pytest.fixture
def workers(stack: Any, tmp_path: Path) -> Iterator[None]:
    with a_crew(stack.home, tmp_path / "logs") as crew:
        crew.start("escalated", ("triage", "--lane", "escalated"))
        crew.start("normal", ("triage", "--lane", "normal"))
        crew.start("returns", ("returns",))
        yield


@pytest.mark.usefixtures("workers")
def test_the_submitter_learns_what_became_of_its_reports(stack: Any) -> None:
    with Publisher(stack.config("ngo-b")) as publisher:
        publisher.publish(a_draft(submitter_reference="told-1"))
        publisher.publish(a_draft(submitter_reference="told-2", items=(an_item(),), escalation=an_escalation()))
    stages = _stages(stack, {"told-1", "told-2"})
    assert set(stages.values()) <= {"triaged", "delivered"}


@pytest.mark.skipif(not SAMPLES.exists(), reason="the folder of sample reports is not here")
@pytest.mark.usefixtures("workers")
def test_the_samples_of_the_format_go_all_the_way_to_a_sink(stack: Any, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.json" for name in ("content-csam", "content-csem", "connection-ddos")]
    for path in files:
        path.write_bytes((SAMPLES / path.name).read_bytes())
    done = tocsin(stack, "publish", *map(str, files), "--as", "plat-a")
    assert (done.returncode, "2 taken" in done.stdout) == (1, True)
    assert "xarf.other_type" in done.stderr
    references = {json.loads(path.read_text())["report_id"] for path in files[:2]}
    _stages(stack, references, member="plat-a")
    reached: set[str] = set()
    for member in ("de-hotline-a", "de-police"):  # the sample policy takes their documentation network for German
        tocsin(stack, "deliver", member, "--once")
        folder = settings.load(stack.config(member)).state / "delivered"
        contents = [json.loads(path.read_text()) for path in folder.glob("*.json")]
        reached |= {each["referral"]["report_id"] for each in contents if "referral" in each}
    assert {report_id_of(MemberId("plat-a"), reference) for reference in references} <= reached


def _stages(stack: Any, references: set[str], member: str = "ngo-b") -> dict[str, str]:
    """The stage of each, once none is on its way any more."""
    deadline = time.monotonic() + 60
    while True:
        shown = tocsin(stack, "sent", "--as", member, "--json").stdout.splitlines()
        found = {one["reference"]: one["stage"] for one in map(json.loads, shown) if one["reference"] in references}
        if set(found) == references and not {"waiting", "published"} & set(found.values()):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
