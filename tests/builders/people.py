"""An exchange of its own, whose policy folder is edited and whose people are impatient, and what it has of a report."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from schemas.records.identifiers import CountryCode, MemberId
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.policy import a_folder
from tests.builders.reports import a_hosting, an_item
from tocsin.policy.bundle import load as load_policy
from tocsin.publisher import Publisher
from tocsin.runtime.database import database_of
from tocsin.runtime.settings import load
from tocsin.stack.charter import charter_of
from tocsin.stack.local import LocalStack

MEMBER: Final = MemberId("fr-hotline")
IMPATIENT: Final = (
    "priority.toml",
    "deadline_hours = 4",
    "deadline_hours = 0.001",
)


@contextmanager
def an_exchange() -> Iterator[LocalStack]:
    """With triage and returns, until it is done with."""
    home = Path(tempfile.mkdtemp(prefix="tocsin-people-"))
    stack = LocalStack(home / "home", brief=True)
    try:
        folder = a_folder(home, IMPATIENT)
        stack.up(charter_of(load_policy(folder), folder))
        with a_crew(stack.home, home / "logs") as crew:
            crew.start("escalated", ("triage", "--lane", "escalated"))
            crew.start("normal", ("triage", "--lane", "normal"))
            crew.start("returns", ("returns",))
            yield stack
            crew.require_all()
    finally:
        stack.down()
        shutil.rmtree(home, ignore_errors=True)


def tocsin(stack: LocalStack, *words: str) -> subprocess.CompletedProcess[str]:
    """One command in its home."""
    return commands.tocsin(stack.home, *words)


def publish(stack: LocalStack, reference: str, member: MemberId = MEMBER, **changes: Any) -> None:
    """One report, at its submitter."""
    with Publisher(stack.config(member)) as publisher:
        publisher.publish(a_draft(submitter_reference=reference, **changes))


def hosted(country: str) -> Any:
    """Items that lie in this country."""
    return (an_item(hosting=a_hosting(country=CountryCode(country))),)


def rows(stack: LocalStack, query: str, **asked: Any) -> list[Any]:
    """What its database answers to `ops`."""
    database = database_of(load(stack.config("ops")))
    try:
        with database.transaction() as connection:
            return list(connection.execute(text(query), asked).all())
    finally:
        database.close()


def recipients(stack: LocalStack, reference: str) -> set[str]:
    """Who was given the report."""
    query = "select recipient from referrals where submitter_reference = :reference and not withdrawal"
    return {row.recipient for row in rows(stack, query, reference=reference)}


def waiting(stack: LocalStack, reference: str) -> dict[str, Any] | None:
    """What the queue has of the report."""
    lines = tocsin(stack, "queue", "list", "--json").stdout.splitlines()
    found = (entry for entry in map(json.loads, lines) if entry["submitter_reference"] == reference)
    return next(found, None)


def logged(stack: LocalStack, *asked: str, said: str) -> list[str]:
    """What the log has of it, in words."""
    return [line for line in tocsin(stack, "disclosures", *asked).stdout.splitlines() if said in line]
