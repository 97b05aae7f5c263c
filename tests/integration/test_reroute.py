"""On the real stack: a bundle is tried out on a past range, and a past range is repaired under the one in force."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from sqlalchemy import text

from schemas.records.identifiers import MemberId, report_id_of
from schemas.topics import RULINGS
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.homes import a_home_with
from tests.builders.promotions import Chancery, a_chancery, another_bundle, trust_text
from tests.builders.reports import a_hosting, an_item
from tests.builders.waiting import patiently as until
from tocsin.policy.bundle import SAMPLE
from tocsin.publisher import Publisher
from tocsin.runtime import settings
from tocsin.runtime.database import Database, database_of
from tocsin.stack.ledger import balance_of

pytestmark = pytest.mark.stack
MEMBER, LEAVING = MemberId("gb-hotline"), "nl-police"
LEAD_SECONDS = 2


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def chancery(tmp_path: Path) -> Chancery:
    made = a_chancery(tmp_path)
    keys = {name: signer.public_key for name, signer in made.trust().signer.items()}
    made.trust_file.write_text(trust_text(made.trust().first, keys, LEAD_SECONDS), "utf-8")
    return made


@pytest.fixture
def home(stack: Any, chancery: Chancery) -> Path:
    return a_home_with(stack, chancery)


@pytest.fixture
def database(stack: Any) -> Iterator[Database]:
    database = database_of(settings.load(stack.config("ops")))
    yield database
    database.close()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def instant(at_ms: int) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at_ms / 1000))}.{at_ms % 1000:03}+00:00"


def tocsin(home: Path, *words: str, expects: int = 0) -> str:
    done = commands.tocsin(home, *words, timeout_seconds=240)
    assert done.returncode == expects, done.stderr
    return done.stdout


def publish(stack: Any, prefix: str, count: int) -> list[str]:
    names = [f"{prefix}-{number}-{now_ms()}" for number in range(count)]
    with Publisher(stack.config(MEMBER)) as publisher:
        for name in names:
            publisher.publish(a_draft(submitter_reference=name, items=(an_item(hosting=a_hosting()),)))
    return names


def decided(database: Database, names: list[str], ruling: int = 0) -> int:
    asked = {"names": names, "ruling": ruling}
    with database.transaction() as connection:
        return int(connection.execute(_DECIDED, asked).scalar_one())


def holders(database: Database, name: str) -> dict[str, tuple[int, bool]]:
    """Recipient to the latest ruling that gave or took it."""
    with database.transaction() as connection:
        rows = connection.execute(_HOLDERS, {"name": name}).all()
    return {row.recipient: (row.ruling, row.withdrawal) for row in rows}


_DECIDED = text("select count(*) from decisions where submitter_reference = any(:names) and ruling = :ruling")
_HOLDERS = text(
    "select distinct on (recipient) recipient, ruling, withdrawal from referrals where submitter_reference = :name "
    "order by recipient, revision desc, ruling desc"
)


def ends(stack: Any) -> dict[tuple[str, int], int]:
    """How long every topic of ours is; the broker's own grows when it notices that a group's member is gone."""
    consumer = Consumer(stack.client("ops") | {"group.id": "ops.test"})
    try:
        topics = [one for one in consumer.list_topics(timeout=30).topics.items() if not one[0].startswith("__")]
        places = [(name, partition) for name, topic in topics for partition in topic.partitions]
        return {place: consumer.get_watermark_offsets(TopicPartition(*place), timeout=30)[1] for place in places}
    finally:
        consumer.close()


def in_force(chancery: Chancery, folder: Path) -> None:
    """Promoted, and its instant is past."""
    chancery.promoted(folder, at := now_ms() + (LEAD_SECONDS + 1) * 1000, now_ms())
    time.sleep((at - now_ms()) / 1000 + 1.2)


def test_a_bundle_is_tried_out_twice_with_the_same_bytes_and_leaves_no_trace(
    stack: Any, home: Path, database: Database, tmp_path: Path
) -> None:
    began = now_ms()
    with a_crew(home, tmp_path / "logs") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        names = publish(stack, "shadow", 5)
        until(lambda: decided(database, names) == 5)
    new, ended = another_bundle(tmp_path / "new", LEAVING), now_ms()
    before = ends(stack), rows(database)
    words = ("policy", "shadow", "--policy", str(new), "--from", instant(began), "--until", instant(ended), "--json")
    first = tocsin(home, *words, "--by", "anna")
    assert tocsin(home, *words) == first
    assert (ends(stack), rows(database)) == before, "no output and no sighting"
    found = json.loads(first)
    mine = [case for case in found["cases"] if case.get("reference") in names]
    assert len(mine) == 5
    assert all(LEAVING in case["difference"]["loses"] for case in mine)
    assert found["changed"]["members"] >= 5
    assert "members: " in tocsin(home, *words[:-1])
    same = json.loads(tocsin(home, *words[:3], str(SAMPLE), *words[4:]))
    assert [case for case in same["cases"] if case.get("reference") in names] == [], "it was decided by that"
    assert "novelty" not in first
    looks = tocsin(home, "disclosures", "--report", names[0], "--person", "anna")
    assert "of all reports, " in looks, "it says whom a report would go to: a look is in the log"


def rows(database: Database) -> list[int]:
    tables = ("sightings", "report_revisions", "referrals", "decisions", "ledger_blocks")
    with database.transaction() as connection:
        counts = (connection.execute(text(f"select count(*) from {table}")) for table in tables)  # noqa: S608  # our own
        return [int(count.scalar_one()) for count in counts]


def test_a_range_is_repaired_once_however_often_it_is_said_and_the_ledger_balances(
    stack: Any, home: Path, chancery: Chancery, database: Database, tmp_path: Path
) -> None:
    with a_crew(home, tmp_path / "logs") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        names = publish(stack, "reroute", 6)
        until(lambda: decided(database, names) == 6)
        assert all(holders(database, name)[LEAVING] == (0, False) for name in names)
        standing = {who for who in holders(database, names[0]) if who != LEAVING}
        in_force(chancery, another_bundle(tmp_path / "new", LEAVING))
        conditions = (f"submitter={MEMBER}", f"recipient={LEAVING}", f"policy={chancery.trust().first[:16]}")
        where = [word for condition in conditions for word in ("--where", condition)]
        words = ("reroute", *where, "--by", "anna", "--reason", "it left")
        before = ends(stack)
        dry = tocsin(home, *words, "--dry-run")
        assert f"give it up: {LEAVING} " in dry
        assert ends(stack) == before, "a dry run sends nothing"
        looked = f"anna looked at whom a repair would concern (policy {chancery.trust().first[:16]} and recipient"
        assert looked in tocsin(home, "disclosures", "--person", "anna"), "it tells who has what: a look is in the log"
        assert sent_by(home, "anna", names[0]) == 0, "a dry run does nothing"
        crew.kill("normal")
        tocsin(home, *words, "--wait", "1", expects=3)  # nobody triages: sent and waiting
        assert sent_by(home, "anna", names[0]) == 1
        tocsin(home, *words, "--wait", "1", expects=3)  # interrupted, and said again
        assert [sent_by(home, "anna", name) for name in names] == [2] * len(names), "she did it twice"
        crew.start("normal", ("triage", "--lane", "normal"))
        until(lambda: decided(database, names, ruling=1) == 6)
        until(lambda: not waiting(home))
        for name in names:
            held = holders(database, name)
            assert held[LEAVING] == (1, True), "its copy is recalled"
            assert {held[who] for who in standing & held.keys()} == {(0, False)}, "the others hear nothing"
        assert "0 have other recipients" in tocsin(home, *words)
        assert decided(database, names, ruling=2) == 0
        assert kept(database, names[0]) == ("anna", "it left")
        assert f"{LEAVING}: The report does not concern you any more." in tocsin(home, "explain", names[0])


def sent_by(home: Path, person: str, name: str) -> int:
    """How often the log says, of a report, that this person had it decided again."""
    said = tocsin(home, "disclosures", "--report", name).splitlines()
    found = [
        line for line in said if f"{person} had the report {report_id_of(MEMBER, name)} of {MEMBER} decided" in line
    ]
    assert all(line.endswith(f"{LEAVING} gives it up (tocsin reroute). Reason: it left.") for line in found), found
    return len(found)


def waiting(home: Path) -> int:
    (line,) = [line for line in balance_of(home).lines if line.topic == RULINGS]
    assert line.balances
    return line.waiting


def kept(database: Database, name: str) -> tuple[str, str]:
    statement = text(
        "select decided_by, reason from rulings join decisions using (report_id, revision) "
        "where submitter_reference = :n"
    )
    with database.transaction() as connection:
        row = connection.execute(statement, {"n": name}).first()
    assert row is not None
    return row.decided_by, row.reason
