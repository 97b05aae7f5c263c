"""Whose word a record is: verified, refused with its reason, or marked where the key has ended."""

from hashlib import sha256
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from processors.decision import Proposed, propose
from processors.index.memory import MemoryIndex
from processors.intake import Accepted, Door, Rejected
from processors.origins import Origin, origin_of, origin_refusal
from processors.referring import Desk
from processors.triage import Tools, TriageStages
from schemas.framing import FRAME_BYTES
from schemas.headers import Headers, event_type
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import KeyId, MemberId
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.triage import ReportTriaged
from schemas.signing import signature_headers
from schemas.topics import submitted_topic
from tests.builders.identity import KEYS, NAMING, VEIL
from tests.builders.policy import the_sample, with_member
from tests.builders.reports import NOON_MS, a_report, an_escalation
from tocsin.runtime.database import Database
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.directory import Directory, RevocationReason
from tocsin.runtime.keys.files import Use
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

MEMBER, OTHER = MemberId("plat-a"), MemberId("ngo-b")
PRIVATE = Ed25519PrivateKey.from_private_bytes(sha256(b"a test's key").digest())
PUBLIC = PRIVATE.public_key().public_bytes_raw()
CODEC = RecordCodec(FixedDirectory())
LIVE = changing.admitted(Directory(), MEMBER, Use.SIGN, PUBLIC, NOON_MS - 1)
(KEY,) = LIVE.keys
ENDED = changing.admitted(Directory(), MEMBER, Use.SIGN, PUBLIC, NOON_MS - (changing.VALID_DAYS + 1) * changing.DAY_MS)
REVOKED = changing.revoked(LIVE, KEY.key_id, RevocationReason.LOST, NOON_MS)
NOBODYS = changing.admitted(Directory(), OTHER, Use.SIGN, PUBLIC, NOON_MS - 1)


def a_value(**changes: object) -> bytes:
    return CODEC.dumps(a_report(submitter=MEMBER, **changes))


def a_raw(value: bytes, headers: Headers) -> RawRecord:
    return RawRecord(offset=0, timestamp_ms=NOON_MS, key=None, value=value, headers=tuple(headers))


def signed(value: bytes, record_type: type = ReportSubmitted, key_id: KeyId = KEY.key_id) -> Headers:
    return signature_headers(PRIVATE, key_id, event_type(record_type), value[FRAME_BYTES:])


@pytest.mark.parametrize(
    ("headers", "directory", "origin"),
    [
        (signed(a_value()), LIVE, Origin.VERIFIED),
        ([], LIVE, Origin.UNSIGNED),
        (signed(a_value(), key_id=KeyId("f" * 16)), LIVE, Origin.UNKNOWN_KEY),
        (signed(a_value()), NOBODYS, Origin.UNKNOWN_KEY),
        (signed(a_value()), ENDED, Origin.EXPIRED),
        (signed(a_value()), REVOKED, Origin.REVOKED),
        (signed(a_value(platform="another")), LIVE, Origin.WRONG),
        (signed(a_value(), Withdrawal), LIVE, Origin.WRONG),
        ([], None, Origin.NOT_ASKED),
    ],
)
def test_what_a_signature_is_worth(headers: Headers, directory: Directory | None, origin: Origin) -> None:
    assert origin_of(a_raw(a_value(), headers), ReportSubmitted, MEMBER, directory) is origin


def test_the_frames_schema_id_is_not_signed_because_it_is_the_registrys() -> None:
    value = a_value()
    reframed = value[:1] + b"\x00\x00\x00\x63" + value[FRAME_BYTES:]
    assert origin_of(a_raw(reframed, signed(value)), ReportSubmitted, MEMBER, LIVE) is Origin.VERIFIED


def test_only_a_member_that_has_not_agreed_to_sign_may_send_unsigned() -> None:
    assert origin_refusal(Origin.UNSIGNED, signs=True) == "origin.unsigned"
    assert origin_refusal(Origin.UNSIGNED, signs=False) == ""
    assert origin_refusal(Origin.WRONG, signs=False) == "origin.wrong"


@pytest.mark.parametrize(
    ("headers", "directory", "code"),
    [
        ([], LIVE, "origin.unsigned"),
        (signed(a_value()), REVOKED, "origin.revoked"),
        (signed(b"12345"), LIVE, "origin.wrong"),
    ],
)
def test_the_door_refuses_what_is_not_the_members_word(headers: Headers, directory: Directory, code: str) -> None:
    door = Door(member=MEMBER, bundle=with_member(MEMBER, signs=True), codec=CODEC, directory=directory)
    answer = door.admit(a_raw(a_value(), headers))
    assert isinstance(answer, Rejected)
    assert (answer.code, answer.report is not None) == (code, True)
    assert "key" in answer.message or "signature" in answer.message


def through_the_door(report: ReportSubmitted, directory: Directory) -> Proposed:
    value = CODEC.dumps(report)
    door = Door(member=MEMBER, bundle=the_sample(), codec=CODEC, directory=directory)
    accepted = door.admit(a_raw(value, signed(value)))
    assert isinstance(accepted, Accepted)
    return propose(accepted, the_sample(), NAMING, NOON_MS)


def test_with_an_ended_key_what_is_urgent_goes_on_marked_and_the_rest_waits() -> None:
    urgent = through_the_door(a_report(submitter=MEMBER, escalation=an_escalation()), ENDED)
    assert urgent.route.recipients
    assert "origin_unverified" in urgent.flags
    other = through_the_door(a_report(submitter=MEMBER), ENDED)
    assert (other.route.recipients, other.route.waiting_reasons) == ((), ("route.origin_expired",))


def told_of(report: ReportSubmitted, directory: Directory) -> list[Any]:
    """Every record that triage makes of it."""
    desk = Desk(bundle=the_sample(), keys=KEYS, personal_schema_id=8)
    tools = Tools(desk=desk, veil=VEIL, codec=CODEC, directory=lambda: directory)
    stages = TriageStages(tools, MemoryIndex(), cast(Database, None), {})
    value = CODEC.dumps(report)
    piece = Slice(topic_id="t", topic=submitted_topic(MEMBER), partition=0, records=(a_raw(value, signed(value)),))
    records = stages.finish(stages.claim(stages.decide(piece))).records
    return [CODEC.loads(record.value, Referral, ReportTriaged, Status) for record in records]


def test_with_an_ended_key_recipients_see_the_mark_and_the_submitter_hears_why_the_rest_waits() -> None:
    urgent = told_of(a_report(submitter=MEMBER, escalation=an_escalation()), ENDED)
    referrals = [record for record in urgent if isinstance(record, Referral)]
    assert referrals
    assert all("origin_unverified" in record.flags for record in urgent if isinstance(record, Referral | ReportTriaged))
    waits = told_of(a_report(submitter=MEMBER), ENDED)
    assert not [record for record in waits if isinstance(record, Referral)]
    (status,) = [record for record in waits if isinstance(record, Status)]
    assert (status.kind, status.code, status.member) == (StatusKind.WAITING_PERSON, "route.origin_expired", MEMBER)


def test_with_a_good_key_nothing_is_marked() -> None:
    proposed = through_the_door(a_report(submitter=MEMBER), LIVE)
    assert proposed.route.recipients
    assert "origin_unverified" not in proposed.flags
