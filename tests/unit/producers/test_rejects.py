"""What was refused comes back to correct and send again; what the firewall hit never does."""

import io
import json

from producers.building import checked
from producers.feeds.csv import reader as csv_reader
from producers.feeds.entries import Drafted, Rejection
from producers.feeds.jsonl import reader as jsonl_reader
from producers.feeds.xarf import reader as xarf_reader
from producers.rejects import masked, rejects
from tests.builders.drafts import CONTEXT, a_row, as_stream, codes
from tests.unit.producers.test_feed_xarf import an_xarf

IMAGE = "iVBORw0KGgo" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 8


def test_a_refused_object_comes_back_with_its_reason_and_is_good_once_corrected() -> None:
    (refused,) = jsonl_reader.read(as_stream(a_row(declared_country="XQ")), CONTEXT)
    assert isinstance(refused, Rejection)
    row = json.loads(b"".join(rejects("jsonl", [refused])))
    assert "country.unknown" in row["rejected_because"]
    (good,) = jsonl_reader.read(as_stream(row | {"declared_country": "NL"}), CONTEXT)
    assert isinstance(good, Drafted)


def test_every_row_of_a_refused_report_comes_back_and_reads_again() -> None:
    text = "submitter_reference;incident_types;item_url;x_note\nc;csam;https://a.example.test/1;'=1+1\nc;;nonsense;\n"
    (refused,) = csv_reader.read(io.BytesIO(text.encode()), CONTEXT)
    assert isinstance(refused, Rejection)
    again = b"".join(rejects("csv", [refused]))
    (second,) = csv_reader.read(io.BytesIO(again), CONTEXT)
    assert codes(second) == codes(refused) == ["url.malformed"]
    corrected = again.replace(b"nonsense", b"https://a.example.test/2")
    (good,) = csv_reader.read(io.BytesIO(corrected), CONTEXT)
    assert isinstance(good, Drafted)
    assert len(good.draft.items) == 2


def test_what_the_firewall_hit_is_masked_and_must_be_replaced() -> None:
    (entry,) = jsonl_reader.read(as_stream(a_row(submitter_reference=IMAGE)), CONTEXT)
    refused = checked(entry)
    assert isinstance(refused, Rejection)
    content = b"".join(rejects("jsonl", [refused]))
    assert IMAGE[:40].encode() not in content
    (again,) = jsonl_reader.read(io.BytesIO(content), CONTEXT)
    assert codes(again) == ["value.masked"]


def test_masking_looks_into_every_depth_and_leaves_metadata_alone() -> None:
    seen = masked({"a": [{"b": IMAGE}], "c": "https://a.example.test/1", "n": 3, IMAGE: "x"})
    assert IMAGE not in repr(seen)
    assert (seen["c"], seen["n"]) == ("https://a.example.test/1", 3)


def test_a_line_that_was_no_object_comes_back_as_a_comment() -> None:
    (refused,) = jsonl_reader.read(as_stream(b"{oops"), CONTEXT)
    assert isinstance(refused, Rejection)
    content = b"".join(rejects("jsonl", [refused]))
    assert list(jsonl_reader.read(io.BytesIO(content), CONTEXT)) == []
    assert b"line 1" in content
    assert b"{oops" in content


def test_a_row_that_was_no_row_comes_back_as_it_stood_and_is_refused_until_it_is_one() -> None:
    text = 'submitter_reference,incident_types\n"open,csam\nc,csam\n'
    refused, _ = csv_reader.read(io.BytesIO(text.encode()), CONTEXT)
    assert isinstance(refused, Rejection)
    content = b"".join(rejects("csv", [refused]))
    assert b"open,csam" in content
    (again,) = csv_reader.read(io.BytesIO(content), CONTEXT)
    assert isinstance(again, Rejection)


def test_an_encoded_file_in_a_line_that_nobody_could_read_is_masked_as_well() -> None:
    (refused,) = jsonl_reader.read(as_stream(b"{" + IMAGE.encode()), CONTEXT)
    assert isinstance(refused, Rejection)
    assert IMAGE[:40].encode() not in b"".join(rejects("jsonl", [refused]))


def test_a_refused_x_arf_report_comes_back_without_its_evidence_and_is_good_once_corrected() -> None:
    written = an_xarf(type="phishing", evidence=[{"content_type": "image/png", "payload": IMAGE}])
    (refused,) = xarf_reader.read(as_stream(written), CONTEXT)
    assert isinstance(refused, Rejection)
    content = b"".join(rejects("xarf", [refused]))
    assert IMAGE[:40].encode() not in content
    assert "xarf.other_type" in json.loads(content)["_internal"]["rejected_because"]
    (good,) = xarf_reader.read(io.BytesIO(content.replace(b'"phishing"', b'"csam"')), CONTEXT)
    assert isinstance(good, Drafted)
