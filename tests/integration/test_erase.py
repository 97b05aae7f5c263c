"""`tocsin erase` on the real stack: what a report said goes, ids and times stay, and nothing brings it back."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from processors.keeping import Sweep
from schemas.records.identifiers import MemberId, report_id_of
from tests.builders.drafts import a_draft
from tests.builders.reports import a_hosting, an_item
from tocsin.publisher import Publisher
from tocsin.runtime.database import database_of
from tocsin.runtime.settings import load
from tocsin.stack.demo.crew import Crew
from tocsin.stack.ledger import balance_of

pytestmark = pytest.mark.stack
SUBMITTER, RECIPIENT = MemberId("fr-hotline"), MemberId("nl-hotline")
WHO = ("--by", "A. Operator", "--reason", "file 1 of a test")


def tocsin(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", *words, "--home", str(stack.home)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603  # our own words


def until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.3)
    return found


@contextmanager
def tables(stack: Any) -> Iterator[Any]:
    with stack.postgres.connect(database="tocsin") as connection:
        yield connection


def decided(stack: Any, report: str) -> list[Any]:
    with tables(stack) as connection:
        return list(
            connection.execute(
                "select revision, submitter_reference from decisions where report_id = %s order by revision", [report]
            )
        )


def swept(stack: Any) -> None:
    """As the returns worker does it, with that worker's own rights."""
    database = database_of(load(stack.config(MemberId("returns"))))
    try:
        Sweep(database)(int(time.time() * 1000))
    finally:
        database.close()


def _let_time_pass(stack: Any, *reports: str) -> None:
    with tables(stack) as connection:
        moved = connection.execute(
            "update decisions set retain_until = now() - interval '1 second' where retain_until > now() "
            "and retain_until < now() + interval '366 days' and report_id = any(%s::uuid[])",
            [list(reports)],
        )
    assert moved.rowcount == len(reports), "triage has said when each is past"


def referred(stack: Any, report: str) -> set[int]:
    with tables(stack) as connection:
        found = connection.execute("select revision from referrals where report_id = %s", [report])
        return {revision for (revision,) in found}


def test_what_is_erased_is_gone_stays_gone_and_a_legal_hold_wins(busy_stack: Any, tmp_path: Path) -> None:
    stack, reference = busy_stack, f"erase-{uuid4()}"
    report, page = report_id_of(SUBMITTER, reference), f"https://example.test/{reference}"
    draft = a_draft(submitter_reference=reference, items=(an_item(url=page, hosting=a_hosting()),))
    past, kept = (report_id_of(SUBMITTER, f"{reference}-{end}") for end in ("past", "kept"))
    with Crew(stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        with Publisher(stack.config(SUBMITTER)) as publisher:
            publisher.publish(draft)
            for end in ("past", "kept"):
                own = (an_item(url=f"{page}-{end}", hosting=a_hosting()),)
                publisher.publish(replace(draft, submitter_reference=f"{reference}-{end}", items=own))
        until(lambda: decided(stack, report) and decided(stack, past) and decided(stack, kept))
        assert tocsin(stack, "hold", "legal", "set", kept, "--owner", "court-2", *WHO).returncode == 0
        _let_time_pass(stack, past, kept)
        swept(stack)
        assert decided(stack, past) == [(1, "")]
        assert decided(stack, kept) == [(1, f"{reference}-kept")], "a legal hold wins over the end of its retention"
        assert decided(stack, report) == [(1, reference)], "what is not past stays"

        held = tocsin(stack, "hold", "legal", "set", report, "--owner", "court-1", *WHO)
        number = held.stdout.split()[2]
        refused = tocsin(stack, "erase", "--report", report, *WHO)
        assert (refused.returncode, "court-1" in refused.stderr) == (1, True)
        assert decided(stack, report) == [(1, reference)]
        assert report in tocsin(stack, "hold", "legal", "list").stdout
        assert tocsin(stack, "hold", "legal", "release", number, *WHO).returncode == 0

        case = f"{SUBMITTER}/{reference}"
        would = tocsin(stack, "erase", "--case", case, "--dry-run")
        assert "PostgreSQL sightings: " in would.stdout
        assert f"inbox and sinks of {RECIPIENT}: waits" in would.stdout
        assert decided(stack, report) == [(1, reference)]
        done = tocsin(stack, "erase", "--case", case, *WHO)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 erased."), done.stderr
        assert "Kafka: the last segment" in done.stdout
        assert decided(stack, report) == [(1, "")]
        assert "Not held" in tocsin(stack, "subject", page).stdout
        assert report not in (stack.home / "state" / "ops" / "erasures" / "register.jsonl").read_text("utf-8")

        with tables(stack) as connection:
            connection.execute("delete from report_revisions where report_id = %s and revision > 1", [report])
            connection.execute("update report_revisions set digest = 'd' where report_id = %s", [report])
            connection.execute(
                "update decisions set submitter_reference = %s where report_id = %s", [reference, report]
            )
        again = tocsin(stack, "erase", "--again")
        assert again.stdout.endswith("1 had come back and are erased again.\n"), again.stderr
        assert decided(stack, report) == [(1, "")]

        with Publisher(stack.config(SUBMITTER)) as publisher:
            publisher.correct(replace(draft, items=(an_item(url=f"{page}-2", hosting=a_hosting()),)))
        until(lambda: len(decided(stack, report)) == 2)
        assert referred(stack, report) == {1}, "nothing later of an erased report is routed"
    said = tocsin(stack, "disclosures", "--person", "A. Operator").stdout
    assert f"erased the report {report}" in said
    assert balance_of(stack.home).holds
