"""A host floods one recipient, from submitters' topics to its folder: copies come in bundles, what is new at once."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers.store.bundles import MOST_MEMBERS
from schemas.records.identifiers import ContentId, CountryCode
from schemas.records.report import ReportSubmitted
from schemas.topics import submitted_topic
from tests.builders import commands
from tests.builders.balances import settled
from tests.builders.reports import a_hash, a_hosting, a_report, a_source_url, an_item
from tests.builders.waiting import until
from tests.chaos.publishing import SUBMITTERS, Publishing
from tocsin.stack.demo.crew import Crew
from tocsin.stack.receiving import whole_files

pytestmark = pytest.mark.stack
RECIPIENT = "de-police"
"""It agreed to bundles of what it has; of a day, and here, by its own file, of some seconds."""
PERIOD_SECONDS = 10
COPIES = 240
NEW = 3
TOPICS = {submitted_topic(member) for member in SUBMITTERS}


@pytest.fixture
def exchange(busy_stack: Any, tmp_path: Path) -> Iterator[Any]:
    file = busy_stack.home / "config" / f"{RECIPIENT}.delivery.toml"
    file.write_text(f'[duplicates]\nknown_content = "bundle"\nbundle_period_seconds = {PERIOD_SECONDS}\n')
    with Crew(busy_stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        yield busy_stack
    file.unlink()


def of_page(reference: str, page: str, number: int = 0) -> ReportSubmitted:
    """One of three members reports one page of one host, with the picture that is on it."""
    hosting = a_hosting(country=CountryCode("DE"))
    picture = a_hash(value=f"{page.encode().hex():0<64}"[:64])
    item = an_item(
        content_id=ContentId(page), url=f"https://flood.example.test/{page}.jpg", hosting=hosting, hashes=(picture,)
    )
    source = a_source_url(url=f"https://flood.example.test/{page}", hosting=hosting)
    submitter = SUBMITTERS[number % len(SUBMITTERS)]
    return a_report(submitter=submitter, submitter_reference=reference, source_url=source, items=(item,))


def published(stack: Any, *reports: ReportSubmitted) -> None:
    """And decided."""
    before = settled(stack.home, TOPICS)
    publishing = Publishing(stack.home)
    for report in reports:
        publishing.send(report)
    assert publishing.finish().failures == 0
    until(lambda: settled(stack.home, TOPICS) >= before + len(reports), 120)


def delivered(stack: Any) -> list[dict[str, Any]]:
    """What lies in the folder once there is nothing to do at the moment."""
    commands.said(stack.home, "deliver", RECIPIENT, "--once")
    return [json.loads(file.read_bytes()) for file in whole_files(stack.home / "state" / RECIPIENT / "delivered")]


def pages(letters: list[dict[str, Any]]) -> Counter[str]:
    """How often each page of the host is in these letters, each referral once."""
    each = {one["referral_id"]: one for letter in letters for one in letter.get("referrals", [letter.get("referral")])}
    found = Counter(one["source_url"]["url"].removeprefix("https://flood.example.test/") for one in each.values())
    assert sum(len(letter.get("referrals", "1")) for letter in letters) == len(each), "none is there twice"
    return found


def test_a_recipient_that_one_host_floods_gets_bundles_as_it_agreed_and_loses_nothing(exchange: Any) -> None:
    known = {json.dumps(letter) for letter in delivered(exchange)}
    published(exchange, of_page("first", "viral"))
    assert pages(ours(exchange, known)) == {"viral": 1}
    new = [of_page(f"new-{number}", f"new-{number}") for number in range(NEW)]
    published(exchange, *(of_page(f"copy-{number}", "viral", number) for number in range(COPIES)), *new)
    at_once = ours(exchange, known)
    assert set(pages([one for one in at_once if one["type"] == "referral"])) == {
        "viral",
        *(one.submitter_reference for one in new),
    }, "what is new waits behind no flood"
    time.sleep(PERIOD_SECONDS)
    letters = ours(exchange, known)
    assert pages(letters) == {"viral": 1 + COPIES, **{one.submitter_reference: 1 for one in new}}
    bundles = [len(one["referrals"]) for one in letters if one["type"] == "bundle"]
    assert sum(bundles) == COPIES
    assert max(bundles) <= MOST_MEMBERS
    assert len(letters) < COPIES / 10, f"{len(letters)} letters instead of {1 + COPIES + NEW}"


def ours(stack: Any, known: set[str]) -> list[dict[str, Any]]:
    """Letters that came since."""
    return [letter for letter in delivered(stack) if json.dumps(letter) not in known]
