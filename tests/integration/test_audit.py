"""The audit log on real PostgreSQL and Kafka: written where it settles, in an order that holds, verified elsewhere."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from processors.checkpointing import CheckpointWatch
from schemas.failures import Broken
from schemas.records.identifiers import MemberId, ReportId
from schemas.topics import RETURNS
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tocsin.publisher import Publisher
from tocsin.runtime.audit.checkpoints import ORIGIN, Checkpoint
from tocsin.runtime.audit.exporting import export_of
from tocsin.runtime.audit.recording import entries
from tocsin.runtime.audit.sequencing import sequence
from tocsin.runtime.audit.standing import standing_of
from tocsin.runtime.audit.statements import Decision, Fact
from tocsin.runtime.database import database_of
from tocsin.runtime.keys.signer import Signer
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import Settlement
from tocsin.runtime.ledger.settling import settle
from tocsin.runtime.metrics import REGISTRY
from tocsin.runtime.pipeline import send
from tocsin.runtime.settings import load

pytestmark = pytest.mark.stack
NOW_MS = 1_764_000_000_000


class Log:
    """One database, asked as the role that does it."""

    def __init__(self, stack: Any) -> None:
        self.by = {role: database_of(load(stack.config(role))) for role in ("ops", "triage", "returns")}
        self.topic = f"test.audit.{uuid4()}"
        signer = Signer.of(load(stack.config(RETURNS)).trust, RETURNS, lambda: time.time_ns() // 1_000_000)
        assert signer is not None
        self.sign = signer.note

    def close(self) -> None:
        """Take away the stream: others balance this ledger; the log itself is for good."""
        with self.by["ops"].transaction() as connection:
            mine = "select stream from streams where topic = :topic"
            connection.execute(text(f"delete from ledger_blocks where stream in ({mine})"), {"topic": self.topic})  # noqa: S608  # our own text
            connection.execute(text("delete from streams where topic = :topic"), {"topic": self.topic})
        for database in self.by.values():
            database.close()

    def settle(self, first: int, count: int) -> None:
        """A slice of reports with one fact each."""
        made = Settlement(
            topic_id="t",
            topic=self.topic,
            partition=0,
            first_offset=first,
            outcomes=(Outcome.NO_RECIPIENT,) * count,
            facts=tuple(a_fact(offset) for offset in range(first, first + count)),
        )
        with self.by["triage"].transaction() as connection:
            settle(connection, made)

    def sequence(self) -> int:
        """As the returns worker does, until nothing is ready: how many leaves."""
        found = 0
        while taken := sequence(self.by["returns"], self.sign, NOW_MS):
            found += taken
        return found


def a_fact(offset: int) -> Fact:
    decision = Decision(
        report=ReportId(str(uuid4())), revision=1, outcome="no_recipient", tier="LOW", mark="TEST",
        landed=f"triaged.v1/0/{offset}", sha256="0" * 64,
    )  # fmt: skip
    return Fact(statement=decision, at_ms=NOW_MS + offset, log_offset=offset)


@pytest.fixture
def log(stack: Any) -> Iterator[Log]:
    found = Log(stack)
    found.sequence()
    yield found
    found.close()


def tocsin(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return commands.tocsin(home, "audit", *words)


def test_a_slice_is_in_the_log_once_however_often_it_is_replayed(log: Log) -> None:
    log.settle(0, 3)
    log.settle(0, 3)
    assert log.sequence() == 3
    log.settle(0, 5)
    assert log.sequence() == 2


def test_a_transaction_that_commits_late_is_waited_for_and_keeps_its_place(log: Log) -> None:
    with log.by["triage"].transaction() as slow:
        send(slow, entries(1, [a_fact(0)]))
        log.settle(0, 2)
        assert log.sequence() == 0, "what a running transaction may still add comes first"
    before = len(export_of(log.by["ops"]).leaves)
    assert log.sequence() == 3
    times = [leaf.split()[2] for leaf in export_of(log.by["ops"]).leaves[before:]]
    assert times == [b"%d" % (NOW_MS + offset) for offset in (0, 0, 1)]


def test_what_waits_for_its_checkpoint_holds_back_the_time_up_to_which_the_log_is_signed(
    log: Log,
) -> None:
    watch = CheckpointWatch(log.by["returns"])
    log.settle(0, 1)
    log.settle(1, 1)
    time.sleep(0.2)
    with log.by["returns"].transaction() as connection:
        assert standing_of(connection).waiting == 2
    watch(NOW_MS)
    assert NOW_MS / 1000 - 60 < value_of("tocsin_audit_signed_timestamp_seconds") <= NOW_MS / 1000 - 0.2
    log.sequence()
    watch(NOW_MS)
    assert value_of("tocsin_audit_signed_timestamp_seconds") == NOW_MS / 1000
    assert abs(value_of("tocsin_audit_checkpoint_timestamp_seconds") - time.time()) < 60


def value_of(metric: str) -> float:
    value = REGISTRY.get_sample_value(metric)
    assert value is not None
    return value


def test_a_slice_that_was_not_settled_is_not_in_the_log(log: Log) -> None:
    with suppress(ZeroDivisionError), log.by["triage"].transaction() as connection:
        send(connection, entries(1, [a_fact(0)]))
        raise ZeroDivisionError
    log.settle(0, 1)
    assert log.sequence() == 1


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("triage", "update audit_entries set leaves = ''"),
        ("triage", "delete from audit_entries"),
        ("triage", "select leaves from audit_entries"),
        ("triage", "select statements from audit_openings"),
        ("triage", "insert into audit_checkpoints values (1, '1', 1, '')"),
        ("returns", "update audit_entries set leaves = ''"),
        ("returns", "delete from audit_entries"),
        ("returns", "select statements from audit_openings"),
        ("returns", "update audit_checkpoints set note = ''"),
    ],
)
def test_the_processes_can_add_to_the_log_and_not_change_it(log: Log, role: str, statement: str) -> None:
    with pytest.raises(Broken), log.by[role].transaction() as connection:
        connection.execute(text(statement))


def test_whoever_owns_the_tables_cannot_change_a_leaf_unseen(log: Log, stack: Any, tmp_path: Path) -> None:
    log.settle(0, 3)
    log.sequence()
    kept = tmp_path / "kept.note"
    assert tocsin(stack.home, "checkpoint", "--out", str(kept)).returncode == 0
    size = int(kept.read_text().splitlines()[1])
    held = tocsin(stack.home, "verify", "--checkpoint", str(kept))
    assert (held.returncode, held.stdout.startswith(f"The log holds: {size} leaves")) == (0, True)
    with log.by["ops"].transaction() as connection:
        row = connection.execute(text("select entry, leaves from audit_entries order by entry desc limit 1")).one()
    try:
        _leaves(log, row.entry, row.leaves.replace(b"decision", b"decisiom", 1))
        found = tocsin(stack.home, "verify")
        assert (found.returncode, f"leaf {size - 3} altered" in found.stdout) == (3, True), found.stdout
    finally:
        _leaves(log, row.entry, row.leaves)
    assert tocsin(stack.home, "verify").returncode == 0


def _leaves(log: Log, entry: int, leaves: bytes) -> None:
    with log.by["ops"].transaction() as connection:
        connection.execute(text("update audit_entries set leaves = :l where entry = :e"), {"l": leaves, "e": entry})


def test_each_look_of_a_person_is_in_the_log_with_name_and_purpose(log: Log, stack: Any) -> None:
    by = f"analyst-{uuid4()}"
    reader = ("--home", str(stack.home), "--by", by, "--purpose", "case 7")
    assert main("queue", "list", "--json", *reader).returncode in {0, 3}
    assert log.sequence() > 0
    told = main("disclosures", "--person", by, "--home", str(stack.home)).stdout
    assert f"{by} looked at the queue" in told
    assert "(tocsin queue list). Purpose: case 7." in told
    assert by.encode() not in b"".join(export_of(log.by["ops"]).leaves), "the log itself names nobody"


def test_a_statement_that_somebody_changed_does_not_fit_its_leaf(log: Log, stack: Any) -> None:
    by = f"analyst-{uuid4()}"
    main("queue", "list", "--json", "--by", by, "--home", str(stack.home))
    log.sequence()
    number = len(export_of(log.by["ops"]).leaves) - 1
    with log.by["ops"].transaction() as connection:
        made = connection.execute(_OPENING, {"by": by}).one()
    try:
        _forge(log, made.entry, made.statements.replace(b"a test", b"case 8"))
        told = main("disclosures", "--person", by, "--home", str(stack.home))
        assert (told.returncode, "DOES NOT FIT THE LOG" in told.stdout) == (3, True)
        found = tocsin(stack.home, "verify")
        assert (found.returncode, f"statement {number} altered" in found.stdout) == (3, True), found.stdout
    finally:
        _forge(log, made.entry, made.statements)
    held = tocsin(stack.home, "verify")
    assert (held.returncode, "each with the statement that it commits to" in held.stdout) == (0, True), held.stdout


def _forge(log: Log, entry: int, statements: bytes) -> None:
    with log.by["ops"].transaction() as connection:
        connection.execute(_FORGE, {"entry": entry, "forged": statements})


_OPENING = text("select entry, statements from audit_openings where person = :by")
_FORGE = text("update audit_openings set statements = :forged where entry = :entry")


def main(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603  # our own words


def test_what_triage_decides_is_signed_by_the_workers_and_verified_elsewhere_without_them(
    busy_stack: Any, tmp_path: Path
) -> None:
    home = busy_stack.home
    reference, began = f"audit-{uuid4()}", now()
    old = tmp_path / "old.note"
    assert tocsin(home, "checkpoint", "--out", str(old)).returncode in {0, 1, 3}
    with Publisher(busy_stack.config(MemberId("ngo-b"))) as publisher:
        publisher.publish(a_draft(submitter_reference=reference))
    with a_crew(home, tmp_path / "logs") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        crew.start("returns", ("returns",))
        deadline = time.monotonic() + 60
        while not (told := _disclosures(home, reference)) or _proof(home, told[0], tmp_path).returncode:
            assert time.monotonic() < deadline, "no disclosure came into the log"
            time.sleep(0.5)
    assert all(each["holds"] and each["fields"] and each["policy"] for each in told)
    _is_found_by_member_and_time_and_proven_by_what_somebody_kept(home, told[0], began, old)
    _exported(home, tmp_path)
    keys = tocsin(home, "keys").stdout.split()
    elsewhere = tmp_path / "elsewhere"
    words = [word for key in keys for word in ("--key", key)]
    held = tocsin(elsewhere, "verify", "--export", str(tmp_path / "log"), *words)
    assert (held.returncode, held.stderr) == (0, "")
    proof = tmp_path / "proof"
    proven = tocsin(elsewhere, "verify", "--proof", str(proof), *words)
    assert (proven.returncode, f"{told[0]['recipient']} was given report" in proven.stdout) == (0, True)
    _its_dossier_holds(home, told[0], tmp_path)
    proof.write_text(proof.read_text().replace(told[0]["recipient"], "other-member"))
    assert tocsin(elsewhere, "verify", "--proof", str(proof), *words).returncode == 3
    (tmp_path / "log").write_bytes((tmp_path / "log").read_bytes().replace(b" disclosure ", b" disclosurE ", 1))
    assert tocsin(elsewhere, "verify", "--export", str(tmp_path / "log"), *words).returncode == 3
    said = tmp_path / "said"
    by = f"auditor-{uuid4()}"
    assert tocsin(home, "export", "--statements", "--out", str(said), "--by", by).returncode == 0
    assert said.stat().st_mode & 0o777 == 0o600
    held = tocsin(elsewhere, "verify", "--export", str(said), *words)
    assert (held.returncode, "each with the statement that it commits to" in held.stdout) == (0, True), held.stdout
    assert f"{by} looked at all that the log says (tocsin audit export)" in _looks(home, told[0], by)
    _a_member_is_a_witness(busy_stack, tmp_path)


def _looks(home: Path, told: Any, by: str) -> str:
    return main("disclosures", "--report", told["report"], "--person", by, "--home", str(home)).stdout


def _is_found_by_member_and_time_and_proven_by_what_somebody_kept(home: Path, told: Any, began: str, old: Path) -> None:
    ended = now()

    def found(*asked: str) -> bool:
        said = main("disclosures", *asked, "--home", str(home))
        assert said.returncode == 0, said.stderr
        return f"Referral {told['referral']}, at" in said.stdout

    member, report = ("--member", told["recipient"]), ("--report", told["report"])
    assert found(*report, *member, "--from", began, "--until", ended)
    assert found(*member, "--from", began)
    assert found("--report", told["referral"], "--until", ended)
    assert not found(*member, "--until", began)
    assert not found(*report, "--from", ended)
    assert not found(*report, "--member", "fr-police")
    if old.exists():
        refused = tocsin(home, "prove", told["referral"], "--checkpoint", str(old))
        assert (refused.returncode, "No checkpoint covers this entry" in refused.stderr) == (1, True)
    kept = old.with_name("new.note")
    # 3: the looks above wait for a signature, and on a busy machine they took longer than a minute
    assert tocsin(home, "checkpoint", "--out", str(kept)).returncode in {0, 3}
    main("queue", "list", "--json", "--home", str(home))
    by = f"clerk-{uuid4()}"
    proof = json.loads(tocsin(home, "prove", told["referral"], "--checkpoint", str(kept), "--by", by).stdout)
    assert proof["checkpoint"] == kept.read_text()
    assert f"{by} looked at the proof of referral {told['referral']} (tocsin audit prove)." in _looks(home, told, by)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _a_member_is_a_witness(stack: Any, folder: Path) -> None:
    """It was handed one; an hour later it gets the next, and a log that was rewritten contradicts what it has."""
    mine = folder / "kept"
    words = ("checkpoint", "--as", "nl-police", "--keep", str(mine))
    first = tocsin(stack.home, *words)
    assert (first.returncode, "It is your first" in first.stderr) == (0, True), first.stderr
    ops = database_of(load(stack.config("ops")))
    with ops.transaction() as connection:
        connection.execute(text("update audit_handed set at = at - interval '2 hours'"))
    ops.close()
    main("queue", "list", "--json", "--home", str(stack.home))
    with a_crew(stack.home, folder / "later") as crew:
        crew.start("returns", ("returns",))
        deadline = time.monotonic() + 60
        while "and grew." not in (found := tocsin(stack.home, *words)).stderr:
            assert (found.returncode, time.monotonic() < deadline) == (0, True), found.stderr
            time.sleep(0.5)
    assert "Nothing new" in tocsin(stack.home, *words).stderr
    sign = Signer.of(load(stack.config(RETURNS)).trust, RETURNS, lambda: time.time_ns() // 1_000_000)
    assert sign is not None
    kept = Checkpoint.parse((mine / "newest.note").read_text().rpartition("\n\n")[0] + "\n")
    (mine / "newest.note").write_text(sign.note(replace(kept, root=bytes(32)).text(), ORIGIN))
    named = tocsin(stack.home, *words)
    assert (named.returncode, "THE LOG WAS REWRITTEN" in named.stderr) == (3, True), named.stderr


def _its_dossier_holds(home: Path, told: Any, folder: Path) -> None:
    """Made from the running exchange, and noted as a read; checked in a folder that knows nothing of it."""
    made, by = folder / "dossier", f"clerk-{uuid4()}"
    words = ("--out", str(made), "--by", by, "--purpose", "court", "--home", str(home))
    assert main("dossier", told["referral"], *words).returncode == 0
    manifest = json.loads((made / "manifest.json").read_bytes())
    assert (manifest["fits_the_log"], manifest["recipient"]) == (True, told["recipient"])
    assert {"submitted", "decided", "referred"} <= {link["what"] for link in manifest["chain"]}
    assert {link["proof"] for link in manifest["chain"]} <= {"verified", "recorded", "gone"}
    assert main("dossier", str(made), "--check", "--home", str(home)).returncode == 0
    said = main("disclosures", "--person", by, "--home", str(home)).stdout
    assert f"looked at the dossier of referral {told['referral']} (tocsin dossier). Purpose: court." in said


def _disclosures(home: Path, reference: str) -> list[Any]:
    lines = main("disclosures", "--report", reference, "--json", "--home", str(home)).stdout.splitlines()
    return [each for each in map(json.loads, lines) if each["is"] == "disclosure"]


def _proof(home: Path, told: Any, folder: Path) -> subprocess.CompletedProcess[str]:
    return tocsin(home, "prove", told["referral"], "--out", str(folder / "proof"))


def _exported(home: Path, folder: Path) -> bytes:
    assert tocsin(home, "export", "--out", str(folder / "log")).returncode == 0
    return (folder / "log").read_bytes()
