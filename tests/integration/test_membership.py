"""The life of a member: tested, suspended, added and seen off, on an exchange with a policy folder of its own."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.failures import Failure
from schemas.records.identifiers import MemberId
from tests.builders.commands import a_crew
from tests.builders.people import an_exchange, hosted, logged, publish, recipients, rows, tocsin
from tests.builders.waiting import patiently as until
from tocsin.stack.local import LocalStack
from tocsin.stack.requests import packet_folder

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def exchange() -> Iterator[LocalStack]:
    with an_exchange() as stack:
        yield stack


def test_a_test_report_travels_to_one_member_and_to_nobody_else(exchange: LocalStack) -> None:
    query = "select referral_id from referrals where submitter = 'ngo-b' and mark = 'TEST' order by referral_id"
    before = rows(exchange, query)
    told = tocsin(exchange, "member", "check", "ngo-b", "--round-trip").stdout
    assert "✓ a test report came in" in told
    assert rows(exchange, query) == before


def test_a_test_referral_is_delivered_to_a_member_that_receives(exchange: LocalStack, tmp_path: Path) -> None:
    with a_crew(exchange.home, tmp_path / "logs") as crew:
        for member in ("nl-hotline", "nl-police"):
            crew.start(member, ("deliver", member))
            told = tocsin(exchange, "member", "check", member, "--round-trip", "--from", "ngo-b")
            assert "✓ a test referral went out" in told.stdout, told.stderr
        query = "select recipient, state from referrals where mark = 'TEST' and submitter = 'ngo-b'"
        assert {row.recipient for row in rows(exchange, query)} == {"nl-hotline", "nl-police"}
        crew.require_all()


def test_suspension_stops_the_next_record_and_the_stand_in_gets_it(exchange: LocalStack) -> None:
    publish(exchange, "before", items=hosted("DE"))
    until(lambda: "de-hotline-a" in recipients(exchange, "before"))
    done = tocsin(exchange, "member", "suspend", "de-hotline-a", "--by", "A. Operator", "--reason", "key lost")
    assert done.returncode == 0, done.stderr
    publish(exchange, "after", items=hosted("DE"))
    got = until(lambda: recipients(exchange, "after"))
    assert "de-hotline-a" not in got
    assert "de-hotline-b" in got, "its stand-in"
    assert tocsin(exchange, "acl", "plan").returncode == 0, "its rules are gone, and no plan wants them back"
    assert not [line for line in tocsin(exchange, "acl", "plan").stdout.splitlines() if "de-hotline-a" in line]
    assert "suspended by A. Operator: key lost" in tocsin(exchange, "member", "list").stdout
    tocsin(exchange, "member", "resume", "de-hotline-a", "--by", "A. Operator", "--reason", "new key")
    publish(exchange, "again", items=hosted("DE"))
    assert "de-hotline-a" in until(lambda: recipients(exchange, "again"))
    of_member = tocsin(exchange, "disclosures", "--member", "de-hotline-a").stdout
    assert "A. Operator suspended de-hotline-a (tocsin member suspend). Reason: key lost." in of_member
    assert "A. Operator ended the suspension of de-hotline-a (tocsin member resume). Reason: new key." in of_member
    stranger = tocsin(exchange, "member", "resume", "de-hotline-a", "--by", "N. Nobody", "--reason", "once more")
    assert stranger.returncode == 1
    assert logged(exchange, "--person", "N. Nobody", said="N. Nobody") == [], "what was refused was not done"


def test_a_suspended_submitter_can_write_nothing(exchange: LocalStack) -> None:
    tocsin(exchange, "member", "suspend", "ngo-b", "--by", "A. Operator", "--reason", "a test")
    try:
        with pytest.raises(Failure):
            publish(exchange, "barred", member=MemberId("ngo-b"), items=hosted("NL"))
        assert rows(exchange, "select 1 from decisions where submitter_reference = 'barred'") == []
    finally:
        tocsin(exchange, "member", "resume", "ngo-b", "--by", "A. Operator", "--reason", "a test")


def test_the_life_of_a_member_from_its_key_to_its_last_day(exchange: LocalStack, tmp_path: Path) -> None:
    made = subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-m", "tocsin", "member", "request", "be-hotline", "--folder", str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    fingerprint = made.stdout.splitlines()[-1]
    said = ("--name", "Simulated Hotline BE", "--country", "BE", "--sector", "hotline", "--receives")
    reached = ("--duty-contact", "desk", "--out-of-band", "a number", "--duty-hours", "mon-sun 00:00-24:00")
    asked = ("member", "add", "be-hotline", "--request", str(tmp_path / "be-hotline.csr"), *said, *reached)
    wrong = tocsin(exchange, *asked, "--fingerprint", "0" * 64)
    assert (wrong.returncode, "member.fingerprint" in wrong.stderr) == (1, True)
    assert logged(exchange, "--member", "be-hotline", said="be-hotline") == [], "what was refused was not done"
    added = tocsin(exchange, *asked, "--fingerprint", fingerprint, "--by", "A. Operator")
    assert added.returncode == 0, added.stderr
    assert "The audit log does not keep this" not in added.stdout
    assert "be-hotline may READ TOPIC referrals.be.be-hotline.v1" in added.stdout
    assert not list(exchange.home.rglob("be-hotline.key")), "the key stays with the member"
    assert tocsin(exchange, "acl", "apply", "--by", "A. Operator", "--reason", "be-hotline joins").returncode == 0
    assert tocsin(exchange, "acl", "apply", "--by", "N. Nothing").returncode == 0
    sheet = tmp_path / "sheet.md"
    checked = tocsin(exchange, "member", "check", "be-hotline", "--sheet", str(sheet))
    assert checked.returncode == 3, "no test referral has gone out"
    assert "✗ a test referral went out" in checked.stdout
    assert fingerprint in sheet.read_text("utf-8")
    for use in ("sign", "seal"):
        assert f"tocsin keys admit be-hotline.{use}.note" in checked.stdout
        assert admitted(exchange, tmp_path, use) == 0
    now = tocsin(exchange, "member", "check", "be-hotline").stdout
    assert "✓ signing key in the directory: 1 live" in now
    assert "✓ sealing key in the directory: 1 live" in now
    assert trouble(exchange, tmp_path) == ""
    again = ("member", "renew", "be-hotline", "--request", str(tmp_path / "be-hotline.csr"))
    assert tocsin(exchange, *again, "--fingerprint", fingerprint, "--by", "A. Operator").returncode == 0
    _who_did_it_is_in_the_log(exchange)
    left = tocsin(exchange, "member", "leave", "be-hotline", "--by", "A. Operator", "--reason", "merged")
    assert left.returncode == 0, left.stderr
    done = "A. Operator saw be-hotline off for good (tocsin member leave). Reason: merged."
    assert len(logged(exchange, "--person", "A. Operator", said=done)) == 1
    assert "AUTHORIZATION" in trouble(exchange, tmp_path)
    assert tocsin(exchange, *again, "--fingerprint", fingerprint, "--by", "N. Nothing").returncode == 1
    assert logged(exchange, "--person", "N. Nothing", said="N. Nothing") == []


def _who_did_it_is_in_the_log(exchange: LocalStack) -> None:
    of_member = tocsin(exchange, "disclosures", "--member", "be-hotline").stdout
    for act in (
        "A. Operator signed the request of be-hotline, and wrote it into the folder in which rules are edited "
        "(tocsin member add). Reason: it joins the exchange.",
        "A. Operator signed a new request of be-hotline (tocsin member renew). "
        "Reason: its certificate is renewed before it ends.",
    ):
        assert of_member.count(act) == 1, of_member
    made = "A. Operator made the broker as the policy says: "
    (line,) = logged(exchange, "--person", "A. Operator", said=made)
    assert line.endswith("(tocsin acl apply). Reason: be-hotline joins."), line


def admitted(exchange: LocalStack, folder: Path, use: str) -> int:
    """At the member with what it was handed over, and then at the keeper of the directory."""
    handed, config, note = packet_folder(exchange.home, MemberId("be-hotline")), folder / "config", folder / use
    config.mkdir(exist_ok=True)
    for file in handed.iterdir():
        (config / file.name).write_bytes(file.read_bytes())
    (config / "directory.note").write_bytes((exchange.home / "keys" / "keeper" / "directory.note").read_bytes())
    made = ("keys", "new", "--as", "be-hotline", "--use", use, "--request", str(note), "--home", str(folder))
    subprocess.run([sys.executable, "-m", "tocsin", *made], check=True, cwd=config)  # noqa: S603  # our own words
    done = tocsin(exchange, "keys", "admit", str(note), "--by", "K. Keeper", "--reason", "it joins")
    said = tocsin(exchange, "disclosures", "--person", "K. Keeper").stdout
    assert f"of be-hotline to {use} (tocsin keys admit). Reason: it joins." in said, said
    return done.returncode


def trouble(exchange: LocalStack, folder: Path) -> str:
    """What keeps the member, with its own key and the packet of the exchange, from its topic; empty for nothing."""
    from confluent_kafka import KafkaException, TopicCollection  # noqa: PLC0415 -- only this helper asks the broker
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 -- as above

    packet = exchange.home / "members" / "be-hotline"
    for file in packet.glob("*.pem") if packet.exists() else ():
        shutil.copy(file, folder)
    client: dict[str, Any] = {
        "bootstrap.servers": exchange.kafka.bootstrap,
        "security.protocol": "ssl",
        "ssl.ca.location": str(folder / "ca.pem"),
        "ssl.certificate.location": str(folder / "be-hotline.pem"),
        "ssl.key.location": str(folder / "be-hotline.key"),
        "log_level": 0,
    }
    topics = TopicCollection(["referrals.be.be-hotline.v1"])
    admin = AdminClient(client)  # kept: what is asked of one that is gone is never answered
    found = admin.describe_topics(topics, request_timeout=20)["referrals.be.be-hotline.v1"]
    try:
        found.result()
    except KafkaException as error:
        return str(error.args[0].name())
    return ""
