"""The data inventory leaves no topic, table or file out, and every file in it is for its owner alone."""

import re
from pathlib import Path

from consumers.replies import Replies, drop
from consumers.sinks.directory import DirectorySink
from processors.keyring import keyring
from producers.journal.store import open_journal
from schemas.records.identifiers import MemberId
from schemas.topics import topic_table
from tests.builders.deliveries import Counter
from tests.builders.referrals import a_referral
from tests.builders.restrictions import an_entry
from tocsin.runtime import migrations
from tocsin.runtime.keys.files import KeyFolder, Use, new_key
from tocsin.runtime.ledger.erasing import PLACES
from tocsin.stack.charter import sample_charter
from tocsin.stack.erasures import Register
from tocsin.stack.inventory import (
    ERASED,
    INBOX_TABLES,
    JOURNAL_TABLES,
    TABLES,
    TOPICS,
    data_page,
    found_in,
    kind_of,
    too_open,
)
from tocsin.stack.records_kept import HELD
from tocsin.stack.restrictions import Restrictions

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "data-inventory.md"
VERSIONS = Path(next(iter(migrations.__path__))) / "versions"
_MADE = re.compile(r'create table ([a-z_.]+) \(|^    "([a-z_]+)": """', re.MULTILINE)
MEMBER = MemberId("nl-hotline")
MADE_BY_HAND = {
    "journal.sqlite*",
    "inbox.sqlite*",
    "*.lock",
    "delivered/manifest.sha256",
    "delivered/*.json",
    "replies/*",
    "keyring/*.key",
    "erasures/register.jsonl",
    "erasures/register.key",
    "restrictions/register.jsonl",
    "*.seal.pem",
    "*.sign.pem",
}
"""A demonstration makes the others: tests/integration/test_demo.py."""


def test_the_page_in_the_repository_is_current() -> None:
    current = PAGE.read_text("utf-8") == data_page()
    assert current, "run: tocsin schema data --write docs/reference/data-inventory.md"


def test_every_topic_of_the_exchange_is_in_it() -> None:
    missing = [spec.name for spec in topic_table(sample_charter().members) if not kind_of(spec.name, TOPICS)]
    assert missing == []


def test_every_table_that_a_migration_makes_is_in_it_and_no_other() -> None:
    made = {a or b for file in VERSIONS.glob("0*.py") for a, b in _MADE.findall(file.read_text("utf-8"))}
    assert made == set(TABLES)


def test_every_local_file_that_is_made_is_in_it_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    open_journal(tmp_path / "journal", MEMBER).close()
    counter = Counter(tmp_path / "inbox", sinks={"folder": DirectorySink(tmp_path / "delivered")})
    counter.arrive(a_referral())
    counter.courier.turn()
    Replies(counter.store, tmp_path / "replies", MEMBER, lambda: 0)
    drop(tmp_path / "replies", [])
    (tmp_path / "triage").mkdir(mode=0o700)
    keyring(tmp_path / "triage")
    (tmp_path / "ops").mkdir(mode=0o700)
    Register(tmp_path / "ops").add(a_referral().report_id, 0)
    Restrictions(tmp_path / "ops").add(an_entry())
    for use in Use:
        KeyFolder(tmp_path / "keys").add(use, new_key(use))
    assert [name for name, kind in found_in(tmp_path).items() if kind is None] == []
    assert too_open(tmp_path) == []
    assert set(found_in(tmp_path).values()) == MADE_BY_HAND
    counter.close()


def test_a_file_that_the_inventory_does_not_know_and_one_that_others_can_read_are_found(tmp_path: Path) -> None:
    for name in ("keys/ops/directory.note", "keys/ops/abc.sign.pem", "policy/bundles/a/members.toml", "notes.txt"):
        file = tmp_path / name
        file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        file.touch()
        file.chmod(0o644)
    assert [name for name, kind in found_in(tmp_path).items() if kind is None] == ["notes.txt"]
    assert too_open(tmp_path) == ["keys/ops/abc.sign.pem 644", "notes.txt 644"]


def test_what_an_erasure_empties_is_what_the_inventory_says_and_nothing_else() -> None:
    said = {name for name, kept in TABLES.items() if kept.retention == ERASED}
    assert said == {*PLACES, "link_notices"}


def test_each_place_that_holds_content_of_reports_is_a_place_of_some_record() -> None:
    told = list(HELD.values())
    assert {name for one in told for name in one.topics} == set(TOPICS)
    with_content = {name for name, kept in TABLES.items() if kept.retention == ERASED}
    assert with_content <= {name for one in told for name in one.tables}
    for kinds, part in ((JOURNAL_TABLES, "journal"), (INBOX_TABLES, "inbox")):
        with_content = {name for name, kept in kinds.items() if ERASED in kept.retention}
        assert with_content <= {name for one in told for name in getattr(one, part)}
