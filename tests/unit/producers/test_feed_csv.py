"""The standard reporting template: what spreadsheets write is read, and what they would spoil is refused."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.draft import ReportDraft
from producers.feeds.csv import reader
from producers.feeds.csv.cells import is_formula, protected, value_in
from producers.feeds.csv.mapping import columns
from producers.feeds.csv.writing import template, write
from producers.feeds.entries import Drafted, Entry, Rejection
from producers.feeds.table import feed_of
from schemas.crosswalks import leads_to_a_field
from schemas.failures import Refused
from schemas.records.report import ContentItem
from tests.builders.drafts import CONTEXT, codes

HEADER = "submitter_reference,incident_types,memo"


def read(text: str | bytes) -> list[Entry]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(reader.read(io.BytesIO(data), CONTEXT))


def test_a_byte_order_mark_semicolons_and_windows_line_ends_are_read() -> None:
    (entry,) = read(b"\xef\xbb\xbfsubmitter_reference;incident_types\r\ncase-1;csam\r\n")
    assert isinstance(entry, Drafted)
    assert (entry.draft.submitter_reference, entry.draft.incident_types) == ("case-1", ("csam",))


def test_a_quoted_line_break_stays_inside_its_cell() -> None:
    first, second = read(f'{HEADER}\ncase-1,csam,"two\nlines"\ncase-2,csam,\n')
    assert isinstance(first, Drafted)
    assert first.draft.memo is not None
    assert first.draft.memo.text == "two\nlines"
    assert isinstance(second, Drafted)
    assert second.line == 4


def test_a_reference_may_begin_as_ticket_numbers_do_and_an_explanation_is_no_report() -> None:
    (entry,) = read(f"{HEADER}\n# an explanation,,\n#4711,csam,\n")
    assert isinstance(entry, Drafted)
    assert entry.draft.submitter_reference == "#4711"


def test_empty_cells_that_a_spreadsheet_left_out_at_the_end_of_a_row_are_empty() -> None:
    first, second = read(f"{HEADER}\nc1,csam\r\nc2\r\n")
    assert isinstance(first, Drafted)
    assert codes(second) == ["report.says_nothing"]


def test_the_line_that_names_the_separator_is_passed_over() -> None:
    text = b"sep=;\r\nsubmitter_reference;incident_types\r\ncase-1;csam\r\n"
    assert feed_of(text).name == "csv"
    (entry,) = read(text)
    assert (entry.line, isinstance(entry, Drafted)) == (3, True)


def test_text_in_utf_16_is_named_as_what_it_is() -> None:
    with pytest.raises(Refused) as refused:
        feed_of("submitter_reference\tincident_types\r\n".encode("utf-16"))
    assert refused.value.code == "text.not_utf8"


@pytest.mark.parametrize("lines_behind", [1, 3, 500])
def test_a_quotation_mark_that_does_not_close_takes_its_own_line_and_no_other(lines_behind: int) -> None:
    behind = "".join(f"good-{n},csam,\n" for n in range(lines_behind))
    first, bad, *others = read(f'{HEADER}\nc1,csam,x\nc2,csam,"open\n{behind}')
    assert isinstance(first, Drafted)
    assert (bad.line, codes(bad)) == (3, ["csv.malformed"])
    assert [entry.line for entry in others if isinstance(entry, Drafted)] == list(range(4, 4 + lines_behind))


@given(st.lists(st.sampled_from(["ok", '"open', 'a"b', '"two\nlines"', "#NAME?", "x" * 140_000]), max_size=8))
def test_every_row_is_answered_whatever_stands_around_it(memos: list[str]) -> None:
    text = "".join(f"case-{n},csam,{memo}\n" for n, memo in enumerate(memos))
    good = [entry for entry in read(f"{HEADER}\n{text}") if isinstance(entry, Drafted)]
    last_open = max((n for n, memo in enumerate(memos) if memo == '"open'), default=-1)
    sure = {f"case-{n}" for n, memo in enumerate(memos) if memo == "ok" and n > last_open}
    assert sure <= {entry.draft.submitter_reference for entry in good}


def test_rows_of_one_reference_are_one_report_with_an_item_each() -> None:
    (entry,) = read(
        "submitter_reference,incident_types,item_url\nc,csam,https://a.example.test/1\nc,,https://a.example.test/2\n"
    )
    assert isinstance(entry, Drafted)
    assert [item.url[-1] for item in entry.draft.items] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("incident_types\ncsam\n", "csv.column_missing"),
        ("submitter_reference,incident_type\nc,csam\n", "csv.column_unknown"),
        ("submitter_reference,memo,memo\nc,x,y\n", "csv.column_twice"),
        (f"{HEADER}\nc,csam", "csv.cell_count"),
        (f"{HEADER}\nc,csam,a,b\n", "csv.cell_count"),
        (f"{HEADER}\n#NAME?,csam,a\n", "csv.cell_error"),
        (f"{HEADER}\n#####,csam,a\n", "csv.cell_error"),
        (f"{HEADER}\n1.23457E+16,csam,a\n", "csv.shortened"),
        (f"{HEADER}\n1,23457E+16,csam,a\n".replace(",", ";").replace("1;2", "1,2"), "csv.shortened"),
        (f"{HEADER}\nc,csam,{'a' * 1_100_000}\n", "line.too_long"),
        (f"{HEADER}\nc,csam,{'a' * 200_000}\n", "csv.malformed"),
        (f'{HEADER}\nc,csam,"open\n', "csv.malformed"),
        (f"{HEADER}\nc,csam,=HYPERLINK(1)\n", "csv.formula"),
        ("submitter_reference,incident_types,detected_at\nc,csam,03/04/2026\n", "time.day_month"),
        ("submitter_reference,incident_types,detected_at\nc,csam,2026-01-01T10:00\n", "time.no_zone"),
        ("submitter_reference,incident_types,platform\nc,csam,a\nc,,b\n", "csv.conflict"),
        ("submitter_reference,incident_types\na,csam\nb,csam\na,csam\n", "csv.rows_apart"),
        ("submitter_reference,incident_types\n,csam\n", "field.missing"),
    ],
)
def test_what_cannot_be_read_for_certain_is_refused_with_a_code(text: str, code: str) -> None:
    refused = [entry for entry in read(text) if isinstance(entry, Rejection)]
    assert code in [found for entry in refused for found in codes(entry)]


def test_a_row_that_is_not_utf8_is_refused_and_the_others_go_through() -> None:
    bad, good = read(HEADER.encode() + b"\nc1,csam,caf\xe9\nc2,csam,fine\n")
    assert (codes(bad), isinstance(good, Drafted)) == (["text.not_utf8"], True)


def test_a_column_of_ones_own_is_not_read() -> None:
    (entry,) = read("submitter_reference,incident_types,x_note\nc,csam,mine\n")
    assert isinstance(entry, Drafted)


def test_the_template_explains_itself_and_holds_no_report() -> None:
    assert read(template()) == []
    assert set(columns()) <= set(next(csv.reader(io.StringIO(template().decode("utf-8-sig")))))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30))
def test_a_protected_value_is_no_formula_and_reads_back(value: str) -> None:
    cell = protected(value)
    assert value_in(cell) == value or cell.startswith('="')
    assert not is_formula(cell) or value_in(cell) != cell or not value.startswith(("=", "+", "-", "@"))


def test_every_column_leads_to_a_field_and_every_other_field_of_a_report_is_left_to_json_on_purpose() -> None:
    paths = {re.sub(r"\[\w*\]", "", column.path) for column in columns().values()}
    astray = [
        path for path in paths if not leads_to_a_field(path) and not leads_to_a_field(f"PersonalPart.{_in(path)}")
    ]
    assert [path for path in astray if not path.startswith("external_ids.")] == []
    here = {path.partition(".")[0] for path in paths}
    assert set(ReportDraft.__struct_fields__) - here == {"source_format", "removed_fields"}
    inside = {_of_item(path) for path in paths if path.startswith("items.")}
    assert set(ContentItem.__struct_fields__) - inside == {"external_ids"}


def _in(path: str) -> str:
    return path.removeprefix("personal.")


def _of_item(path: str) -> str:
    return path.split(".")[1]


def test_a_second_account_and_a_place_have_columns() -> None:
    (entry,) = read(
        "submitter_reference,account_kind,account_identifier,other_account_role,other_account_identifier,"
        "location_country,account_prior_report_ids\nc,user_id,a,victim,b,de,ncmec:1|ncmec:2\n"
    )
    assert isinstance(entry, Drafted)
    suspect, victim = entry.draft.personal.accounts
    assert (suspect.value, victim.role, victim.value) == ("a", "victim", "b")
    assert suspect.prior_report_ids == ("ncmec:1", "ncmec:2")
    assert entry.draft.personal.locations[0].country == "DE"


def test_rows_that_are_written_are_read_again() -> None:
    row = {"submitter_reference": "case-1", "incident_types": "csam", "memo": "-5 degrees, =sum"}
    (entry,) = read(b"".join(write([row], list(row))))
    assert isinstance(entry, Drafted)
    assert entry.draft.memo is not None
    assert entry.draft.memo.text == "-5 degrees, =sum"
