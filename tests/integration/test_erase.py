"""`tocsin erase` and restrictions on the real stack: what goes stays gone, what is only kept is given to nobody."""

import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from processors.keeping import Sweep
from schemas.failures import Refused
from schemas.records.identifiers import MemberId, report_id_of
from schemas.records.values import Coordinate
from schemas.topics import OPS, TRIAGE
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.reports import a_hosting, an_item
from tests.builders.waiting import until
from tocsin.publisher import Publisher
from tocsin.runtime.database import database_of, one_transaction
from tocsin.runtime.keys.files import Use
from tocsin.runtime.ledger import subject_requests
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import DeadLetterMade, Settlement
from tocsin.runtime.ledger.settling import settle
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.settings import load
from tocsin.stack.erasing import found, lines
from tocsin.stack.ledger import balance_of

pytestmark = pytest.mark.stack
SUBMITTER, RECIPIENT = MemberId("fr-hotline"), MemberId("nl-hotline")
ENDS = ("past", "kept", "still")
WHO = ("--by", "A. Operator", "--reason", "file 1 of a test")


def tocsin(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return commands.tocsin(stack.home, *words)


@contextmanager
def tables(stack: Any) -> Iterator[Any]:
    with stack.postgres.connect(database="tocsin") as connection:
        yield connection


def decided(stack: Any, report: str) -> list[Any]:
    with tables(stack) as connection:
        return list(
            connection.execute(
                "select distinct revision, submitter_reference from decisions where report_id = %s order by 1", [report]
            )
        )


def swept(stack: Any) -> None:
    """As the returns worker does it, with that worker's own rights."""
    database = database_of(load(stack.config(MemberId("returns"))))
    try:
        Sweep(database)(int(time.time() * 1000))
    finally:
        database.close()


def _holding(stack: Any, member: str, marker: str) -> list[str]:
    """The files of a member with the marker in them."""
    files = [path for path in (stack.home / "state" / member).rglob("*") if path.is_file()]
    return [path.name for path in files if marker.encode() in path.read_bytes()]


def _let_time_pass(stack: Any, *reports: str) -> None:
    with tables(stack) as connection:
        moved = connection.execute(
            "update decisions set retain_until = now() - interval '1 second' where retain_until > now() "
            "and retain_until < now() + interval '366 days' and report_id = any(%s::uuid[])",
            [list(reports)],
        )
    assert moved.rowcount >= len(reports), "triage has said when each is past, at every decision"


def _let_days_pass(stack: Any, *reports: str) -> None:
    """The day that the submitter stated is over, in its journal and in the recipient's inbox."""
    marks = ", ".join("?" * len(reports))
    for member, table in ((SUBMITTER, "journal.sqlite:retentions"), (RECIPIENT, "inbox.sqlite:deliveries")):
        file, _, name = table.partition(":")
        (path,) = (stack.home / "state" / member).rglob(file)
        with closing(sqlite3.connect(path)) as connection, connection:
            over = f"update {name} set retain_ms = 1 where report_id in ({marks})"  # noqa: S608  # our own tables
            assert connection.execute(over, reports).rowcount >= len(reports)


def referred(stack: Any, report: str) -> set[int]:
    with tables(stack) as connection:
        found = connection.execute("select revision from referrals where report_id = %s", [report])
        return {revision for (revision,) in found}


class Case:
    """One report that is restricted or erased, and three whose time is over beside the one that is erased."""

    def __init__(self, stack: Any) -> None:
        self.stack, self.reference = stack, f"erase-{uuid4()}"
        self.page = f"https://example.test/{self.reference}/only"
        self.draft = a_draft(submitter_reference=self.reference, items=(an_item(url=self.page, hosting=a_hosting()),))
        self.report = report_id_of(SUBMITTER, self.reference)
        self.past, self.kept, self.still = (report_id_of(SUBMITTER, f"{self.reference}-{end}") for end in ENDS)

    def publish_alone(self) -> None:
        with Publisher(self.stack.config(SUBMITTER)) as publisher:
            publisher.publish(self.draft)
        until(lambda: decided(self.stack, self.report))
        assert tocsin(self.stack, "deliver", RECIPIENT, "--once").returncode == 0

    def publish(self) -> None:
        with Publisher(self.stack.config(SUBMITTER)) as publisher:
            publisher.publish(self.draft)
            for end in ENDS:
                own = (an_item(url=f"https://example.test/{self.reference}/{end}", hosting=a_hosting()),)
                publisher.publish(replace(self.draft, submitter_reference=f"{self.reference}-{end}", items=own))
        until(lambda: all(decided(self.stack, one) for one in (self.report, self.past, self.kept, self.still)))

    def let_go(self) -> None:
        held = tocsin(self.stack, "hold", "legal", "set", self.kept, "--owner", "court-2", *WHO)
        assert held.returncode == 0, held.stderr
        self.number = held.stdout.split()[2]
        still = ("subject", f"https://example.test/{self.reference}/still", "--restrict", *WHO)
        assert tocsin(self.stack, *still).returncode == 0
        _let_time_pass(self.stack, self.past, self.kept, self.still)
        swept(self.stack)
        assert decided(self.stack, self.past) == [(1, "")]
        assert decided(self.stack, self.kept) == [(1, f"{self.reference}-kept")], "a hold wins over its retention"
        assert decided(self.stack, self.still) == [(1, f"{self.reference}-still")], "and so does a restriction"
        assert decided(self.stack, self.report) == [(1, self.reference)], "what is not past stays"

    def outlive_their_days(self) -> None:
        """Two are past their day in journal and inbox; one of them is held, and goes when that ends."""
        both = [f"{self.reference}/{end}" for end in ("past", "kept")]
        assert [bool(self.theirs(marker)) for marker in both] == [True, True]
        _let_days_pass(self.stack, self.past, self.kept)
        self.tidy()
        assert self.theirs(both[0]) == []
        assert sorted(Path(name).suffix for name in self.theirs(both[1])) == [".json", ".sqlite", ".sqlite"]
        assert tocsin(self.stack, "hold", "legal", "release", self.number, *WHO).returncode == 0
        self.tidy()
        assert self.theirs(both[1]) == []

    def tidy(self) -> None:
        """Recipient and submitter hear what is told, and let go of what is past and not held."""
        assert tocsin(self.stack, "deliver", RECIPIENT, "--once").returncode == 0
        assert tocsin(self.stack, "sent", "--as", SUBMITTER).returncode == 0

    def theirs(self, marker: str) -> list[str]:
        """Files of recipient and submitter with it."""
        return [*_holding(self.stack, RECIPIENT, marker), *_holding(self.stack, SUBMITTER, marker)]

    def restrict(self) -> None:
        would = tocsin(self.stack, "subject", self.page, "--restrict", *WHO, "--dry-run")
        assert "1 would be: only kept" in would.stdout, would
        assert self.holders() == {RECIPIENT: True}
        done = tocsin(self.stack, "subject", self.page, "--restrict", *WHO)
        assert (done.returncode, "1 only kept from now on" in done.stdout) == (0, True), done
        assert self.holders() == {RECIPIENT: False}
        assert "only kept: since" in tocsin(self.stack, "subject", self.page).stdout
        looked = tocsin(self.stack, "subscribe", RECIPIENT, "--json").stdout.splitlines()
        assert [one["withdrawn"] for one in map(json.loads, looked) if one["report_id"] == self.report] == [True]
        told = tocsin(self.stack, "sent", "--as", SUBMITTER, "--reference", self.reference).stdout
        assert "[route.restricted]" in told, "its submitter knows why nobody has it"
        self.forget_the_restriction()
        lifted = tocsin(self.stack, "subject", self.page, "--lift", *WHO)
        assert (lifted.returncode, "1 decided again" in lifted.stdout) == (0, True), lifted
        assert self.holders() == {RECIPIENT: True}
        twice = tocsin(self.stack, "subject", self.page, "--lift", *WHO)
        assert (twice.returncode, "[subject.not_restricted]" in twice.stderr) == (1, True), twice
        self.forget_the_lift()

    def forget_the_restriction(self) -> None:
        """As an older backup has it; what is decided meanwhile gives the report out again."""
        with tables(self.stack) as connection:
            connection.execute("delete from subject_requests where report_id = %s", [self.report])
            connection.execute("select setval('subject_requests_number_seq', 1)")
        given = tocsin(self.stack, "reroute", "--where", f"report={self.report}", *WHO)
        assert given.returncode == 0, given
        again = tocsin(self.stack, "subject", "--again")
        assert (again.returncode, "1 orders had been lost" in again.stdout) == (0, True), again
        until(lambda: self.holders() == {RECIPIENT: False})
        kept = tocsin(self.stack, "subject", self.page).stdout
        assert "by A. Operator: file 1 of a test" in kept, "it says who asked and why, as before"

    def forget_the_lift(self) -> None:
        """As a backup has it that was made before."""
        with tables(self.stack) as connection:
            connection.execute(
                "update subject_requests set ended_at = null, ended_by = null, ended_because = null "
                "where kind = 'restrict' and number = (select max(number) from subject_requests where report_id = %s)",
                [self.report],
            )
        assert "1 orders had been lost" in tocsin(self.stack, "subject", "--again").stdout
        assert "only kept: since" not in tocsin(self.stack, "subject", self.page).stdout

    def lift_what_was_interrupted(self) -> None:
        """The row has ended, and the broker was away when its ruling was to be sent."""
        assert tocsin(self.stack, "subject", self.page, "--restrict", *WHO).returncode == 0
        with one_transaction(load(self.stack.config(OPS))) as connection:
            assert subject_requests.lift(connection, self.report, Excuse(by="A. Operator", reason="a test")) is not None
        assert self.holders() == {RECIPIENT: False}
        finished = tocsin(self.stack, "subject", self.page, "--lift", *WHO)
        assert (finished.returncode, "1 decided again" in finished.stdout) == (0, True), finished
        assert self.holders() == {RECIPIENT: True}
        assert tocsin(self.stack, "subject", self.page, "--lift", *WHO).returncode == 1

    def ask_to_correct(self) -> None:
        asked = tocsin(self.stack, "subject", self.page, "--correct", "items[0].url", *WHO)
        assert (asked.returncode, "1 of which the submitter is asked" in asked.stdout) == (0, True), asked
        assert "asked to correct items[0].url, unanswered" in tocsin(self.stack, "subject", self.page).stdout
        told = tocsin(self.stack, "sent", "--as", SUBMITTER, "--reference", self.reference).stdout
        assert "items[0].url" in told, told
        assert "[subject.correct]" in told, told

    def holders(self) -> dict[str, bool]:
        """Whether the recipient has it, or was told to give it up."""
        (found,) = map(json.loads, tocsin(self.stack, "subject", self.page, "--json").stdout.splitlines())
        return {one["member"]: not one["recalled"] for one in found["holders"] if one["member"] == RECIPIENT}

    def name_its_letters(self) -> None:
        """A dead letter that is settled and taken back again: nobody else's ledger has it."""
        letter = DeadLetterMade(
            log_offset=0,
            member=SUBMITTER,
            code="record.conflict",
            field="",
            value_bytes=1,
            value_sha256="",
            masked=False,
            landed=Coordinate(topic="dlq.reports.v1", partition=1, offset=42),
            report_id=self.report,
        )
        refused = Settlement(
            topic_id="id",
            topic="test.letters",
            partition=0,
            first_offset=0,
            outcomes=(Outcome.REFUSED,),
            dead_letters=(letter,),
        )
        with one_transaction(load(self.stack.config(OPS))) as connection:
            before = found(connection, self.report)
            settle(connection, refused)
            held = found(connection, self.report)
            assert "  dead letter dlq.reports.v1/1/42, open: goes with its segment" in lines(held)
            assert held.last_at > before.last_at, "its segment is the last to go"
            connection.rollback()

    def hold(self) -> None:
        held = tocsin(self.stack, "hold", "legal", "set", self.report, "--owner", "court-1", *WHO)
        assert " members were told." in held.stdout, held
        refused = tocsin(self.stack, "erase", "--report", self.report, *WHO)
        assert (refused.returncode, "court-1" in refused.stderr) == (1, True)
        assert decided(self.stack, self.report) == [(1, self.reference)]
        listed, reason = tocsin(self.stack, "hold", "legal", "list").stdout, WHO[WHO.index("--reason") + 1]
        assert (self.report in listed, reason in listed) == (True, False), "a list is no look"
        told = tocsin(self.stack, "disclosures", "--report", self.report).stdout
        assert f"(tocsin hold legal set). Reason: {reason}." in told, told
        assert tocsin(self.stack, "hold", "legal", "release", held.stdout.split()[2], *WHO).returncode == 0

    def erase(self) -> None:
        case = f"{SUBMITTER}/{self.reference}"
        would = tocsin(self.stack, "erase", "--case", case, "--dry-run")
        assert "PostgreSQL sightings: " in would.stdout
        assert f"inbox and sinks of {RECIPIENT}: waits" in would.stdout
        assert decided(self.stack, self.report) == [(1, self.reference)]
        done = tocsin(self.stack, "erase", "--case", case, *WHO)
        assert (done.returncode, "1 erased." in done.stdout.splitlines()) == (0, True), done.stderr
        assert "tocsin erase --scrub" in done.stdout, "what is left is said, and what ends it"
        directory = self.stack.keys.keeper.directory()
        for key in directory.live(TRIAGE, Use.SEAL, int(time.time() * 1000)):
            ends = datetime.fromtimestamp(key.valid_until_ms / 1000, UTC)
            assert f"by triage's key {key.key_id}: it ends on {ends:%Y-%m-%d}, and from " in done.stdout
        assert "Kafka: the last segment" in done.stdout
        assert decided(self.stack, self.report) == [(1, "")]
        assert "Not held" in tocsin(self.stack, "subject", self.page).stdout
        register = self.stack.home / "state" / "ops" / "erasures" / "register.jsonl"
        assert self.report not in register.read_text("utf-8")

    def reach_members(self) -> None:
        marker = f"{self.reference}/only"
        assert _holding(self.stack, RECIPIENT, marker), "the recipient has it before it carries the order out"
        assert tocsin(self.stack, "deliver", RECIPIENT, "--once").returncode == 0
        assert _holding(self.stack, RECIPIENT, marker) == []
        confirmed = f"inbox and sinks of {RECIPIENT}: confirmed "
        until(lambda: confirmed in tocsin(self.stack, "erase", "--report", self.report, "--dry-run").stdout)
        assert _holding(self.stack, SUBMITTER, marker), "and so does the submitter's journal"
        assert tocsin(self.stack, "sent", "--as", SUBMITTER).returncode == 0
        assert _holding(self.stack, SUBMITTER, marker) == []

    def come_back(self) -> None:
        """As an older backup has it."""
        with tables(self.stack) as connection:
            connection.execute("delete from report_revisions where report_id = %s and revision > 1", [self.report])
            connection.execute("update report_revisions set digest = 'd' where report_id = %s", [self.report])
            as_before = "update decisions set submitter_reference = %s where report_id = %s"
            connection.execute(as_before, [self.reference, self.report])
        again = tocsin(self.stack, "erase", "--again")
        assert "1 had come back and are erased again.\n" in again.stdout, again.stderr
        assert decided(self.stack, self.report) == [(1, "")]

    def correct(self) -> None:
        """The journal has forgotten the reference; whoever sends it all the same is not routed."""
        later = replace(self.draft, revision=2, items=(an_item(url=f"{self.page}-2", hosting=a_hosting()),))
        with Publisher(self.stack.config(SUBMITTER)) as publisher:
            with pytest.raises(Refused, match="reference_unknown"):
                publisher.correct(later)
            publisher.publish(later)
        until(lambda: len(decided(self.stack, self.report)) == 2)
        assert referred(self.stack, self.report) == {1}, "nothing later of an erased report is routed"
        assert decided(self.stack, self.report) == [(1, ""), (2, "")], "and nothing of it is kept"
        assert not self.content(), "its digests did not come back either"
        until(lambda: "[report.erased]" in self.said())

    def said(self) -> str:
        return tocsin(self.stack, "sent", "--as", SUBMITTER, "--reference", self.reference).stdout

    def content(self) -> dict[str, int]:
        with one_transaction(load(self.stack.config(OPS))) as connection:
            return dict(found(connection, self.report).rows)


def test_what_is_erased_is_gone_stays_gone_and_a_legal_hold_wins(busy_stack: Any, tmp_path: Path) -> None:
    case = Case(busy_stack)
    with a_crew(busy_stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        case.publish()
        assert tocsin(busy_stack, "deliver", RECIPIENT, "--once").returncode == 0
        case.let_go()
        case.outlive_their_days()
        case.name_its_letters()
        case.hold()
        case.erase()
        crew.start("returns", ("returns",))
        case.reach_members()
        case.come_back()
        case.correct()
    assert f"erased the report {case.report}" in acts(busy_stack)
    assert balance_of(busy_stack.home).holds


def test_what_is_only_kept_stays_so_whatever_backup_comes_back_until_it_is_lifted(
    busy_stack: Any, tmp_path: Path
) -> None:
    case = Case(busy_stack)
    with a_crew(busy_stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        case.publish_alone()
        case.restrict()
        case.lift_what_was_interrupted()
        case.ask_to_correct()
    said = acts(busy_stack)
    for act in ("restricted", "restricted again", "lifted the restriction of", "lifted again the restriction of"):
        assert f"{act} the report {case.report} (tocsin subject)." in said
    assert f"asked fr-hotline to correct items[0].url of the report {case.report}" in said


def acts(stack: Any) -> str:
    """What people did, and what the register did in their names."""
    people = ("A. Operator", "the register")
    return "".join(tocsin(stack, "disclosures", "--person", person).stdout for person in people)
