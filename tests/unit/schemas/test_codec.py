"""The codec's bounds and its messages."""

import pytest

from schemas.codec import (
    MAX_RECORD_BYTES,
    UnreadableRecord,
    UnwritableRecord,
    checked,
    decode,
    decode_from,
    encode,
    same_layout,
)
from schemas.definitions import expanded
from schemas.failures import Unreadable
from schemas.framing import MAX_SCHEMA_ID, frame, schema_id_of
from schemas.records.proof import Commitment
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.values import Text
from schemas.sealing import personal_part, unsealed_part
from tests.builders.reports import a_personal_part, a_report, a_withdrawal


def code_of(record_type: type, data: bytes) -> str:
    with pytest.raises(UnreadableRecord) as caught:
        decode(record_type, data)
    return caught.value.code


def test_a_record_that_is_too_large_is_not_even_begun() -> None:
    assert code_of(ReportSubmitted, b"\x00" * (MAX_RECORD_BYTES + 1)) == "record.too_large"


def test_no_bytes_are_no_record() -> None:
    assert code_of(ReportSubmitted, b"") == "record.truncated"


def test_another_records_bytes_are_unreadable() -> None:
    assert code_of(ReportSubmitted, encode(a_withdrawal())).startswith("record.")


def test_text_that_is_not_utf_8_is_unreadable() -> None:
    data = encode(a_report(memo=Text(text="abcdef"))).replace(b"abcdef", b"ab\xff\xfeef")
    assert code_of(ReportSubmitted, data) == "record.malformed"


def test_an_unknown_symbol_index_is_unreadable() -> None:
    whole = encode(a_withdrawal())
    place = whole.index(b"\x04\x02") + 1
    assert code_of(Withdrawal, whole[:place] + b"\x7e" + whole[place + 1 :]).startswith("record.")


def test_a_message_never_repeats_the_bytes() -> None:
    with pytest.raises(UnreadableRecord) as caught:
        decode(ReportSubmitted, b"\x20secretsecretsecret" * 3)
    assert "secret" not in str(caught.value)


def test_unreadable_is_one_of_the_four_failures_and_a_value_error() -> None:
    assert issubclass(UnreadableRecord, Unreadable)
    assert issubclass(UnreadableRecord, ValueError)


@pytest.mark.parametrize("changes", [{"revision": "two"}, {"platform": 5}, {"revision": 2**70}, {"items": 3}])
def test_a_record_of_wrong_values_cannot_be_written(changes: dict[str, object]) -> None:
    with pytest.raises(UnwritableRecord):
        encode(a_report(**changes))


def test_a_record_of_wrong_values_does_not_pass_the_check() -> None:
    with pytest.raises(UnwritableRecord, match="revision"):
        checked(a_report(revision="two"))
    assert checked(a_report()) == a_report()


def test_a_field_of_bytes_that_an_earlier_writer_did_not_have_holds_none() -> None:
    earlier = expanded("Commitment")
    earlier["fields"] = [field for field in earlier["fields"] if field["name"] != "signature"]
    written = encode(Commitment(seed=b"seed"))[:-1]
    assert decode_from(Commitment, earlier, written) == Commitment(seed=b"seed")


def test_text_with_half_a_surrogate_pair_cannot_be_written() -> None:
    with pytest.raises(UnwritableRecord):
        encode(a_report(platform="\ud800"))


def test_a_changed_doc_keeps_the_layout_and_a_new_field_does_not() -> None:
    other_doc = expanded("Withdrawal") | {"doc": "Other words."}
    more = expanded("Withdrawal")
    more["fields"] = [*more["fields"], {"name": "extra", "type": "string", "default": ""}]
    assert same_layout(Withdrawal, other_doc)
    assert not same_layout(Withdrawal, more)


@pytest.mark.parametrize("schema_id", [-1, MAX_SCHEMA_ID + 1])
def test_a_frame_holds_four_bytes_of_id(schema_id: int) -> None:
    with pytest.raises(ValueError, match="schema id"):
        frame(schema_id)


@pytest.mark.parametrize(("value", "code"), [(b"", "value.too_short"), (b"\x01\x00\x00\x00\x01", "value.not_framed")])
def test_a_value_without_frame_is_unreadable(value: bytes, code: str) -> None:
    with pytest.raises(UnreadableRecord) as caught:
        schema_id_of(value)
    assert caught.value.code == code


def test_a_personal_part_is_read_until_a_key_seals_it() -> None:
    part = a_personal_part()
    sealed = unsealed_part(part, "lea", 8)
    assert personal_part(sealed) == part
    assert personal_part(type(sealed)(audience="lea", key_id="k1", ciphertext=b"\x00\x01")) is None


def test_a_personal_part_has_a_size_limit() -> None:
    sealed = unsealed_part(a_personal_part(), "lea", 8)
    with pytest.raises(UnreadableRecord) as caught:
        personal_part(type(sealed)(ciphertext=b"\x00" * 70_000))
    assert caught.value.code == "sealed.too_large"
