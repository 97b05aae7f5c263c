"""What leaves for people: no formula, no address to click, nothing lost, and the same bytes every time."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xarf import parse

from consumers.formats import FORMATS, format_named, referral_csv, referral_json, xarf_v4
from consumers.formats.referral_csv import COLUMNS, defanged, neutralised
from consumers.letters import Letter
from schemas.catalogue import message
from schemas.records.identifiers import ContentId, JurisdictionCode
from schemas.records.referral import Referral
from schemas.records.report import ContentItem, Label, SourceUrl
from schemas.records.triage import ItemVerdict
from schemas.records.values import SealedPart
from schemas.sealing import unsealed_part
from tests.builders.referrals import a_referral
from tests.builders.reports import a_personal_part, an_item

NASTY = st.text(st.characters(codec="utf-8"), max_size=40) | st.builds(
    lambda start, rest: start + rest,
    st.sampled_from(["=", "+", "-", "@", "\t=", " =", "\r\n=", "%", "|"]),
    st.text(max_size=10),
)
ADDRESS = st.builds(
    "{}://{}.{}/{}".format,
    st.sampled_from(["http", "https", "HTTPS", "ftp", "tor+http"]),
    st.from_regex(r"[a-z]{1,10}", fullmatch=True),
    st.sampled_from(["example.test", "EXAMPLE.test", "10.example"]),
    st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=10),
)


def letter(referral: Referral) -> Letter:
    return Letter(key=referral.referral_id, referrals=(referral,))


def rows_of(referral: Referral) -> list[dict[str, str]]:
    body = referral_csv.write(letter(referral)).body.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(body)))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("differing", [0, 2])
def test_every_format_says_that_tiers_advise_and_that_files_differ(name: str, differing: int) -> None:
    referral = a_referral(items=(an_xarf_item(),), linked_reports=3, conflicting_reports=differing)
    text = format_named(name)(letter(referral)).body.decode("utf-8-sig")
    assert message("tiers.advise") in text
    assert ('conflicting_reports": 2' in text or message("link.conflicting", count=2) in text) is bool(differing)
    assert (name == "xarf") is ("xarf_version" in text), "what is written as another format proves nothing of this one"


def test_a_table_marks_law_that_nobody_checked_and_tells_a_basis_that_had_lapsed() -> None:
    unchecked, checked = (
        ItemVerdict(content_id=ContentId("item-1"), jurisdiction=JurisdictionCode(code), verified=code == "fr")
        for code in ("nl", "fr")
    )
    item = an_item(content_id=ContentId("item-1"))
    flagged = a_referral(items=(item,), verdicts=(unchecked, checked), flags=("classify.basis_lapsed",))
    (row,) = rows_of(flagged)
    assert row["verdicts"] == "nl:undetermined (unverified law); fr:undetermined"
    assert row["to_know"] == message("classify.basis_lapsed")


def an_xarf_item() -> ContentItem:
    label = Label(scheme="industry", label="A1")
    return an_item(url="https://files.example.test/1", labels=(label,), detection_method="manual_review")


@given(NASTY)
def test_no_cell_is_a_formula(text: str) -> None:
    assert not neutralised(text).lstrip().startswith(("=", "+", "-", "@", "%", "|"))


@given(NASTY, NASTY)
def test_whatever_a_submitter_wrote_no_cell_of_the_file_is_a_formula(reference: str, platform: str) -> None:
    for row in rows_of(a_referral(submitter_reference=reference, platform=platform)):
        assert set(row) == set(COLUMNS)
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row.values())


@given(ADDRESS)
def test_no_address_can_be_followed_and_every_one_can_be_read_back(url: str) -> None:
    dead = defanged(url)
    assert "://" not in dead
    assert "http" not in dead.lower().partition("[:]//")[0]
    assert "." not in dead.replace("[.]", "")
    assert dead.replace("[.]", ".").replace("[:]//", "://").replace("hxxp", "http").replace("HXXP", "HTTP") == url


@given(ADDRESS, NASTY)
def test_the_csv_has_no_live_address(url: str, platform: str) -> None:
    referral = a_referral(platform=platform, items=(an_item(url=url),), source_url=SourceUrl(url=url))
    for row in rows_of(referral):
        assert "://" not in row["content_url"] + row["source_url"]


def test_a_referral_without_items_has_one_row() -> None:
    assert len(rows_of(a_referral(items=()))) == 1


@given(NASTY, st.integers(1, 3))
def test_json_is_the_same_every_time_and_whole(reference: str, items: int) -> None:
    referral = a_referral(submitter_reference=reference, items=(an_item(),) * items)
    first, second = referral_json.write(letter(referral)), referral_json.write(letter(referral))
    assert first == second
    read = json.loads(first.body)["referral"]
    assert read["submitter_reference"] == reference
    assert read["submitted_at"]["utc"] == "2026-01-01T12:00:00.000Z"
    assert len(read["items"]) == items


def test_json_opens_the_personal_part_and_leaves_sealed_what_is_sealed() -> None:
    part = a_personal_part()
    sealed = SealedPart(audience="lea", key_id="key-1", ciphertext=b"secret")
    read = referral_json.referral_object(a_referral(sealed=(unsealed_part(part, "lea", 8), sealed)))
    assert read["personal"][0]["accounts"][0]["value"] == part.accounts[0].value
    assert [each["key_id"] for each in read["sealed"]] == ["key-1"]


@settings(deadline=None)  # the first call loads X-ARF's own schemas
@given(
    st.sampled_from(["A1", "b2", "baseline", "unheard-of"]),
    st.sampled_from(["hash_match", "manual_review", "other"]),
    ADDRESS | st.just(""),
)
def test_what_is_written_as_xarf_is_valid_and_everything_else_is_our_json(label: str, method: str, url: str) -> None:
    item = an_item(url=url, labels=(Label(scheme="industry", label=label),), detection_method=method)
    document = xarf_v4.write(letter(a_referral(items=(item,))))
    content = json.loads(document.body)
    if document.suffix == ".xarf.json":
        assert not parse(content, strict=False).errors
    else:
        assert content["type"] == "referral"


def test_an_item_with_an_industry_label_becomes_a_csam_report() -> None:
    item = an_item(labels=(Label(scheme="industry", label="A1"),))
    content: dict[str, Any] = json.loads(xarf_v4.write(letter(a_referral(items=(item,)))).body)
    assert (content["type"], content["classification"], content["url"]) == ("csam", "A1", item.url)
    assert content["hash_values"] == {"sha256": item.hashes[0].value}


def test_several_items_become_several_reports_with_ids_of_their_own() -> None:
    items = tuple(an_item(content_id=f"item-{n}") for n in range(3))
    content = json.loads(xarf_v4.write(letter(a_referral(items=items))).body)
    assert len({report["report_id"] for report in content}) == 3


def test_an_incident_with_a_page_becomes_a_csem_report() -> None:
    content = json.loads(xarf_v4.write(letter(a_referral(items=(), incident_types=("sextortion",)))).body)
    assert (content["type"], content["exploitation_type"]) == ("csem", "sextortion")


@pytest.mark.parametrize(
    ("stated", "written"),
    [
        ("behavioural_analysis", "behavioral_analysis"),
        ("keyword_detection", "keyword_detection"),
        ("", "manual_review"),
    ],
)
def test_a_csem_report_says_how_conduct_was_found_as_its_submitter_did(stated: str, written: str) -> None:
    referral = a_referral(items=(), incident_types=("possession",), detection_method=stated)
    content = json.loads(xarf_v4.write(letter(referral)).body)
    assert (content["exploitation_type"], content["detection_method"]) == ("possession", written)
    assert not parse(content, strict=False).errors


def test_what_xarf_cannot_say_goes_out_as_json() -> None:
    for referral in (a_referral(items=(), source_url=None), a_referral(withdrawn=True)):
        assert xarf_v4.write(letter(referral)).suffix == ".json"


def test_a_bundle_names_each_of_its_members() -> None:
    members = (a_referral("a"), a_referral("b"))
    bundle = Letter(key="bundle-1", referrals=members, is_bundle=True)
    for write in (referral_json.write, referral_csv.write, xarf_v4.write):
        body = write(bundle).body
        assert all(member.referral_id.encode() in body for member in members)
