"""`tocsin receipts` on the real stack: from the submission to the recipient's signature, verified from the bytes."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.records.identifiers import MemberId, report_id_of
from tests.builders.drafts import a_draft
from tests.builders.reports import a_hosting, an_item
from tocsin import Publisher
from tocsin.runtime import settings
from tocsin.stack.demo.crew import Crew

pytestmark = pytest.mark.stack
SUBMITTER, RECIPIENT = MemberId("fr-hotline"), MemberId("nl-hotline")


@pytest.fixture
def stack(busy_stack: Any, tmp_path: Path) -> Iterator[Any]:
    with Crew(busy_stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        crew.start("returns", ("returns",))
        yield busy_stack


def tocsin(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", *words, "--home", str(stack.home)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603  # our own words


def receipts(stack: Any, report_id: str, *words: str) -> tuple[int, list[dict[str, Any]]]:
    done = tocsin(stack, "receipts", report_id, "--json", *words)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def until(stack: Any, report_id: str, what: str) -> tuple[int, list[dict[str, Any]]]:
    deadline = time.monotonic() + 60
    while True:
        code, links = receipts(stack, report_id)
        if what in {link["what"] for link in links}:
            return code, links
        assert time.monotonic() < deadline, links
        time.sleep(0.5)


def test_the_chain_is_verified_from_submission_to_the_recipients_signature(stack: Any) -> None:
    with Publisher(stack.config(SUBMITTER)) as publisher:
        publisher.publish(a_draft(submitter_reference="receipt-1", items=(an_item(hosting=a_hosting()),)))
    report_id = report_id_of(SUBMITTER, "receipt-1")
    _, links = until(stack, report_id, "referred")
    (referral,) = (link["referral_id"] for link in links if (link["what"], link["member"]) == ("referred", RECIPIENT))
    tocsin(stack, "keys", "rotate", "--as", SUBMITTER)
    tocsin(stack, "deliver", RECIPIENT, "--once")
    tocsin(stack, "answer", referral, "--as", RECIPIENT, "--taken-up")
    tocsin(stack, "deliver", RECIPIENT, "--once")
    code, links = until(stack, report_id, "taken_up")
    assert (code, {link["proof"] for link in links}) == (0, {"verified", "recorded"})
    proofs = {(link["what"], link["member"]): link for link in links}
    assert proofs["submitted", SUBMITTER]["key_id"] == proofs["referred", RECIPIENT]["key_id"]
    assert proofs["delivered", RECIPIENT]["key_id"] not in ("", proofs["submitted", SUBMITTER]["key_id"])
    assert not proofs["delivered", RECIPIENT]["by_person"]
    assert proofs["taken_up", RECIPIENT]["by_person"]
    _, own = receipts(stack, report_id, "--for", RECIPIENT)
    assert {link["member"] for link in own} == {RECIPIENT}
    assert RECIPIENT not in tocsin(stack, "receipts", report_id, "--for", SUBMITTER).stdout
    folder = settings.load(stack.config(RECIPIENT)).state / "delivered"
    (file,) = (path for path in folder.glob("*.json") if report_id in path.read_text("utf-8"))
    assert "VERIFIED" in tocsin(stack, "verify", str(file)).stdout
