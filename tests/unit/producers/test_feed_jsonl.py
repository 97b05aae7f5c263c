"""JSON lines: a bad line is named, and the lines around it go through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from producers.feeds.entries import Drafted, Rejection
from producers.feeds.jsonl import reader
from producers.feeds.jsonl.mapping import object_of
from producers.feeds.jsonl.writing import template
from schemas.records.values import Ternary, TimePrecision
from tests.builders.drafts import CONTEXT, a_draft, a_row, as_stream, codes


def only(row: dict[str, object] | bytes) -> Drafted | Rejection:
    (entry,) = reader.read(as_stream(row), CONTEXT)
    return entry


def test_a_bad_line_is_named_and_the_lines_around_it_go_through() -> None:
    rows = (a_row(submitter_reference="a"), b"{not json", b"[1, 2]", b'"text"', b"\xff\xfe", a_row())
    first, *bad, last = reader.read(as_stream(*rows), CONTEXT)
    assert isinstance(first, Drafted)
    assert isinstance(last, Drafted)
    assert [(entry.line, codes(entry)) for entry in bad] == [
        (2, ["json.malformed"]),
        (3, ["json.not_object"]),
        (4, ["json.not_object"]),
        (5, ["text.not_utf8"]),
    ]


def test_every_problem_of_a_line_is_told_at_once_with_its_field() -> None:
    entry = only(
        a_row(revision="two", items=[{"hashes": [{"algorithm": "md5", "value": "zz"}]}], declared_country="XQ")
    )
    assert isinstance(entry, Rejection)
    assert {(problem.field, problem.code) for problem in entry.problems} == {
        ("revision", "field.not_number"),
        ("items[0].hashes[0].value", "hash.not_hex"),
        ("declared_country", "country.unknown"),
    }


def test_a_line_longer_than_the_bound_is_named_and_never_held() -> None:
    long, after = reader.read(as_stream(b'{"memo": "' + b"a" * 2_000_000 + b'"}', a_row()), CONTEXT)
    assert codes(long) == ["line.too_long"]
    assert isinstance(after, Drafted)


def test_an_address_of_ten_thousand_characters_is_refused_without_being_repeated() -> None:
    entry = only(a_row(source_url={"url": "https://long.example.test/" + "a" * 10_000}))
    assert codes(entry) == ["text.too_long"]
    assert isinstance(entry, Rejection)
    assert "aaa" not in str(entry.problems[0])


def test_a_date_in_the_future_is_refused() -> None:
    assert codes(only(a_row(detected_at="2099-01-01T00:00:00Z"))) == ["time.in_future"]


@pytest.mark.parametrize(
    ("written", "offset", "assumed", "precision"),
    [
        ("2025-06-01T10:00:00+02:00", 120, False, TimePrecision.SECOND),
        ("2025-06-01T10:00", -300, True, TimePrecision.MINUTE),
        ("2025-06-01", -300, True, TimePrecision.DAY),
        ("2025-06", -300, True, TimePrecision.MONTH),
    ],
)
def test_a_time_keeps_its_offset_and_precision_and_one_without_is_marked_as_assumed(
    written: str, offset: int, assumed: bool, precision: TimePrecision
) -> None:
    context = replace(CONTEXT, utc_offset_minutes=-300)
    (entry,) = reader.read(as_stream(a_row(detected_at=written)), context)
    assert isinstance(entry, Drafted)
    found = entry.draft.detected_at
    assert found is not None
    assert (found.utc_offset_minutes, found.zone_assumed, found.precision) == (offset, assumed, precision)
    if not assumed:
        return
    assert codes(only(a_row(detected_at=written))) == ["time.no_zone"]


def test_a_code_of_no_vocabulary_is_kept_and_told() -> None:
    entry = only(a_row(incident_types=["something_new"]))
    assert isinstance(entry, Drafted)
    assert (entry.draft.incident_types, codes(entry)) == (("something_new",), ["code.unknown"])


def test_a_field_of_no_record_is_refused_so_that_nothing_is_lost_without_a_word() -> None:
    assert codes(only(a_row(incident_typs=["csam"]))) == ["field.unknown"]


def test_yes_and_no_are_read_in_their_usual_spellings() -> None:
    entry = only(a_row(items=[{"live_stream": True, "self_generated": "No", "removed": "y"}]))
    assert isinstance(entry, Drafted)
    item = entry.draft.items[0]
    assert (item.live_stream, item.self_generated, item.removed) == (Ternary.YES, Ternary.NO, Ternary.YES)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"relevance": "supplemental", "labels": [{"scheme": "industry", "label": "A1"}]}, "supplemental_classified"),
        ({"relevance": "Supplemental", "annotations": ["meme"]}, "supplemental_classified"),
        ({"exif_viewed_by_reporter": "yes", "viewed_by_reporter": "no"}, "exif_without_view"),
    ],
)
def test_an_item_that_contradicts_itself_is_refused(item: dict[str, object], code: str) -> None:
    assert codes(only(a_row(items=[item]))) == [f"item.{code}"]


def test_a_masked_value_of_a_rejects_file_must_be_replaced() -> None:
    assert codes(only(a_row(platform="[masked: 900 characters, sha256 00]"))) == ["value.masked"]


def test_a_report_that_says_nothing_is_refused() -> None:
    assert codes(only({"submitter_reference": "case-1"})) == ["report.says_nothing"]


def test_the_template_reads_as_no_report_at_all() -> None:
    assert list(reader.read(as_stream(template()), CONTEXT)) == []


def test_a_draft_written_and_read_again_is_the_same_draft() -> None:
    draft = a_draft(source_format="jsonl")
    entry = reader.entry_of(draft, 1, CONTEXT)
    assert isinstance(entry, Drafted)
    assert entry.draft == draft
    assert object_of(entry.draft) == object_of(draft)


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for entry in reader.read(as_stream(data), CONTEXT):
        assert isinstance(entry, Drafted | Rejection)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from(["items", "governance", "personal", "escalation", "source_url", "memo", "nexus", "sharing"])


@given(st.dictionaries(_FIELDS, _JSON, max_size=4))
def test_no_value_of_json_breaks_the_shaping(fields: dict[str, object]) -> None:
    assert isinstance(only(a_row(**fields)), Drafted | Rejection)


@pytest.mark.parametrize(("written", "read"), [(True, True), ("yes", True), (" FALSE ", False), (False, False)])
def test_a_flag_is_true_or_false_or_a_word_for_it(written: object, read: bool) -> None:
    entry = only(a_row(sharing={"hide_submitter": written}, handling={"lea_hold": written}))
    assert isinstance(entry, Drafted)
    assert entry.draft.handling is not None
    assert (entry.draft.sharing.hide_submitter, entry.draft.handling.lea_hold) == (read, read)


@pytest.mark.parametrize("written", ["perhaps", 1, [], {}])
def test_what_is_no_flag_is_refused(written: object) -> None:
    assert codes(only(a_row(sharing={"hide_submitter": written}))) == ["field.not_flag"]
