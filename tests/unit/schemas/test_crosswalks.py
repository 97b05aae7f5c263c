"""The language is complete: whatever ICCAM, X-ARF, NCMEC and the law can say has a place, or a reason why not."""

import json
from pathlib import Path
from typing import Any

import pytest
import xarf

from producers.feeds.values import VOCABULARIES
from producers.feeds.xarf.mapping import CARRIED, ENVELOPE
from schemas.crosswalks import Crosswalk, crosswalk, crosswalk_names, leads_to_a_field
from schemas.records.report import Governance
from schemas.vocabularies import vocabulary, vocabulary_names
from tests.unit.schemas.test_definitions import NEVER

CODES = [(name, part) for name in crosswalk_names() for part in crosswalk(name).values]
XARF_FILES = ("xarf-core", "types/content-base", "types/content-csam", "types/content-csem")
XARF_SPEC = [
    json.loads((Path(xarf.__file__).parent / "schemas" / f"{name}.json").read_text("utf-8")) for name in XARF_FILES
]

NCMEC_PERSON = {
    *("espIdentifier", "espService", "compromisedAccount", "screenName", "displayName", "profileUrl", "profileBio"),
    *("ipCaptureEvent", "deviceId", "priorCTReports", "groupIdentifier", "allEmailsReported", "associatedAccount"),
    *("estimatedLocation.city", "estimatedLocation.region", "estimatedLocation.countryCode"),
    *("estimatedLocation.verified", "estimatedLocation.timestamp", "vehicleDescription", "thirdPartyUserReported"),
    *("schoolName", "age", "ageAssertionDiscrepancy", "dateOfBirth"),
}
"""All that the reporting API can say of a person (domain facts 3.1), counted again here so that a row cannot go."""


def properties(schema: dict[str, Any]) -> dict[str, Any]:
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found |= part.get("properties", {})
    return found


def fields_of(found: Crosswalk, *parts: str) -> set[str]:
    return {field for part in parts for field in found.fields[part]}


@pytest.mark.parametrize("name", crosswalk_names())
def test_every_place_is_a_field_of_the_records(name: str) -> None:
    astray = [row for row in crosswalk(name).rows() if not leads_to_a_field(row[1])]
    assert astray == []


@pytest.mark.parametrize("name", crosswalk_names())
def test_what_has_no_place_says_why_and_has_none(name: str) -> None:
    found = crosswalk(name)
    assert all(reason.endswith(".") for reason in found.absent.values())
    assert set(found.absent).isdisjoint(dict(found.rows()))


@pytest.mark.parametrize(("name", "part"), CODES)
def test_every_value_of_a_list_becomes_a_code_of_ours(name: str, part: str) -> None:
    codes = crosswalk(name).values[part]
    ours = vocabulary(codes.vocabulary)
    assert {written: ours.code_of(written, codes.scheme) for written in codes.codes} == codes.codes
    assert set(codes.codes.values()) <= set(ours.codes)


def test_every_field_of_the_x_arf_schemas_has_a_row() -> None:
    found = crosswalk("xarf")
    rows = fields_of(found, "core", "csam", "csem") | set(found.absent)
    assert {name for schema in XARF_SPEC for name in properties(schema)} - rows == set()


def test_every_field_inside_an_x_arf_field_has_a_row() -> None:
    csam, csem = map(properties, XARF_SPEC[2:])
    rows = fields_of(crosswalk("xarf"), "csam", "csem") | set(crosswalk("xarf").absent)
    inside = [f"hash_values.{name}" for name in csam["hash_values"]["properties"]]
    inside += [f"perpetrator_indicators.{name}" for name in csem["perpetrator_indicators"]["properties"]]
    assert set(inside) <= rows


@pytest.mark.parametrize(
    ("part", "file", "path"),
    [
        ("classification", 2, ("classification", "enum")),
        ("media_type", 2, ("media_type", "enum")),
        ("exploitation_type", 3, ("exploitation_type", "enum")),
        ("victim_age_range", 3, ("victim_age_range", "enum")),
        ("platform", 3, ("platform", "enum")),
        ("evidence_type", 3, ("evidence_type", "items", "enum")),
    ],
)
def test_every_value_of_the_x_arf_schemas_has_a_code(part: str, file: int, path: tuple[str, ...]) -> None:
    value: Any = properties(XARF_SPEC[file])
    for step in path:
        value = value[step]
    assert set(value) == set(crosswalk("xarf").values[part].codes)


def test_every_way_to_detect_of_the_x_arf_schemas_has_a_code() -> None:
    ways = {way for schema in XARF_SPEC[2:] for way in properties(schema)["detection_method"]["enum"]}
    assert ways == set(crosswalk("xarf").values["detection_method"].codes)


def test_the_feed_carries_what_the_crosswalk_says_and_tells_of_the_rest() -> None:
    found = crosswalk("xarf")
    carried = {name for name in fields_of(found, "core", "csam", "csem") if "." not in name}
    assert CARRIED - {"file_hash"} == carried, "file_hash is how some senders spell hash_values"
    assert set(found.absent) >= ENVELOPE


def test_every_field_that_describes_a_person_at_ncmec_has_a_row() -> None:
    found = crosswalk("ncmec")
    absent = {name.removeprefix("person.") for name in found.absent if name.startswith("person.")}
    assert fields_of(found, "person") | absent == NCMEC_PERSON


def test_iccam_objects_have_as_many_rows_as_fields() -> None:
    found = crosswalk("iccam")
    absent = [name.partition(".")[0] for name in found.absent]
    rows = {part: len(fields) + absent.count(part) for part, fields in found.fields.items()}
    # hostingOrganization and url are objects of three fields each, domain facts 1.2.
    assert rows == {"report": 11, "item": 13, "content": 8, "assessment": 7, "action": 5, "outcome": 3}


@pytest.mark.parametrize("word", ["Password", "schoolName", "dateOfBirth", "vehicleDescription", "screenshot_url"])
def test_what_is_on_the_never_list_is_absent_everywhere(word: str) -> None:
    assert any(word in field for name in crosswalk_names() for field in crosswalk(name).absent)
    assert not any(word in field for name in crosswalk_names() for field, _ in crosswalk(name).rows())


def test_no_row_leads_to_a_name_of_the_never_list() -> None:
    ours = {path.rpartition(".")[2] for name in crosswalk_names() for _, path in crosswalk(name).rows()}
    assert [name for name in ours if NEVER.search(name)] == []


def test_the_justification_has_its_three_steps_and_its_frame() -> None:
    rows = crosswalk("law").fields["justification"]
    stated = {path.removeprefix("governance.") for path in rows.values() if path.startswith("governance.")}
    assert stated | {"good_faith", "provenance"} == set(Governance.__struct_fields__)


def test_every_field_that_speaks_a_vocabulary_speaks_one_that_exists_and_every_list_is_spoken() -> None:
    assert set(VOCABULARIES.values()) <= set(vocabulary_names())
    elsewhere = {
        *("country", "neutral_label", "classification", "withdrawal_reason"),
        *(name for name in vocabulary_names() if name.startswith("labels_")),
    }
    assert set(vocabulary_names()) - set(VOCABULARIES.values()) == elsewhere


def test_a_path_that_leads_nowhere_is_noticed() -> None:
    for path in ("items.nothing", "memo.text.more", "nexus.kind[MOON]", "Nobody.at"):
        assert not leads_to_a_field(path)
    assert leads_to_a_field("nexus.kind[OFFENCE]")
    assert leads_to_a_field("PersonalPart.accounts.value")
