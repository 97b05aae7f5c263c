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
from schemas.crosswalks import leads_to_a_field
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
        (f"{HEADER}\nc,csam\n", "csv.cell_count"),
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
