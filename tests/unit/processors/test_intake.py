"""The door: what every record is held against before anything is decided."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.intake import FUTURE_TOLERANCE_MS, Accepted, Door, Rejected
from schemas.catalogue import message
from schemas.codec import encode
from schemas.records.identifiers import KeyId, MemberId, ReportId
from schemas.records.proof import Commitment
from schemas.records.report import ReportSubmitted, Withdrawal
from tests.builders.reports import a_governance, a_report, a_withdrawal, an_incident, an_instant
from tocsin.policy.bundle import SAMPLE, load
from tocsin.policy.members import Standing
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord
from tocsin.runtime.transport.unpacking import BATCH_FAULT

MEMBER = MemberId("plat-a")
NOW_MS = 1_795_000_000_000
CODEC = RecordCodec(FixedDirectory())
BUNDLE = load(SAMPLE)
SOUND = Commitment(seed=b"s" * 32, key_id=KeyId("k" * 16), signature=b"v" * 64)


def a_door(**changes: Any) -> Door:
    return replace(Door(member=MEMBER, bundle=BUNDLE, codec=CODEC), **changes)


def admitted(record: ReportSubmitted | Withdrawal | bytes | None, door: Door | None = None) -> Accepted | Rejected:
    value = record if record is None or isinstance(record, bytes) else CODEC.dumps(record)
    raw = RawRecord(offset=3, timestamp_ms=NOW_MS, key=b"k", value=value, headers=())
    return (door or a_door()).admit(raw)


def code(found: Accepted | Rejected) -> str:
    return found.code if isinstance(found, Rejected) else ""


def test_a_good_report_and_a_good_withdrawal_go_on() -> None:
    assert isinstance(admitted(a_report()), Accepted)
    assert isinstance(admitted(a_withdrawal()), Accepted)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"submitter": MemberId("ngo-b")}, "report.wrong_submitter"),
        ({"submitter_reference": " "}, "report.reference_missing"),
        ({"report_id": ReportId("2b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e33")}, "report.wrong_id"),
        ({"revision": 0}, "report.wrong_revision"),
        ({"revision": 2**31 - 2}, "report.wrong_revision"),
        ({"revision": 2**62}, "report.wrong_revision"),
        ({"governance": a_governance(legal_basis="")}, "report.no_legal_basis"),
        ({"detected_at": an_instant(NOW_MS + FUTURE_TOLERANCE_MS + 1)}, "report.date_in_future"),
        ({"incident_at": an_instant(NOW_MS + FUTURE_TOLERANCE_MS + 1)}, "report.date_in_future"),
        ({"received_at": an_instant(NOW_MS + FUTURE_TOLERANCE_MS + 1)}, "report.date_in_future"),
        ({"commitment": replace(SOUND, seed=SOUND.seed + b"a payload")}, "origin.commitment"),
        ({"commitment": replace(SOUND, signature=b"")}, "origin.commitment"),
        ({"commitment": replace(SOUND, key_id=KeyId("k" * 65))}, "origin.commitment"),
    ],
)
def test_each_check_refuses_with_its_own_code_and_names_the_field(changes: dict[str, Any], wanted: str) -> None:
    found = admitted(a_report(**changes))
    assert code(found) == wanted
    assert isinstance(found, Rejected)
    assert found.field
    assert found.report is not None, "its ids are told to the submitter"


PROOF = encode(replace(SOUND, key_id=KeyId("0123456789abcdef")))


@pytest.mark.parametrize(
    "proof",
    [
        PROOF + b"a payload",
        PROOF[:-1],
        b"a payload",
        encode(SOUND),
        encode(replace(SOUND, key_id=KeyId("0123456789abcde"), seed=SOUND.seed + b"s")),
        b"\xc0\x00" + PROOF[1:33] + b"\x1e" + PROOF[34:49] + PROOF[50:],
    ],
    ids=["longer", "shorter", "no commitment", "no key id", "another key id", "a length in two bytes"],
)
def test_what_a_personal_part_is_checked_with_has_its_exact_size_or_the_report_is_refused(proof: bytes) -> None:
    report = an_incident()
    (part,) = report.sealed
    assert isinstance(admitted(replace(report, sealed=(replace(part, proof=PROOF),))), Accepted)
    found = admitted(replace(report, sealed=(replace(part, proof=proof),)))
    assert isinstance(found, Rejected)
    assert (found.code, found.field) == ("origin.personal_commitment", "sealed")


def test_clocks_and_zones_may_differ_by_a_day() -> None:
    assert isinstance(admitted(a_report(detected_at=an_instant(NOW_MS + FUTURE_TOLERANCE_MS))), Accepted)


def test_a_suspended_member_is_refused_and_told() -> None:
    suspended = replace(BUNDLE.members[MEMBER], standing=Standing.SUSPENDED)
    door = a_door(bundle=replace(BUNDLE, members={**BUNDLE.members, MEMBER: suspended}))
    assert code(admitted(a_report(), door)) == "report.member_not_active"


def test_whose_it_is_comes_before_what_it_says() -> None:
    assert code(admitted(a_report(submitter=MemberId("ngo-b"), revision=0))) == "report.wrong_submitter"


def test_a_record_that_a_person_set_aside_is_not_even_read() -> None:
    found = admitted(b"whatever", a_door(skipped=frozenset({3})))
    assert isinstance(found, Rejected)
    assert (found.code, found.outcome) == ("triage.skipped", Outcome.SKIPPED)


@pytest.mark.parametrize("value", [None, b"", b"\x00", b"no frame"])
def test_what_is_no_record_is_refused_without_ids(value: bytes | None) -> None:
    found = admitted(value)
    assert isinstance(found, Rejected)
    assert found.report is None


@given(st.binary(max_size=2_000))
def test_no_bytes_escape_the_door(value: bytes) -> None:
    assert isinstance(admitted(value), Rejected)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_record_with_one_byte_changed_is_admitted_or_refused_and_nothing_else(place: int, byte: int) -> None:
    value = bytearray(CODEC.dumps(a_report()))
    value[place % len(value)] = byte
    assert isinstance(admitted(bytes(value)), Accepted | Rejected)


def test_a_record_whose_batch_did_not_unpack_is_refused_for_that_and_for_nothing_else() -> None:
    raw = RawRecord(offset=3, timestamp_ms=NOW_MS, key=None, value=None, headers=(), fault=BATCH_FAULT)
    refused = a_door().admit(raw)
    assert (code(refused), refused.message if isinstance(refused, Rejected) else "") == (
        BATCH_FAULT,
        message(BATCH_FAULT),
    )
