"""`tocsin receipts` and `tocsin dossier` on the real stack: the whole chain from the bytes, and where it is broken."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from html import escape
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import TextClause, text

from schemas.records.answers import Return
from schemas.records.identifiers import MemberId, report_id_of
from schemas.records.referral import Referral
from schemas.records.triage import ReportTriaged
from schemas.records.values import Coordinate
from schemas.topics import OPS
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.reports import a_hosting, a_personal_part, an_account, an_item
from tests.builders.waiting import until as awaited
from tocsin import Publisher
from tocsin.cli.auditing.dossier_page import LIMITS
from tocsin.runtime import settings
from tocsin.runtime.database import database_of
from tocsin.runtime.records import Records
from tocsin.runtime.registry import RecordCodec, SchemaDirectory

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("keys_end_here")]
SUBMITTER, RECIPIENT = MemberId("fr-hotline"), MemberId("nl-hotline")
POINTED = text("update returns set log_offset = :offset where referral_id = cast(:id as uuid) and by_person")
DECIDED = text("update decisions set out_offset = :offset where report_id = cast(:id as uuid)")
REFERRED = text("update referrals set out_offset = :offset where referral_id = cast(:id as uuid)")


class Answered(Struct, frozen=True):
    """A report that one recipient took up, and the referral that it did so with."""

    report_id: str
    referral: str


@pytest.fixture(scope="module")
def stack(busy_stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with a_crew(busy_stack.home, tmp_path_factory.mktemp("logs")) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        crew.start("returns", ("returns",))
        yield busy_stack


@pytest.fixture(scope="module")
def answered(stack: Any) -> Answered:
    not_for_hotlines = a_personal_part(accounts=(an_account(),))
    with Publisher(stack.config(SUBMITTER)) as publisher:
        items = (an_item(hosting=a_hosting()),)
        publisher.publish(a_draft(submitter_reference="receipt-1", items=items, personal=not_for_hotlines))
    report_id = report_id_of(SUBMITTER, "receipt-1")
    _, links = until(stack, report_id, "referred")
    (referral,) = (link["referral_id"] for link in links if (link["what"], link["member"]) == ("referred", RECIPIENT))
    tocsin(stack, "keys", "rotate", "--as", SUBMITTER)
    tocsin(stack, "deliver", RECIPIENT, "--once")
    tocsin(stack, "answer", referral, "--as", RECIPIENT, "--taken-up")
    tocsin(stack, "deliver", RECIPIENT, "--once")
    until(stack, report_id, "taken_up")
    return Answered(report_id, referral)


def tocsin(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return commands.tocsin(stack.home, *words)


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


def test_the_chain_is_verified_from_submission_to_the_recipients_signature(stack: Any, answered: Answered) -> None:
    code, links = receipts(stack, answered.report_id)
    assert (code, {link["proof"] for link in links}) == (0, {"verified", "recorded"})
    proofs = {(link["what"], link["member"]): link for link in links}
    assert proofs["submitted", SUBMITTER]["key_id"] == proofs["referred", RECIPIENT]["key_id"]
    assert proofs["delivered", RECIPIENT]["key_id"] not in ("", proofs["submitted", SUBMITTER]["key_id"])
    assert not proofs["delivered", RECIPIENT]["by_person"]
    assert proofs["taken_up", RECIPIENT]["by_person"]
    _, own = receipts(stack, answered.report_id, "--for", RECIPIENT)
    assert {link["member"] for link in own} == {RECIPIENT}
    who = ("--by", "R. Clerk", "--purpose", "a complaint")
    assert RECIPIENT not in tocsin(stack, "receipts", answered.referral, "--for", SUBMITTER, *who).stdout
    for asked in (("--person", "R. Clerk"), ("--report", answered.report_id)):
        said = tocsin(stack, "disclosures", *asked).stdout
        looked = f"R. Clerk looked at the receipts of report {answered.report_id} (tocsin receipts)."
        assert f"{looked} Purpose: a complaint." in said, said
    folder = settings.load(stack.config(RECIPIENT)).state / "delivered"
    (file,) = (path for path in folder.glob("[!.]*.json") if of_referral(path) == answered.referral)
    assert "VERIFIED" in tocsin(stack, "verify", str(file)).stdout


def of_referral(path: Path) -> str:
    """Which one a delivered file holds: others name its report too, as one that they are linked to."""
    return str(json.loads(path.read_text("utf-8")).get("referral", {}).get("referral_id"))


def test_one_return_that_somebody_put_in_the_place_of_the_real_one_breaks_the_chain_at_its_link(
    stack: Any, answered: Answered
) -> None:
    (link,) = (one for one in receipts(stack, answered.report_id)[1] if one["what"] == "taken_up")
    place = Coordinate(**link["place"])
    ops = settings.load(stack.config(OPS))
    real = Records(ops.kafka)([place])[place]
    codec = RecordCodec(SchemaDirectory(ops.registry))
    said = codec.loads(real.value, Return)
    assert isinstance(said, Return)
    altered = codec.dumps(replace(said, case_number="another case"))
    assert real.value
    forged = {
        "WRONG": put(stack, place, altered, real.headers),
        "UNSIGNED": put(stack, place, real.value, ()),
        "OTHER_RECORD": put(stack, place, real.value[:9], real.headers),
    }
    try:
        for proof, offset in forged.items():
            point(stack, POINTED, answered.referral, offset)
            told = tocsin(stack, "receipts", answered.report_id)
            broken = [
                line for line in told.stdout.splitlines() if "  VERIFIED" not in line and "  RECORDED" not in line
            ]
            assert told.returncode == 3
            (line,) = broken
            assert f"taken_up by {RECIPIENT} (a person)  revision 1  {proof}" in line
            assert f"{place.topic}[{place.partition}]@{offset}" in line
    finally:
        point(stack, POINTED, answered.referral, place.offset)
    assert receipts(stack, answered.report_id)[0] == 0


def put(stack: Any, place: Coordinate, value: bytes, headers: Sequence[Any]) -> int:
    """Where a record is now that whoever may write to every topic wrote beside the one at a place."""
    offsets: list[int | None] = []
    producer, given = Producer(stack.client(OPS)), list[Any](headers)
    producer.produce(
        place.topic,
        value=value,
        headers=given,
        partition=place.partition,
        on_delivery=lambda _, record: offsets.append(record.offset()),
    )
    assert producer.flush(30) == 0
    (offset,) = offsets
    assert offset is not None
    return offset


def point(stack: Any, where: TextClause, of: str, offset: int) -> None:
    """As whoever owns the tables: the ledger names this record instead."""
    with closing(database_of(settings.load(stack.config(OPS)))) as database, database.transaction() as connection:
        assert connection.execute(where, {"offset": offset, "id": of}).rowcount == 1


def test_a_decision_or_a_referral_that_the_log_does_not_commit_to_is_named(stack: Any, answered: Answered) -> None:
    links = receipts(stack, answered.report_id)[1]
    rows = {"decided": (DECIDED, answered.report_id), "referred": (REFERRED, answered.referral)}
    for what, (where, of) in rows.items():
        (link,) = (one for one in links if one["what"] == what and one["referral_id"] in {"", answered.referral})
        place = Coordinate(**link["place"])
        ops = settings.load(stack.config(OPS))
        real, codec = Records(ops.kafka)([place])[place], RecordCodec(SchemaDirectory(ops.registry))
        said = codec.loads(real.value, ReportTriaged, Referral)
        assert isinstance(said, ReportTriaged | Referral)
        altered = codec.dumps(replace(said, priority=replace(said.priority, score=said.priority.score + 1)))
        try:
            point(stack, where, of, put(stack, place, altered, real.headers))
            code, found = receipts(stack, answered.report_id)
            assert code == 3
            assert [one["what"] for one in found if one["proof"] == "not_as_logged"] == [what]
        finally:
            point(stack, where, of, place.offset)
    assert receipts(stack, answered.report_id)[0] == 0


def test_its_dossier_says_all_that_a_court_needs_and_one_altered_byte_is_noticed(
    stack: Any, answered: Answered, tmp_path: Path
) -> None:
    folder = tmp_path / "dossier"
    wanted = ("dossier", answered.referral, "--out", str(folder), "--by", "C. Clerk", "--purpose", "court")
    awaited(lambda: tocsin(stack, *wanted).returncode == 0, what="no checkpoint covers it")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    page = (folder / "dossier.html").read_text("utf-8")
    for clause, said in clauses(manifest):
        assert said, clause
        assert escape(said) in page, (clause, said)
    assert manifest["kept_back"], "nothing was kept back, and the rules of it are not tested"
    assert {link["what"] for link in manifest["chain"]} == {"submitted", "decided", "referred", "delivered", "taken_up"}
    assert (manifest["fits_the_log"], manifest["referral_id"]) == (True, answered.referral)
    keys = re.findall(r"<li><code>(tocsin-\S+?)</code></li>", page)
    code, told = checked(folder, keys)
    assert (code, told.startswith("It holds: the files are those that")) == (0, True), told
    for name in ("dossier.html", "manifest.json", "proof.json"):
        content = (folder / name).read_bytes()
        place = content.index(answered.report_id.encode())
        (folder / name).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        code, told = checked(folder, keys)
        assert (code, "a file was changed" in told) == (3, True), (name, told)
        (folder / name).write_bytes(content)
    assert checked(folder, keys)[0] == 0


def clauses(manifest: Any) -> Iterator[tuple[str, str]]:
    """What the page has to say, each with why it is on it."""
    yield "bytes received and their digest", f"SHA-256 {manifest['received']['sha256']}"
    yield "bytes received and their digest", manifest["received"]["content"][:64]
    yield "times with zone", f"{manifest['received']['appended_at_ms'] % 1000:03}+00:00"
    yield "versions", f"id {manifest['received']['schema_id']} in the registry"
    yield "versions", manifest["policy"]["bundle"]
    yield "versions", manifest["ruleset"]
    yield "versions", f"with tocsin {manifest['made_with']}"
    for node in (manifest["decision"], *manifest["decision"]["children"]):
        yield "the decision in words", node["title"]
    for one in manifest["kept_back"]:
        yield "withheld rules", f"{one['says']} [{one['rule']}]"
    yield "returns", f"delivered by {RECIPIENT}, revision 1: verified"
    yield "returns", f"taken_up by {RECIPIENT} (a person), revision 1: verified"
    yield "proof", f"Leaf {manifest['proof']['number']}, with"
    yield "proof", manifest["proof"]["checkpoint"]
    yield "how to verify it", "tocsin dossier FOLDER --check --key KEY"
    for limit in LIMITS:
        yield "what it does not prove", limit


def checked(folder: Path, keys: Sequence[str]) -> tuple[int, str]:
    """As the page says, by somebody who has the folder and no exchange."""
    words = [word for key in keys for word in ("--key", key)]
    command = [sys.executable, "-m", "tocsin", "dossier", str(folder), "--check", *words, "--home", "/nowhere"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603  # our own words
    return done.returncode, done.stdout
