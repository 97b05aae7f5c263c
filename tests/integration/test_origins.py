"""Origin signatures on the real stack: the member's word goes on, and what others wrote on its topic does not."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from sqlalchemy import text

from schemas.headers import Headers
from schemas.records.answers import Return, ReturnKind
from schemas.records.identifiers import MemberId, ReferralId, report_id_of
from schemas.records.report import ReportSubmitted
from schemas.topics import OPS, returns_topic, submitted_topic
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.reports import a_hosting, a_report, an_instant, an_item
from tests.builders.signing import signed
from tests.builders.waiting import until
from tocsin import Publisher
from tocsin.runtime import settings
from tocsin.runtime.database import one_transaction
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.stack.ledger import balance_of

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("keys_end_here")]
MEMBER, OTHER, RECIPIENT = MemberId("fr-hotline"), MemberId("plat-a"), MemberId("nl-hotline")
TOPIC = submitted_topic(MEMBER)


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def codec(stack: Any) -> RecordCodec:
    return RecordCodec(SchemaDirectory(settings.load(stack.config(OPS)).registry))


@pytest.fixture(autouse=True)
def crew(stack: Any, tmp_path: Path) -> Iterator[None]:
    with a_crew(stack.home, tmp_path) as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        yield


def outcomes(stack: Any) -> dict[str, int]:
    """What became of the member's records, once nothing waits."""
    deadline = time.monotonic() + 60
    while True:
        (line,) = [line for line in balance_of(stack.home).lines if line.topic == TOPIC]
        if not line.waiting:
            return dict(line.outcomes)
        assert time.monotonic() < deadline, "not settled in time"
        time.sleep(0.5)


def refusals(stack: Any, member: MemberId = MEMBER) -> list[str]:
    listed = tocsin(stack, "dlq", "list", "--json", "--member", member)
    return sorted(line.split('"code":"')[1].split('"')[0] for line in listed.splitlines())


