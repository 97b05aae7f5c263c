"""What two people do (drop, erase, revoke, recall, promote and more): looked at, refused, done by both, in the log."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from msgspec import Struct
from sqlalchemy import text

from schemas.records.identifiers import CountryCode, MemberId, ReportId, report_id_of
from schemas.records.report import Label
from schemas.topics import submitted_topic
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.homes import a_home_with
from tests.builders.promotions import SIGNERS, Chancery, a_chancery, another_bundle
from tests.builders.reports import a_hosting, an_item
from tests.builders.waiting import until
from tocsin.cli.main import main
from tocsin.publisher import Publisher
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.settings import load

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("keys_end_here")]
SUBMITTER, OTHER, HOTLINE, SPARE = (MemberId(name) for name in ("fr-hotline", "gb-hotline", "nl-hotline", "ngo-b"))
_STATE: Final = text("""
    select (select count(*) from item_acts where report_id = any(cast(:reports as uuid[])) and refused = ''),
           (select count(*) from rulings where report_id = any(cast(:reports as uuid[]))),
           (select count(*) from report_revisions where report_id = any(cast(:reports as uuid[]))),
           (select array_agg(submitter_reference order by 1) from decisions
            where report_id = any(cast(:reports as uuid[]))),
           (select count(*) from dead_letters where state = 'open'),
           (select count(*) from audit_openings where person in ('anna', 'ben', 'anna and ben'))
""")


class Said(Struct, frozen=True):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


class Walk(Struct, frozen=True, kw_only=True):
    """One act: what is typed, and what it says at each step."""

    command: tuple[str, ...]
    subject: tuple[str, ...]
    would: str
    done: str
    logged: str
    reason: str = "a walk"
    grants: tuple[str, ...] = ()
    """What the second person types, where it is no petition."""


class Office:
    """A home with a policy store and two people who sign, on the stack."""

    def __init__(self, stack: Any, chancery: Chancery, database: Database) -> None:
        self._chancery, self._database = chancery, database
        self.home, self.keys = a_home_with(stack, chancery), Path(stack.home) / "keys"
        (self.home / "keys").symlink_to(self.keys)
        self.reports: list[ReportId] = []

    def run(self, *words: str) -> Said:
        """A command in that home, as the shell would end it."""
        return run(self.home, *words)

    def pen(self, walk: Walk, who: str) -> tuple[str, ...]:
        """The options with which somebody signs: a promotion lies in the store, everything else in a petition."""
        petition = (
            "--petition",
            str(self.home / "-".join((*walk.command, *(Path(one).name for one in walk.subject[:1])))),
        )
        signs = ("--signer", who, "--key", str(self._chancery.folder / f"{who}.pem"))
        return signs if walk.grants else (*petition, *signs)

    def state(self) -> tuple[Any, ...]:
        """Whatever one of the acts would change."""
        with self._database.transaction() as connection:
            row = connection.execute(_STATE, {"reports": self.reports}).one()
        keys = {path.name: path.read_bytes() for path in sorted(self.keys.glob("keeper/*")) if path.is_file()}
        promoted = sorted(path.name for path in (self._chancery.store.folder / "promotions").glob("*"))
        return (*row, keys, promoted)


def run(home: Path, *words: str) -> Said:
    """In this process, because forty starts of Python would be most of the test."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([*words, "--home", str(home)])
    assert isinstance(ended.value.code, int)
    return Said(ended.value.code, out.getvalue(), err.getvalue())


@pytest.fixture
def database(busy_stack: Any) -> Iterator[Database]:
    database = database_of(load(busy_stack.config("ops")))
    yield database
    database.close()


@pytest.fixture
def office(busy_stack: Any, database: Database, tmp_path: Path) -> Iterator[Office]:
    office = Office(busy_stack, a_chancery(tmp_path), database)
    with a_crew(office.home, tmp_path / "logs") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        crew.start("returns", ("returns",))
        yield office


def test_each_is_looked_at_first_refused_without_a_reason_or_a_second_person_done_by_two_and_in_the_log(
    busy_stack: Any, office: Office, tmp_path: Path
) -> None:
    mine, began = _published(busy_stack, office, SUBMITTER), datetime.now(UTC).isoformat()
    other = _published(busy_stack, office, OTHER)
    item = _labelled(busy_stack, office, mine)
    letter = _a_dead_letter(busy_stack, office)
    key = re.findall(r"new key (\S+) to", run(busy_stack.home, "keys", "new", "--as", SPARE).out)[0]
    wanted, note = _a_key_that_is_asked_for(busy_stack, tmp_path / "request.note")
    bundle = another_bundle(tmp_path / "new")
    taken = "are taken back"
    for walk in (
        Walk(
            command=("dlq", "drop"), subject=(letter,), would="1 would be dropped.", done="1 dropped.",
            logged=f"dropped the dead letter {letter}",
        ),
        Walk(
            command=("keys", "revoke"), subject=(key,), reason="lost", would=f"{key} of {SPARE} would be revoked",
            done="was revoked (lost)", logged=f"revoked the key {key} of {SPARE}",
        ),
        Walk(
            command=("keys", "admit"), subject=(note,), would=f"{wanted} of {OTHER} to sign would be admitted",
            done=f"{wanted} of {OTHER} to sign was admitted", logged=f"admitted the key {wanted} of {OTHER} to sign",
        ),
        Walk(
            command=("recall",), subject=("label", f"{mine}/{item}"), would=f"what {HOTLINE} said of item {item}",
            done=f"1 {taken}", logged=f"took back what {HOTLINE} said of item {item}",
        ),
        Walk(
            command=("recall",), subject=("report", mine), would=f"report {mine} of {SUBMITTER}, which {HOTLINE}",
            done=f"1 {taken}", logged=f"took back report {mine} of {SUBMITTER}",
        ),
        Walk(
            command=("recall",), subject=("member", OTHER, "--since", began), would=f"report {other} of {OTHER}, which",
            done=f"1 {taken}", logged=f"took back report {other} of {OTHER}",
        ),
        Walk(
            command=("erase",), subject=("--report", mine), would="PostgreSQL", done="1 erased.",
            logged=f"erased the report {mine}",
        ),
        Walk(
            command=("audit", "epoch"), subject=(), would="Epoch 2 would begin", done="Epoch 2 began.",
            logged="began epoch 2 of the log after a restore",
        ),
        Walk(
            command=("policy", "promote"), subject=(str(bundle), "--at", "+1h"), would="Nothing was proposed",
            done="signed by anna and ben", logged="promoted the policy bundle", grants=("policy", "sign"),
        ),
    ):  # fmt: skip
        _walked(office, walk)


