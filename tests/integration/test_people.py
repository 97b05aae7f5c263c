"""What waits for a person, what people decide, escalate and hold: an exchange with a policy folder of its own."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.records.identifiers import MemberId, report_id_of
from schemas.records.report import SharingChoices
from tests.builders.commands import a_crew
from tests.builders.people import MEMBER, an_exchange, hosted, logged, publish, recipients, rows, tocsin, waiting
from tests.builders.reports import an_escalation
from tests.builders.waiting import patiently as until
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.settings import load
from tocsin.stack.decisions import decisions
from tocsin.stack.local import LocalStack

pytestmark = pytest.mark.stack
LADDER = """
[[escalation]]
code = "escalation.duty_contact"

[[escalation]]
code = "escalation.stand_in"
after_minutes = 0.2

[[escalation]]
code = "escalation.fallback"
after_minutes = 0.2
"""


@pytest.fixture(scope="module")
def exchange() -> Iterator[LocalStack]:
    with an_exchange() as stack:
        yield stack


def test_what_rules_cannot_settle_waits_with_reason_and_deadline_and_is_taken_by_one_person(
    exchange: LocalStack,
) -> None:
    denied = SharingChoices(deny_members=(MemberId("gb-hotline"), MemberId("intl-police")))
    publish(exchange, "waits-1", items=(), incident_types=("grooming",), escalation=an_escalation(), sharing=denied)
    entry = until(lambda: waiting(exchange, "waits-1"))
    assert (entry["tier"], entry["recipients"], entry["alert"]) == ("URGENT", 0, "urgent and nobody has it")
    assert "route.no_evidence" in entry["reasons"]
    assert entry["deadline"]
    assert tocsin(exchange, "queue", "list").returncode == 3
    number = str(entry["number"])
    assert tocsin(exchange, "queue", "take", number, "--by", "A. Analyst", "--purpose", "my shift").returncode == 0
    other = tocsin(exchange, "queue", "take", number, "--by", "B. Analyst")
    assert (other.returncode, "A. Analyst works on this entry" in other.stderr) == (1, True)
    assert tocsin(exchange, "queue", "take", number, "--by", "B. Analyst", "--over").returncode == 0
    taken = waiting(exchange, "waits-1")
    assert taken is not None
    assert taken["taken_by"] == "B. Analyst"
    read = tocsin(exchange, "disclosures", "--person", "A. Analyst").stdout
    assert f"A. Analyst looked at entry {number}" in read
    assert "(tocsin queue take). Purpose: my shift." in read


def decided(stack: LocalStack, reference: str, *words: str) -> subprocess.CompletedProcess[str]:
    entry = until(lambda: waiting(stack, reference))
    number = str(entry["number"])
    return tocsin(stack, "queue", "decide", number, "--by", "A. Analyst", "--reason", "looked at it", *words)


def outcome(stack: LocalStack, reference: str) -> str:
    """What the ledger says of the place where the report lies."""
    query = """
        select get_byte(b.outcomes, (r.log_offset - b.first_offset)::int) as outcome from decisions d
        join report_revisions r using (report_id, revision) join ledger_blocks b on b.stream = r.stream
        where d.submitter_reference = :reference and d.ruling = 0
          and b.first_offset <= r.log_offset and r.log_offset < b.first_offset + length(b.outcomes)
    """
    (row,) = rows(stack, query, reference=reference)
    return Outcome(row.outcome).name


def test_a_decision_makes_real_referrals_and_the_ledger_balances(exchange: LocalStack) -> None:
    denied = SharingChoices(deny_members=(MemberId("gb-hotline"), MemberId("intl-police")))
    publish(exchange, "decide-1", items=(), incident_types=("grooming",), escalation=an_escalation(), sharing=denied)
    against = decided(exchange, "decide-1", "--refer", "gb-hotline")
    assert (against.returncode, "queue.not_possible" in against.stderr) == (1, True), "no person widens a choice"
    assert outcome(exchange, "decide-1") == "WAITING_PERSON"
    done = decided(exchange, "decide-1", "--refer", "nl-police", "--refer", "fr-police")
    assert done.returncode == 0, done.stderr
    until(lambda: recipients(exchange, "decide-1") == {"nl-police", "fr-police"})
    assert until(lambda: outcome(exchange, "decide-1") != "WAITING_PERSON")
    assert outcome(exchange, "decide-1") == "ROUTED"
    assert waiting(exchange, "decide-1") is None
    assert added(exchange, "decide-1") == {"nl-police", "fr-police"}, "whoever rules next keeps them"
    _its_decision_is_in_the_log(exchange, report_id_of(MEMBER, "decide-1"))
    told = tocsin(exchange, "explain", "decide-1").stdout
    assert "A person decided that this member gets it" in told
    assert "A. Analyst" in told
    assert "looked at it" in told


def _its_decision_is_in_the_log(exchange: LocalStack, report: str) -> None:
    said = f"A. Analyst referred the report {report} of {MEMBER} to fr-police, nl-police, on entry "
    for asked in (("--person", "A. Analyst"), ("--report", report), ("--member", MEMBER)):
        (line,) = logged(exchange, *asked, said=said)
        assert line.endswith("(tocsin queue decide). Reason: looked at it."), line


def added(stack: LocalStack, reference: str) -> set[str]:
    """Whom people added, where triage asks for it at every ruling."""
    query = "select unnest(chosen) as name from rulings where report_id = cast(:report as uuid)"
    return {row.name for row in rows(stack, query, report=report_id_of(MEMBER, reference))}


def test_what_is_closed_waits_no_longer_and_its_submitter_is_told(exchange: LocalStack) -> None:
    denied = SharingChoices(deny_members=(MemberId("gb-hotline"), MemberId("intl-police")))
    publish(exchange, "close-1", items=(), incident_types=("grooming",), escalation=an_escalation(), sharing=denied)
    assert decided(exchange, "close-1", "--close").returncode == 0
    until(lambda: waiting(exchange, "close-1") is None)
    assert outcome(exchange, "close-1") == "NO_RECIPIENT"
    said = (
        f"A. Analyst decided that nobody else gets the report {report_id_of(MEMBER, 'close-1')} of {MEMBER}, on entry"
    )
    assert len(logged(exchange, "--report", "close-1", said=said)) == 1
    balance = json.loads(tocsin(exchange, "ledger", "--json").stdout)
    assert not [name for name in balance["urgent_without_recipient"] if "close-1" in name or "decide-1" in name]
    assert (
        "A person of the exchange looked at"
        in tocsin(exchange, "sent", "--as", MEMBER, "--reference", "close-1").stdout
    )


def test_an_urgent_referral_that_nobody_takes_up_climbs_to_the_stand_in_and_the_fallback(
    exchange: LocalStack, tmp_path: Path
) -> None:
    (exchange.home / "config" / "de-hotline-a.delivery.toml").write_text(LADDER, "utf-8")
    denied = SharingChoices(deny_members=(MemberId("intl-police"),))
    with a_crew(exchange.home, tmp_path / "logs") as crew:
        crew.start("de-hotline-a", ("deliver", "de-hotline-a"))
        publish(exchange, "climbs-1", items=hosted("DE"), escalation=an_escalation())
        publish(exchange, "climbs-2", items=hosted("DE"), escalation=an_escalation(), sharing=denied)
        until(lambda: len(escalations(exchange, "climbs-1")) == 3 and len(escalations(exchange, "climbs-2")) == 3)
        until(lambda: {"de-hotline-b", "intl-police"} <= recipients(exchange, "climbs-1"))
        log = crew.log("de-hotline-a").read_text("utf-8")
        crew.require_all()
    for code in ("duty_contact", "stand_in", "fallback"):
        assert f"escalation.{code}" in log, "each step says who must look"
    until(lambda: "de-hotline-b" in recipients(exchange, "climbs-2"))
    assert "intl-police" not in recipients(exchange, "climbs-2"), "no escalation widens what the submitter allows"
    assert causes(exchange, "climbs-1") == [("de-hotline-b", "ESCALATED"), ("intl-police", "ESCALATED")]
    balance = json.loads(tocsin(exchange, "ledger", "--json").stdout)
    assert all(line["balances"] for line in balance["lines"])
    assert balance["routed_without_referral"] == []
    left_behind = [name for name in balance["urgent_without_recipient"] if "climbs" in name]
    assert left_behind == [], "other tests of this exchange leave urgent reports to a person on purpose"


def escalations(stack: LocalStack, reference: str) -> list[Any]:
    """The steps that were told to the exchange, in the order of their times."""
    query = """
        select t.at from returns t join referrals r using (referral_id)
        where r.submitter_reference = :reference and t.member = 'de-hotline-a' and t.kind = 'ESCALATED' order by t.at
    """
    return rows(stack, query, reference=reference)


def causes(stack: LocalStack, reference: str) -> list[tuple[str, str]]:
    """Who got a referral of its own by a later decision, and why it was decided again."""
    query = """
        select r.recipient, u.cause from referrals r
        join rulings u on u.report_id = r.report_id and u.revision = r.revision and u.number = r.ruling
        where r.submitter_reference = :reference and r.ruling > 0 and not r.withdrawal order by r.ruling
    """
    return [(row.recipient, row.cause) for row in rows(stack, query, reference=reference)]


def test_a_hold_on_notices_is_told_to_each_hotline_that_has_the_report_and_to_nobody_else(
    exchange: LocalStack,
) -> None:
    publish(exchange, "held-1", items=hosted("NL"))
    until(lambda: {"nl-hotline", "nl-police"} <= recipients(exchange, "held-1"))
    report = str(report_id_of(MEMBER, "held-1"))
    words = ("--reason", "an operation", "--by", "A. Operator")
    assert tocsin(exchange, "hold", "set", report, "--owner", "gb-police", *words).returncode == 1
    assert "notice.proposed" in flags(exchange, "held-1")
    done = tocsin(exchange, "hold", "set", report, "--owner", "nl-police", *words)
    assert done.returncode == 0, done.stderr
    until(lambda: "notice.held" in flags(exchange, "held-1"))
    query = "select recipient from referrals where submitter_reference = 'held-1' and ruling > 0"
    assert {row.recipient for row in rows(exchange, query)} == {"nl-hotline"}
    listed = tocsin(exchange, "hold", "list").stdout
    assert (report in listed, "an operation" in listed) == (True, False), "a list is no look"
    assert "an operation" in tocsin(exchange, "explain", report, "--purpose", "why it is held").stdout
    number = done.stdout.split()[1]
    ended = tocsin(exchange, "hold", "release", number, "--by", "B. Operator", "--reason", "it ended")
    assert ended.returncode == 0, ended.stderr
    until(lambda: "notice.proposed" in flags(exchange, "held-1"))
    legal = ("--owner", "court-3", "--by", "A. Operator", "--reason", "file 7")
    kept = tocsin(exchange, "hold", "legal", "set", report, *legal).stdout.split()[2]
    assert (
        tocsin(exchange, "hold", "legal", "release", kept, "--by", "B. Operator", "--reason", "no case").returncode == 0
    )
    of_report = tocsin(exchange, "disclosures", "--report", report).stdout
    for act in (
        f"A. Operator put hold {number} of nl-police on notices about the report {report} (tocsin hold set). "
        "Reason: an operation.",
        f"B. Operator released hold {number} on notices about the report {report} (tocsin hold release). "
        "Reason: it ended.",
        f"A. Operator put legal hold {kept} of court-3 on the report {report} (tocsin hold legal set). Reason: file 7.",
        f"B. Operator released legal hold {kept} on the report {report} (tocsin hold legal release). Reason: no case.",
    ):
        assert act in of_report


def flags(exchange: LocalStack, reference: str) -> set[str]:
    """What the Dutch hotline reads in its latest copy."""
    with decisions(load(exchange.config("ops"))) as read:
        made = read.find(reference).referrals
    return {flag for referral in made if referral.recipient == "nl-hotline" for flag in referral.flags}
