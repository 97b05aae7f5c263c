"""A report on the real stack, what members answer of its items, and what is on record of that."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from schemas.records.identifiers import CountryCode, MemberId, ReportId, report_id_of
from schemas.records.report import Label
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tocsin.publisher import Publisher
from tocsin.runtime import settings
from tocsin.runtime.database import Database, database_of

SUBMITTER, HOTLINE, POLICE = (MemberId(name) for name in ("fr-hotline", "nl-hotline", "nl-police"))
NATIONAL: Final = Label(scheme="iccam", label="national")
DE: Final = CountryCode("DE")


@contextmanager
def the_books(stack: Any) -> Iterator[Database]:
    """The exchange's database, as `ops`."""
    database = database_of(settings.load(stack.config("ops")))
    try:
        yield database
    finally:
        database.close()


@contextmanager
def at_work(stack: Any, folder: Path) -> Iterator[None]:
    """Triage and returns, whose logs are in that folder."""
    with a_crew(stack.home, folder / "logs") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        crew.start("returns", ("returns",))
        yield


def tocsin(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    """One command in its home."""
    return commands.tocsin(stack.home, *words)


def referrals_of(database: Database, report: ReportId) -> dict[str, str]:
    """By recipient, once there are any."""
    deadline = time.monotonic() + 60
    while True:
        with database.transaction() as connection:
            rows = connection.execute(
                text("select recipient, referral_id from referrals where report_id = :id"), {"id": report}
            ).all()
        if rows:
            return {row.recipient: str(row.referral_id) for row in rows}
        assert time.monotonic() < deadline
        time.sleep(0.5)


def published(stack: Any, database: Database, reference: str, *items: Any) -> tuple[ReportId, dict[str, str]]:
    """Its id and its referrals, once triage has routed it."""
    with Publisher(stack.config(SUBMITTER)) as publisher:
        publisher.publish(a_draft(submitter_reference=reference, items=items))
    report = report_id_of(SUBMITTER, reference)
    return report, referrals_of(database, report)


def answer(stack: Any, member: MemberId, referral: str, *said: str) -> str:
    """What `tocsin answer` warns of; the answer has reached the broker when this returns."""
    done = tocsin(stack, "answer", referral, "--as", member, *said)
    assert done.returncode == 0, done.stderr
    delivered = tocsin(stack, "deliver", member, "--once")
    assert delivered.returncode == 0, delivered.stderr
    return done.stderr


def acts(database: Database, report: ReportId, count: int) -> list[tuple[str, str, str]]:
    """Who said what and which rule it broke, once so many are on record."""
    deadline = time.monotonic() + 60
    while True:
        with database.transaction() as connection:
            rows = connection.execute(
                text("select member, value, refused from item_acts where report_id = :id order by number"),
                {"id": report},
            ).all()
        if len(rows) >= count:
            return [(row.member, row.value, row.refused) for row in rows]
        assert time.monotonic() < deadline, rows
        time.sleep(0.5)
