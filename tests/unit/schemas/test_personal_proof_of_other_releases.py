"""What names persons between two releases: one knows nothing of the proof beside it, and neither loses a byte."""

from copy import deepcopy
from io import BytesIO
from typing import Any

import fastavro
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct
from msgspec.structs import replace

from consumers.provenance import Provenance, examined
from schemas.codec import decode, decode_from, encode
from schemas.compatibility import breaks_between
from schemas.definitions import expanded
from schemas.records.identifiers import KeyId
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart, ReportSubmitted
from schemas.records.values import SealedPart
from schemas.sealing import SUITE, binding_in_referral, seal
from tests.builders.proofs import DIRECTORY, a_report_on, with_part
from tests.builders.reports import a_personal_part
from tests.unit.consumers.test_provenance import released

PERSONAL = a_personal_part()
REPORT = a_report_on(PERSONAL)
PRIVATE = X25519PrivateKey.generate()


def before(record: str) -> dict[str, Any]:
    """The schema of a release that had no such field."""
    schema = deepcopy(expanded(record))
    sealed = next(field for field in schema["fields"] if field["name"] == "sealed")
    part = sealed["type"]["items"]
    part["fields"] = [field for field in part["fields"] if field["name"] != "proof"]
    return schema


def read_by_the_earlier(record: Struct) -> dict[str, Any]:
    """As its code has it from today's bytes, by both schemas."""
    name = type(record).__name__
    writer, reader = fastavro.parse_schema(expanded(name)), fastavro.parse_schema(before(name))
    found: Any = fastavro.schemaless_reader(BytesIO(encode(record)), writer, reader)
    return dict(found)


def written_by_the_earlier(record: Struct) -> bytes:
    stream, schema = BytesIO(), fastavro.parse_schema(before(type(record).__name__))
    fastavro.schemaless_writer(stream, schema, read_by_the_earlier(record))
    return stream.getvalue()


@pytest.mark.parametrize("record", ["ReportSubmitted", "Referral"])
def test_every_rule_of_compatibility_holds_between_the_two(record: str) -> None:
    assert before(record) != expanded(record)
    assert list(breaks_between(record, before(record), expanded(record))) == []


def test_the_part_itself_is_laid_out_as_ever_so_that_an_earlier_reader_reads_it() -> None:
    fields = [field["name"] for field in expanded("PersonalPart")["fields"]]
    assert fields == ["accounts", "network_events", "locations"]
    (part,) = read_by_the_earlier(REPORT)["sealed"]
    assert "proof" not in part
    assert decode(PersonalPart, part["ciphertext"]) == PERSONAL


def test_an_earlier_recipient_opens_what_is_sealed_today() -> None:
    referral = with_part(released(REPORT), REPORT, PERSONAL)
    binding = binding_in_referral(referral.sealed[0], referral)
    sealed = seal(referral.sealed[0], binding, KeyId("k" * 16), PRIVATE.public_key().public_bytes_raw())
    (part,) = read_by_the_earlier(replace(referral, sealed=(sealed,)))["sealed"]
    context = binding.encoded()
    key = SUITE.decrypt(part["enc"], PRIVATE, info=context)
    plain = AESGCM(key).decrypt(bytes(12), part["ciphertext"], context)
    assert decode(PersonalPart, plain) == PERSONAL


def test_a_record_from_before_is_read_as_one_without_a_proof_and_the_rest_of_it_verifies() -> None:
    found = decode_from(ReportSubmitted, before("ReportSubmitted"), written_by_the_earlier(REPORT))
    assert found == replace(REPORT, sealed=(replace(REPORT.sealed[0], proof=b""),))
    sent = with_part(released(found), found, PERSONAL)
    referral = decode_from(Referral, before("Referral"), written_by_the_earlier(sent))
    finding = examined(referral, DIRECTORY)
    assert (finding.provenance, finding.personal[0].provenance) == (Provenance.VERIFIED, Provenance.UNSIGNED)


def test_an_earlier_triage_or_recipient_finds_the_fields_of_the_report_as_they_were_signed() -> None:
    """No digest and no salt of a report's own fields is another than before: no order of upgrades is needed."""
    bare = replace(REPORT, sealed=())
    assert examined(released(bare), DIRECTORY).provenance is Provenance.VERIFIED
    assert released(bare).origin_proof == released(REPORT).origin_proof


def test_an_empty_proof_costs_an_empty_part_one_byte() -> None:
    assert len(encode(replace(REPORT, sealed=(SealedPart(),)))) == len(
        written_by_the_earlier(replace(REPORT, sealed=(SealedPart(),)))
    ) + len(b"\x00")