def tocsin(stack: Any, *words: str) -> str:
    done = commands.tocsin(stack.home, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def send(stack: Any, value: bytes, headers: Headers, topic: str = TOPIC) -> None:
    """As whoever got hold of the member's certificate, or of the broker."""
    producer, given = Producer(stack.client(OPS)), list[Any](headers)
    producer.produce(topic, value=value, key=b"one partition", headers=given)
    assert producer.flush(30) == 0


def publish(stack: Any, reference: str) -> None:
    with Publisher(stack.config(MEMBER)) as publisher:
        publisher.publish(a_draft(submitter_reference=reference))


def test_only_what_the_member_signed_goes_on_while_its_key_is_exchanged(stack: Any, codec: RecordCodec) -> None:
    before, refused_before = outcomes(stack), refusals(stack)
    publish(stack, "signed-1")
    value = codec.dumps(a_report(submitter=MEMBER, submitter_reference="forged"))
    changed = codec.dumps(a_report(submitter=MEMBER, submitter_reference="forged", platform="changed"))
    send(stack, value, [])
    send(stack, value, signed(stack.config(OTHER), ReportSubmitted, value))
    send(stack, changed, signed(stack.config(MEMBER), ReportSubmitted, value))
    tocsin(stack, "keys", "rotate", "--as", MEMBER, "--by", "R. Keeper")
    made = f"R. Keeper made a new key of {MEMBER} to sign (tocsin keys rotate)."
    assert made in tocsin(stack, "disclosures", "--person", "R. Keeper")
    publish(stack, "signed-2")
    after = outcomes(stack)
    changes = {name: count - before.get(name, 0) for name, count in after.items()}
    assert {name: count for name, count in changes.items() if count} == {"routed": 2, "refused": 3}
    refused = Counter(refusals(stack)) - Counter(refused_before)
    assert sorted(refused.elements()) == ["origin.unknown_key", "origin.unsigned", "origin.wrong"]


def test_an_old_signed_record_that_is_sent_again_is_stale_and_on_another_topic_refused(
    stack: Any, codec: RecordCodec
) -> None:
    before, refused_before = outcomes(stack), refusals(stack, OTHER)
    old, new = (codec.dumps(a_report(submitter=MEMBER, submitter_reference="again", revision=n)) for n in (1, 2))
    by_member = {value: signed(stack.config(MEMBER), ReportSubmitted, value) for value in (old, new)}
    for value in (old, old, new, old):
        send(stack, value, by_member[value])
    send(stack, old, by_member[old], submitted_topic(OTHER))
    after = outcomes(stack)
    changes = {name: count - before.get(name, 0) for name, count in after.items()}
    assert {name: count for name, count in changes.items() if count} == {"routed": 3, "stale": 1}
    deadline = time.monotonic() + 60
    while not (refused := Counter(refusals(stack, OTHER)) - Counter(refused_before)):
        assert time.monotonic() < deadline, "not refused in time"
        time.sleep(0.5)
    assert list(refused.elements()) == ["report.wrong_submitter"]


def state_of(stack: Any, reference: str) -> tuple[str, str]:
    """The recipient's referral of a report, and what became of it."""
    query = text("select referral_id::text, state from referrals where report_id = :report and recipient = :member")
    asked = {"report": report_id_of(MEMBER, reference), "member": RECIPIENT}
    with one_transaction(settings.load(stack.config(OPS))) as connection:
        return tuple(connection.execute(query, asked).first() or ("", ""))


def test_an_answer_that_its_member_did_not_sign_is_a_dead_letter_and_the_referral_stays_as_it_was(
    stack: Any, codec: RecordCodec, tmp_path: Path
) -> None:
    refused_before = refusals(stack, RECIPIENT)
    with Publisher(stack.config(MEMBER)) as publisher:
        items = (an_item(hosting=a_hosting()),)
        publisher.publish(a_draft(submitter_reference="answered", items=items))
    referral, _ = until(lambda: found if (found := state_of(stack, "answered"))[0] else None)
    answer = Return(
        return_id="forged",
        referral_id=ReferralId(referral),
        report_id=report_id_of(MEMBER, "answered"),
        member=RECIPIENT,
        kind=ReturnKind.TAKEN_UP,
        at=an_instant(int(time.time() * 1000)),
    )
    value = codec.dumps(answer)
    with a_crew(stack.home, tmp_path / "returns") as back:
        back.start("returns", ("returns",))
        tocsin(stack, "deliver", RECIPIENT, "--once")
        until(lambda: state_of(stack, "answered") == (referral, "delivered"))
        for headers in ([], signed(stack.config(MEMBER), Return, value)):
            send(stack, value, headers, returns_topic(RECIPIENT))
        refused = until(lambda: found if (found := _new(stack, refused_before)).total() == 2 else None)
        assert sorted(refused.elements()) == ["origin.unknown_key", "origin.unsigned"]
        assert state_of(stack, "answered") == (referral, "delivered"), "nobody took it up"
        send(stack, value, signed(stack.config(RECIPIENT), Return, value), returns_topic(RECIPIENT))
        until(lambda: state_of(stack, "answered") == (referral, "taken_up"))


def _new(stack: Any, before: list[str]) -> Counter[str]:
    return Counter(refusals(stack, RECIPIENT)) - Counter(before)


def test_what_is_signed_with_a_revoked_key_is_refused_at_once(stack: Any, codec: RecordCodec) -> None:
    value = codec.dumps(a_report(submitter=MEMBER, submitter_reference="late"))
    headers = signed(stack.config(MEMBER), ReportSubmitted, value)
    tocsin(stack, "keys", "revoke", dict(headers)["tocsin-key-id"].decode(), "--reason", "lost", "--by", "A. Keeper")
    send(stack, value, headers)
    outcomes(stack)
    assert "origin.revoked" in refusals(stack)
    refused = tocsin(stack, "dlq", "list", "--json", "--member", MEMBER, "--code", "origin.revoked")
    letter = json.loads(refused.splitlines()[0])["id"]
    tocsin(stack, "dlq", "show", letter, "--by", "S. Shown", "--purpose", "who signed it")
    tocsin(stack, "dlq", "drop", "--code", "origin.revoked", "--by", "B. Keeper", "--reason", "it was sent anew")
    report_id = codec.loads(value, ReportSubmitted).report_id
    said = tocsin(stack, "disclosures", "--report", report_id)
    assert f"A record of {MEMBER} was refused" in said
    assert "B. Keeper dropped the dead letter" in said
    assert f"S. Shown looked at the dead letter {letter} (tocsin dlq show). Purpose: who signed it." in said
    assert f"revoked the key {dict(headers)['tocsin-key-id'].decode()} of {MEMBER}" in tocsin(
        stack, "disclosures", "--person", "A. Keeper"
    )
    tocsin(stack, "keys", "new", "--as", MEMBER, "--by", "A. Keeper", "--reason", "the old one was lost")
    made = f"A. Keeper made a new key of {MEMBER} to sign (tocsin keys new). Reason: the old one was lost."
    assert made in tocsin(stack, "disclosures", "--person", "A. Keeper")
    publish(stack, "with the key that took its place")
