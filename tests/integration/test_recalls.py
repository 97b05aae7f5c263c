"""A report that is taken back, on the real stack: who has not acknowledged it, and what nobody reads any more."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from processors.recalling import RecallWatch
from schemas.records.identifiers import MemberId, report_id_of
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.reports import a_hosting, an_item
from tests.builders.two_people import TwoPeople
from tests.builders.waiting import until
from tocsin.publisher import Publisher
from tocsin.runtime import metrics
from tocsin.runtime.database import database_of
from tocsin.runtime.ledger.recalls import LATE_AFTER
from tocsin.runtime.settings import load

pytestmark = pytest.mark.stack
SUBMITTER, RECIPIENT, SPARE = MemberId("fr-hotline"), MemberId("nl-hotline"), MemberId("ngo-b")


def tocsin(stack: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return commands.tocsin(stack.home, *words)


def lines(stack: Any, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in tocsin(stack, *words, "--json").stdout.splitlines()]


def test_a_recall_is_open_until_its_member_acknowledges_and_what_it_takes_back_is_not_read_again(
    busy_stack: Any, tmp_path: Path
) -> None:
    stack, reference = busy_stack, f"recall-{uuid4()}"
    report_id, reader = report_id_of(SUBMITTER, reference), f"R. Reader {uuid4()}"

    def seen() -> list[bool]:
        found = lines(stack, "subscribe", RECIPIENT)
        return [one["withdrawn"] for one in found if one["report_id"] == report_id]

    def recalls(*words: str) -> list[dict[str, Any]]:
        return [one for one in lines(stack, "recalls", "--member", RECIPIENT, *words) if one["report_id"] == report_id]

    page = f"https://example.test/{reference}"

    def holders() -> dict[str, bool]:
        found = [one for one in lines(stack, "subject", page) if one["report_id"] == report_id]
        return {holder["member"]: holder["recalled"] for one in found for holder in one["holders"]}

    with a_crew(stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        with Publisher(stack.config(SUBMITTER)) as publisher:
            publisher.publish(a_draft(submitter_reference=reference, items=(an_item(url=page, hosting=a_hosting()),)))
        assert until(seen) == [False]
        assert until(holders)[RECIPIENT] is False
        tocsin(stack, "withdraw", reference, "--as", SUBMITTER, "--reason", "submitted_in_error")
        (recall,) = until(lambda: recalls("--open"))
        assert (recall["state"], recall["open"], recall["late"]) == ("waiting", True, False)
        assert seen() == [True], "the recall is read, and what it takes back is not"
        _two_look(stack, reader)
        assert _late(stack) >= 1
        assert holders()[RECIPIENT] is True
        assert "Not held" in tocsin(stack, "subject", f"{page}-other").stdout
        tocsin(stack, "deliver", RECIPIENT, "--once")
        crew.start("returns", ("returns",))
        (done,) = until(lambda: [one for one in recalls() if not one["open"]])
        assert done["state"] in {"delivered", "withdrawn"}
        _somebody_looked(stack, report_id, reader)
        _its_dossier_is_made_for_a_reason_alone(stack, report_id, tmp_path)
        again = f"{reference}-2"
        with Publisher(stack.config(SUBMITTER)) as publisher:
            publisher.publish(a_draft(submitter_reference=again, items=(an_item(url=page, hosting=a_hosting()),)))
        report_id = report_id_of(SUBMITTER, again)
        assert until(seen) == [False]
        people = TwoPeople(stack, tmp_path)
        _two_people_take_it_back(stack, report_id, people)
        (recall,) = until(lambda: recalls("--open"))
        assert (recall["state"], recall["known_at"]) == ("waiting", None)
        assert seen() == [True]
        tocsin(stack, "deliver", RECIPIENT, "--once")
        (done,) = until(lambda: [one for one in recalls() if not one["open"] and one["known_at"]])
        assert done["state"] in {"delivered", "withdrawn"}
        assert "by the exchange" in tocsin(stack, "recalls").stdout
        corrected = a_draft(submitter_reference=again, items=(an_item(url=f"{page}/new", hosting=a_hosting()),))
        with Publisher(stack.config(SUBMITTER)) as publisher:
            publisher.correct(corrected)
        assert until(lambda: [one for one in _sent(stack, again) if "STALE" in one])
        assert all("recall.by_exchange" in one for one in _sent(stack, again))
        assert seen() == [True], "what the exchange took back stays taken back"
        _two_people_erase_it_and_revoke_a_key(stack, report_id, people)
    assert not recalls("--open")


def _two_look(stack: Any, reader: str) -> None:
    """One at everything, one at a span that ended before the report came."""
    looking = tocsin(stack, "subscribe", RECIPIENT, "--by", reader, "--purpose", "the morning's list")
    assert "recalled and are not shown" in looking.stderr
    early = ("--until", "2026-01-01T00:00:00+00:00", "--by", f"early {reader}")
    assert tocsin(stack, "subscribe", RECIPIENT, *early).returncode == 0


def _somebody_looked(stack: Any, report_id: str, reader: str) -> None:
    person = f"{reader} of {RECIPIENT}"
    looked = until(lambda: _readings(stack, person))
    assert f"{person} looked at the referrals of {RECIPIENT} from the first until " in looked
    assert "(tocsin subscribe). Purpose: the morning's list." in looked
    assert not _readings(stack, reader), "whose person it is belongs to the name"
    early = f"early {person}"
    assert until(lambda: _readings(stack, early))
    of_report = tocsin(stack, "disclosures", "--report", report_id).stdout
    assert f"{person} looked at the referrals of {RECIPIENT} from the first until " in of_report
    assert early not in of_report, "the span of that look ended before the report came"


def _it_is_explained_to_its_recipient_no_more(stack: Any, report_id: str) -> None:
    """Nobody sees it as the recipient did, where it is not needed all the same; the operator's own view stays."""
    shown = ("explain", report_id, "--for", RECIPIENT)
    refused = tocsin(stack, *shown)
    assert (refused.returncode, refused.stdout, "[explain.recalled]" in refused.stderr) == (1, "", True), refused
    anyway = ("--although-recalled", "--reason", "its officer asks what it was", "--by", "O. Officer")
    assert RECIPIENT in tocsin(stack, *shown, *anyway, "--purpose", "case 7").stdout
    why = "case 7; although it was recalled: its officer asks what it was."
    assert why in tocsin(stack, "disclosures", "--person", "O. Officer").stdout
    assert tocsin(stack, "explain", report_id).returncode == 0


