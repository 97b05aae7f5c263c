"""The firewall's detectors by example, and what they do to a report."""

import base64
import binascii
import random
from urllib.parse import quote

import pytest

from schemas.codec import MAX_RECORD_BYTES, encode
from schemas.records.answers import LabelAdded
from schemas.records.identifiers import ContentId, MemberId, ReportId
from schemas.records.report import Label
from schemas.records.values import SealedPart, Text
from schemas.screening import rule_of_text, scan_bytes, screen
from schemas.sealing import personal_part
from tests.builders.reports import (
    a_hash,
    a_personal_part,
    a_report,
    a_source_url,
    a_withdrawal,
    an_account,
    an_incident,
    an_instant,
    an_item,
)

NOISE = random.Random(20260101)  # noqa: S311 -- synthetic bytes
PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01" + NOISE.randbytes(300)
ENCODED = base64.b64encode(PICTURE).decode()


def token(length: int) -> str:
    return base64.urlsafe_b64encode(NOISE.randbytes(length)).decode().rstrip("=")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (ENCODED, "firewall.base64"),
        (base64.urlsafe_b64encode(PICTURE).decode(), "firewall.base64"),
        (f"see {ENCODED[:80]} and {ENCODED[80:]}", "firewall.base64"),
        (base64.b64encode(ENCODED.encode()).decode(), "firewall.base64"),
        (base64.b64encode(NOISE.randbytes(500)).decode(), "firewall.base64"),
        (base64.b64encode(b"PK\x03\x04" + NOISE.randbytes(60)).decode(), "firewall.base64"),
        (PICTURE.hex(), "firewall.hex"),
        (PICTURE.hex(" "), "firewall.hex"),
        (NOISE.randbytes(200).hex(), "firewall.hex"),
        ((b"\xff\xd8\xff\xe0\x00\x10" + NOISE.randbytes(26)).hex(), "firewall.hex"),
        ((b"GIF89a" + bytes(120)).hex(" "), "firewall.hex"),
        ((b"\x00\x00\x00\x18ftypmp42" + bytes(132)).hex(), "firewall.hex"),
        (base64.b32encode(PICTURE).decode(), "firewall.base32"),
        (base64.b32encode(b"PK\x03\x04\x14\x00" + bytes(120)).decode(), "firewall.base32"),
        (base64.a85encode(PICTURE, adobe=True).decode(), "firewall.ascii85"),
        (base64.b85encode(PICTURE).decode(), "firewall.ascii85"),
        ("data:image/png;base64,iVBORw0KGgo=", "firewall.data_uri"),
        ("x data:text/html;charset=utf-8,%3Chtml%3E", "firewall.data_uri"),
        ("https://example.test/?next=data%3Aimage%2Fgif%3Bbase64%2CR0lGODlh", "firewall.data_uri"),
        ('<svg xmlns="http://www.w3.org/2000/svg">', "firewall.media"),
        ("GIF89a is how such a file starts", "firewall.media"),
        (f"begin 644 p.jpg {binascii.b2a_uu(PICTURE[:45]).decode().strip()}", "firewall.encoded_file"),
        ("a\x00b", "firewall.control_characters"),
        ("a\x1fb", "firewall.control_characters"),
        ("name\u202egpj.exe", "firewall.control_characters"),
        ("\ud800", "firewall.control_characters"),
    ],
)
def test_a_payload_is_found(text: str, rule: str) -> None:
    assert rule_of_text(text) == rule


@pytest.mark.parametrize(
    "text",
    [
        NOISE.randbytes(16).hex(),
        NOISE.randbytes(20).hex(),
        NOISE.randbytes(32).hex(),
        NOISE.randbytes(64).hex().upper(),
        base64.b64encode(NOISE.randbytes(144)).decode(),
        NOISE.randbytes(144).hex(),
        "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C",
        "T1A2B3C4D5E6F70819A2B3C4D5E6F70819A2B3C4D5E6F70819A2B3C4D5E6F70819A2B3C",
        "7f3b1f6c-7a11-5d0e-9a53-7f3b1f6c7a11",
        "ABCD 1234 EF56 7890 ABCD  1234 EF56 7890 ABCD 1234",
        f"{token(30)}.{token(200)}.{token(256)}",
        f"https://cdn.example.test/v/{token(12)}?Policy={token(400)}&Signature={token(256)}&Key-Pair-Id=APKAEXAMPLE",
        f"https://bucket.example.test/o?X-Amz-Security-Token={token(900)}&X-Amz-Signature={NOISE.randbytes(32).hex()}",
        "https://exampleonionexampleonionexampleonionexampleonion234567.onion/forum/viewtopic.php?t=12",
        f"https://wiki.example.test/wiki/{quote('児童保護の通報窓口に関する説明文をここに書きます' * 4)}",
        "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        "Мария-Антуанетта Константинопольская-Петрова",
        "児童保護の通報窓口に関する説明文をここに書きます、よろしくお願いします",
        "مركز الإبلاغ عن المحتوى غير القانوني على الإنترنت",
        "ศูนย์รับแจ้งเนื้อหาที่ผิดกฎหมายบนอินเทอร์เน็ต",
        "Donaudampfschifffahrtsgesellschaftskapitän",
        "The metadata: see the times; the account moved to another service on Monday at 10:30, twice.",
        "👨‍👩‍👧 a display name with signs that join",
        "",
    ],
)
def test_what_reports_consist_of_passes(text: str) -> None:
    assert rule_of_text(text) is None


def test_lines_are_allowed_in_notes_only() -> None:
    assert rule_of_text("one\ntwo") == "firewall.control_characters"
    assert rule_of_text("one\ntwo", lines_allowed=True) is None
    assert screen(a_report(memo=Text(text="one\ntwo"))).findings == ()


