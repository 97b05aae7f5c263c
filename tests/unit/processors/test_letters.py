"""What triage says of a record that it cannot use, and what it never repeats."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.intake import Rejected
from processors.letters import (
    ERRORS,
    LONGEST_KEPT_BYTES,
    Writer,
    dead_letter,
    letter_made,
    refusal_status,
    status_id,
)
from schemas.disclosure import Audience
from schemas.records.answers import StatusKind
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.values import Coordinate, Tier
from schemas.topics import dead_letter_topic
from tests.builders.deliveries import CODEC
from tests.builders.referrals import a_priority, a_referral
from tests.builders.reports import NOON_MS, a_report
from tocsin.runtime.transport.slices import RawRecord

MEMBER = MemberId("plat-a")
SOURCE = Coordinate(topic_id="id", topic="reports.plat-a.submitted.v1", partition=1, offset=7)
PICTURE = b"\x89PNG\r\n\x1a\n and more"


def a_record(value: bytes | None = b"value") -> RawRecord:
    return RawRecord(offset=7, timestamp_ms=5, key=b"key", value=value, headers=(("traceparent", b"t"),))


def a_refusal(code: str = "value.not_framed", field: str = "") -> Rejected:
    return Rejected(code=code, field=field, message="")


def test_a_dead_letter_keeps_the_record_and_says_where_and_why() -> None:
    letter = dead_letter(a_record(), SOURCE, a_refusal(field="memo"))
    said = {name.removeprefix(ERRORS): value.decode() for name, value in letter.headers if name.startswith(ERRORS)}
    assert (letter.topic, letter.key, letter.value) == (dead_letter_topic(SOURCE.topic), b"key", b"value")
    assert said == {
        "topic": SOURCE.topic,
        "topic.id": "id",
        "partition": "1",
        "offset": "7",
        "stage": "triage",
        "report.id": "",
        "code": "value.not_framed",
        "field": "memo",
        "value.bytes": "5",
        "value.sha256": hashlib.sha256(b"value").hexdigest(),
        "value.masked": "false",
        "at": "5",
    }
    assert ("traceparent", b"t") in letter.headers


def test_a_dead_letter_of_a_report_that_could_be_read_names_it() -> None:
    report = a_report()
    letter = dead_letter(a_record(), SOURCE, replace(a_refusal("report.no_legal_basis"), report=report))
    assert (f"{ERRORS}report.id", report.report_id.encode()) in letter.headers


@pytest.mark.parametrize(
    ("value", "code"), [(PICTURE, "value.not_framed"), (b"harmless", "firewall.base64"), (PICTURE, "triage.skipped")]
)
def test_what_may_carry_imagery_leaves_size_and_digest_behind_and_nothing_else(value: bytes, code: str) -> None:
    letter = dead_letter(a_record(value), SOURCE, a_refusal(code))
    assert (letter.value, letter.key) == (b"", b"7")
    assert {name for name, _ in letter.headers if not name.startswith(ERRORS)} == set()
    made = letter_made(a_record(value), a_refusal(code), MEMBER)
    assert (made.masked, made.value_bytes) == (True, len(value))
    assert made.value_sha256 == hashlib.sha256(value).hexdigest()


@given(st.binary(max_size=500), st.sampled_from(["firewall.media", "value.not_framed"]))
def test_headers_and_ledger_say_the_same(value: bytes, code: str) -> None:
    letter, made = (
        dead_letter(a_record(value), SOURCE, a_refusal(code)),
        letter_made(a_record(value), a_refusal(code), MEMBER),
    )
    said = dict(letter.headers)
    assert said[f"{ERRORS}value.sha256"].decode() == made.value_sha256
    assert (
        (said[f"{ERRORS}value.masked"] == b"true")
        == made.masked
        == (letter.value != value or (made.masked and not value))
    )


def test_the_submitter_of_an_unreadable_record_is_known_by_its_topic() -> None:
    status = refusal_status(MEMBER, a_refusal(), SOURCE, 5)
    assert (status.member, status.report_id, status.code) == (MEMBER, "", "value.not_framed")


def test_the_submitter_of_a_readable_record_gets_its_reference_back() -> None:
    report = a_report()
    rejected = Rejected(code="report.no_legal_basis", field="governance.legal_basis", message="", report=report)
    status = refusal_status(MEMBER, rejected, SOURCE, 5)
    assert (status.report_id, status.submitter_reference) == (report.report_id, report.submitter_reference)


def test_the_same_message_has_the_same_id_and_another_has_another() -> None:
    ids = [
        status_id(*said)
        for said in (("a", 1, StatusKind.TRIAGED), ("a", 1, StatusKind.TRIAGED), ("a", 2, StatusKind.TRIAGED))
    ]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("changes", "is_named"),
    [
        ({}, True),
        ({"report_id": ReportId("no id at all")}, False),
        ({"report_id": a_report(submitter_reference="another").report_id}, False),
        ({"submitter": MemberId("ngo-b")}, False),
    ],
)
def test_a_dead_letter_is_kept_of_a_report_only_where_its_id_follows_from_what_its_submitter_wrote(
    changes: dict[str, Any], is_named: bool
) -> None:
    report = replace(a_report(submitter=MEMBER), **changes)
    rejected = Rejected(code="report.wrong_id", field="report_id", message="", report=report)
    assert letter_made(a_record(), rejected, MEMBER).report_id == (report.report_id if is_named else None)


@pytest.mark.parametrize("large", ["value", "key", "headers"])
def test_a_dead_letter_of_more_than_can_be_sent_keeps_size_and_digest_alone(large: str) -> None:
    much = b"x" * (LONGEST_KEPT_BYTES + 1)
    record = replace(a_record(), **{large: (("h", much),) if large == "headers" else much})
    letter = dead_letter(record, SOURCE, a_refusal("record.too_large"))
    assert (letter.key, letter.value) == (b"7", b"")
    assert sum(len(name) + len(value) for name, value in letter.headers) < 2_000
    made = letter_made(record, a_refusal("record.too_large"), MEMBER)
    assert (made.masked, made.value_bytes) == (True, len(record.value or b""))


@pytest.mark.parametrize("tier", [Tier.NORMAL, Tier.URGENT])
def test_every_revision_of_a_report_lies_under_one_key_and_is_an_event_of_its_own(tier: Tier) -> None:
    writer, priority = Writer(codec=CODEC), a_priority(tier)
    revisions = [a_referral(revision=revision, priority=priority) for revision in (1, 2)]
    sent = [writer.referral(each, Audience.LEA, NOON_MS) for each in revisions]
    assert {out.key.decode() for out in sent} == {revisions[0].report_id}
    assert [dict(out.headers)["ce_id"].decode() for out in sent] == [each.referral_id for each in revisions]