def _walked(office: Office, walk: Walk) -> None:
    anna, ben = (office.pen(walk, who) for who in SIGNERS)
    typed, why, before = (*walk.command, *walk.subject), ("--reason", walk.reason), office.state()
    looked = office.run(*typed, "--dry-run", *why, *(anna if walk.grants else ()))
    assert (looked.code, walk.would in looked.out) == (0, True), (walk, looked)
    unexplained = office.run(*typed, *anna)
    assert (unexplained.code in {1, 2}, "reason" in unexplained.err) == (True, True), (walk, unexplained)
    if not walk.grants:
        alone = office.run(*typed, *why, "--by", "anna")
        assert (alone.code, "petition.needed" in alone.err) == (1, True), (walk, alone)
    asked = office.run(*typed, *why, *anna)
    assert asked.code == 0, (walk, asked)
    second = (*walk.grants, *re.findall(r"policy sign (\w+)", asked.out)) if walk.grants else walk.command
    twice = office.run(*second, *anna)
    assert (twice.code, "promotion.same_signer" in twice.err) == (1, True), (walk, twice)
    assert office.state() == before, f"nobody but two people changes anything: {walk}"
    granted = office.run(*second, *ben)
    assert (granted.code, walk.done in granted.out) == (0, True), (walk, granted)
    assert office.state() != before
    for person in SIGNERS:
        until(_logged(office, walk, person), what=f"it is not in the log under {person}: {walk}")


def _logged(office: Office, walk: Walk, person: str) -> Callable[[], bool]:
    def look() -> bool:
        said = office.run("disclosures", "--person", person).out
        found = [line for line in said.splitlines() if f"anna and ben {walk.logged}" in line]
        return any(line.endswith(f"(tocsin {' '.join(walk.command)}). Reason: {walk.reason}.") for line in found)

    return look


def _published(stack: Any, office: Office, member: MemberId) -> ReportId:
    reference = f"walk-{uuid4()}"
    item = an_item(hosting=a_hosting(country=CountryCode("NL")), labels=(Label(scheme="iccam", label="national"),))
    with Publisher(stack.config(member)) as publisher:
        publisher.publish(a_draft(submitter_reference=reference, source_url=None, items=(item,)))
    report = report_id_of(member, reference)
    office.reports.append(report)
    until(lambda: office.run("explain", report).code == 0)
    return report


def _a_key_that_is_asked_for(stack: Any, note: Path) -> tuple[str, str]:
    """Its name, and the note that travels to the keeper."""
    made = run(stack.home, "keys", "new", "--as", OTHER, "--request", str(note)).out
    return re.findall(r"new key (\S+) to", made)[0], str(note)


def _labelled(stack: Any, office: Office, report: ReportId) -> str:
    """What the hotline says of its item, once that counts."""
    seen = run(stack.home, "subscribe", HOTLINE, "--json").out.splitlines()
    (referral,) = [one for one in map(json.loads, seen) if one["report_id"] == report]
    assert run(stack.home, "deliver", HOTLINE, "--once").code == 0
    said = run(stack.home, "answer", referral["referral_id"], "--as", HOTLINE, "--assessed", "baseline")
    assert said.code == 0, said
    assert run(stack.home, "deliver", HOTLINE, "--once").code == 0
    content = str(referral["items"][0]["content_id"])
    until(lambda: office.run("recall", "label", f"{report}/{content}", "--dry-run").code == 0)
    return content


def _a_dead_letter(stack: Any, office: Office) -> str:
    producer, before = Producer(stack.client(SPARE)), _letters(office)
    producer.produce(submitted_topic(SPARE), value=b"no record", key=b"walk")
    assert producer.flush(30) == 0
    return until(lambda: _letters(office) - before).pop()


def _letters(office: Office) -> set[str]:
    listed = office.run("dlq", "list", "--json", "--member", SPARE, "--limit", "10000").out
    return {json.loads(line)["id"] for line in listed.splitlines()}