def _its_dossier_is_made_for_a_reason_alone(stack: Any, report_id: str, folder: Path) -> None:
    _it_is_explained_to_its_recipient_no_more(stack, report_id)
    sent = [one for one in lines(stack, "receipts", report_id) if one["what"] == "referred"]
    (referral,) = (one["referral_id"] for one in sent if one["member"] == RECIPIENT)
    wanted = ("dossier", referral, "--by", "C. Clerk", "--purpose", "court", "--out", str(folder / "dossier"))
    refused = tocsin(stack, *wanted)
    assert (refused.returncode, "[dossier.recalled]" in refused.stderr) == (1, True), refused
    assert not (folder / "dossier").exists()
    anyway = ("--although-recalled", "--reason", "the court has asked for it")
    assert "Print " in until(lambda: tocsin(stack, *wanted, *anyway).stdout, what="no checkpoint yet")
    why = "court; although it was recalled: the court has asked for it"
    assert json.loads((folder / "dossier" / "manifest.json").read_bytes())["purpose"] == why
    said = tocsin(stack, "disclosures", "--person", "C. Clerk").stdout
    assert [line.partition("Purpose: ")[2] for line in said.splitlines()] == [f"{why}."], (
        "what was refused shows nothing"
    )


def _two_people_erase_it_and_revoke_a_key(stack: Any, report_id: str, people: TwoPeople) -> None:
    before = tocsin(stack, "erase", "--report", report_id, "--dry-run", "--by", "D. Dry").stdout
    assert ": erased before" not in before
    assert "PostgreSQL" in before
    looked = f"D. Dry looked at who has report {report_id} (tocsin erase). Purpose: before tocsin erase."
    assert looked in tocsin(stack, "disclosures", "--person", "D. Dry").stdout
    done = people.do(("erase",), "--report", report_id, "--reason", "a test")
    assert (done.returncode, "1 erased." in done.stdout) == (0, True), done
    (key,) = re.findall(r"new key (\S+) to", tocsin(stack, "keys", "new", "--as", SPARE).stdout)
    would = tocsin(stack, "keys", "revoke", key, "--reason", "lost", "--dry-run")
    assert f"{key} of {SPARE} would be revoked (lost)." in would.stdout, would
    done = people.do(("keys", "revoke"), key, "--reason", "lost")
    assert (done.returncode, f"{key} of {SPARE} was revoked (lost)." in done.stdout) == (0, True), done
    erased = f"anna and ben erased the report {report_id} (tocsin erase). Reason: a test."
    for asked in (("--report", report_id), ("--member", SUBMITTER), ("--person", "ben")):
        said = tocsin(stack, "disclosures", *asked).stdout
        assert said.count(erased) == 1, asked
    assert f"anna and ben revoked the key {key} of {SPARE} (tocsin keys revoke). Reason: lost." in said


def _two_people_take_it_back(stack: Any, report_id: str, people: TwoPeople) -> None:
    would = tocsin(stack, "recall", "report", report_id, "--dry-run", "--by", "D. Dry", "--reason", "it is wrong")
    looked = f"D. Dry looked at who has report {report_id} (tocsin recall). Purpose: it is wrong."
    assert looked in tocsin(stack, "disclosures", "--report", report_id).stdout, "a dry run tells who has it"
    assert f"report {report_id} of {SUBMITTER}, which " in would.stdout
    assert RECIPIENT in would.stdout
    assert "would be taken back" in would.stdout
    done = people.do(("recall",), "report", report_id, "--reason", "a test")
    assert (done.returncode, "1 are taken back" in done.stdout) == (0, True), done
    for asked in (("--person", "anna"), ("--person", "ben"), ("--report", report_id)):
        said = tocsin(stack, "disclosures", *asked).stdout
        assert f"anna and ben took back report {report_id} of {SUBMITTER}" in said
        assert "(tocsin recall). Reason: a test." in said


def _readings(stack: Any, person: str) -> str:
    found = tocsin(stack, "disclosures", "--person", person).stdout
    return found if "looked at" in found else ""


def _sent(stack: Any, reference: str) -> list[str]:
    """What the submitter reads of each revision."""
    return tocsin(stack, "sent", "--as", SUBMITTER, "--reference", reference, "--json").stdout.splitlines()


def _late(stack: Any) -> float:
    """What the watch would publish when the hour has passed."""
    database = database_of(load(stack.config(MemberId("returns"))))
    try:
        RecallWatch(database)(int(time.time() + LATE_AFTER.total_seconds() + 60) * 1000)
    finally:
        database.close()
    return metrics.REGISTRY.get_sample_value("tocsin_recalls_late") or 0.0