def test_an_ordinary_report_comes_back_as_it_was() -> None:
    for record in (a_report(), an_incident(), a_withdrawal()):
        screened = screen(record)
        assert screened.report is record
        assert not screened.refused


def test_a_hit_in_an_optional_field_empties_it_and_says_so() -> None:
    screened = screen(a_report(items=(an_item(), an_item(series=ENCODED))))
    assert screened.report.items[1].series == ""
    assert screened.report.removed_fields == ("items[1].series:firewall.base64",)
    assert screened.report.items[0] == an_item()
    assert not screened.refused


def test_a_hit_in_a_required_field_refuses_the_report() -> None:
    screened = screen(a_report(platform="a\x00b", submitter_reference=ENCODED))
    assert screened.refused
    assert [finding.path for finding in screened.findings] == ["submitter_reference", "platform"]


def test_a_finding_tells_length_and_digest_and_never_the_value() -> None:
    (finding,) = screen(a_report(platform=ENCODED)).findings
    assert finding.length == len(ENCODED)
    assert len(finding.sha256) == 64
    assert ENCODED[:20] not in repr(finding)


def test_a_member_of_a_collection_is_removed_alone() -> None:
    screened = screen(a_report(annotations=("viral", ENCODED), external_ids={"ncmec": "1", ENCODED: "2"}))
    assert screened.report.annotations == ("viral",)
    assert screened.report.external_ids == {"ncmec": "1"}
    assert ENCODED not in repr(screened.report)


def test_a_file_cut_into_members_is_found_and_the_collection_emptied() -> None:
    pieces = tuple(ENCODED[n : n + 20] for n in range(0, len(ENCODED), 20))
    screened = screen(a_report(incident_types=pieces))
    assert screened.report.incident_types == ()
    assert screened.report.removed_fields == ("incident_types:firewall.base64",)


def test_an_address_that_is_too_long_is_removed() -> None:
    address = "https://example.test/" + "a/" * 5_000
    screened = screen(a_report(source_url=a_source_url(url=address)))
    assert screened.report.source_url == a_source_url(url="")
    assert screened.findings[0].rule == "firewall.oversize"


def test_too_many_members_refuse_the_report() -> None:
    screened = screen(a_report(items=(an_item(),) * 1_001))
    assert screened.refused
    assert screened.findings[0].rule == "firewall.too_many"


def test_too_many_hits_refuse_the_report() -> None:
    assert screen(a_report(items=(an_item(series=ENCODED),) * 101)).refused


def test_the_personal_part_is_looked_into_while_it_is_not_sealed() -> None:
    part = a_personal_part(accounts=(an_account(value=ENCODED), an_account()))
    screened = screen(an_incident(personal=part))
    inside = personal_part(screened.report.sealed[0])
    assert inside == a_personal_part(accounts=(an_account(value=""), an_account()))
    assert screened.report.removed_fields == ("sealed[0].accounts[0].value:firewall.base64",)


@pytest.mark.parametrize(
    ("part", "rule"),
    [
        (SealedPart(audience="lea", ciphertext=PICTURE), "firewall.media"),
        (SealedPart(audience="lea", key_id="k1", ciphertext=PICTURE), "firewall.media"),
        (SealedPart(audience="lea", ciphertext=b"\x01\x02\x03"), "firewall.sealed_part"),
        (SealedPart(audience="lea", key_id="k1", ciphertext=b"\x00" * 70_000), "firewall.oversize"),
        (SealedPart(audience=ENCODED, key_id="k1"), "firewall.base64"),
    ],
)
def test_a_sealed_part_that_holds_something_else_is_removed(part: SealedPart, rule: str) -> None:
    screened = screen(a_report(sealed=(part,)))
    assert screened.report.sealed == ()
    assert screened.findings[0].rule == rule


def test_a_sealed_part_under_a_key_is_left_alone() -> None:
    part = SealedPart(audience="lea", key_id="k1", enc=b"\x01", ciphertext=NOISE.randbytes(500))
    assert screen(a_report(sealed=(part,))).report.sealed == (part,)


def test_digests_that_are_no_digests_are_found() -> None:
    screened = screen(a_report(items=(an_item(hashes=(a_hash(algorithm="photodna", value=PICTURE.hex()),)),)))
    assert screened.report.items[0].hashes == (a_hash(algorithm="photodna", value=""),)


def test_a_label_is_screened_too() -> None:
    label = Label(scheme="ucs", label=ENCODED)
    record = LabelAdded(
        label_id="l",
        content_id=ContentId("c"),
        report_id=ReportId("r"),
        member=MemberId("nl-hotline"),
        at=an_instant(),
        label=label,
    )
    assert screen(record).report.label == Label(scheme="ucs")


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (PICTURE, "firewall.media"),
        (b"\x00\x00junk" + PICTURE, "firewall.media"),
        (b"\x00" + ENCODED.encode() + b"\x00", "firewall.base64"),
        (b"PK\x03\x04" + b"\x00" * 50, "firewall.archive"),
        (b"\x00" * (MAX_RECORD_BYTES + 1), "firewall.oversize"),
    ],
)
def test_raw_bytes_are_screened_before_they_are_copied(data: bytes, rule: str) -> None:
    finding = scan_bytes(data)
    assert finding is not None
    assert (finding.rule, finding.length) == (rule, len(data))


def test_the_bytes_of_an_ordinary_report_may_be_copied() -> None:
    assert scan_bytes(encode(a_report())[:-5]) is None
    assert scan_bytes(b"") is None
