"""The avsc files and the records say the same, and every field says what it is and who may see it."""

import re
import types
import typing
from enum import Enum
from typing import Any

import msgspec
import pytest
from msgspec import NODEFAULT, Struct

from schemas.definitions import FOLDER, NAMESPACE, RECORD_TYPES, definition, expanded, record_type_named, schema_text
from schemas.disclosure import Audience, Sensitivity, field_rules
from schemas.records.report import ReportSubmitted

PRIMITIVES = {str: "string", int: "long", float: "double", bool: "boolean", bytes: "bytes"}

IDENTITY = {
    "ReportSubmitted": {"report_id", "submitter", "submitter_reference", "submitted_at", "governance"},
    "Withdrawal": {"report_id", "submitter", "submitter_reference", "revision", "withdrawn_at"},
    "ReportTriaged": {"report_id", "submitter", "source", "submitted_at", "triaged_as_of"},
    "Referral": {"referral_id", "report_id", "recipient", "jurisdiction", "submitted_at", "triaged_as_of"},
    "Return": {"return_id", "referral_id", "report_id", "member", "kind", "at"},
    "Status": {"status_id", "member", "report_id", "kind", "at"},
    "LabelAdded": {"label_id", "content_id", "report_id", "member", "at", "label"},
    "Recipient": {"member", "jurisdiction", "referral_id"},
    "Link": {"report_id"},
    "ReferralsRead": {"read_id", "member", "at", "person"},
    "Ruling": {"ruling_id", "report_id", "submitter", "source"},
}
"""Fields without a default: a record without one of them is no record of its kind."""

NEVER = re.compile(
    r"password|passphrase|credential|token|school|birth|\bdob\b|vehicle|biograph|profile_(text|bio)|bio$|chat_(text|log)|"
    r"message_(text|body)|transcript|screenshot|thumbnail|picture|photo(?!dna)|image|video|payload|attachment|media_data|"
    r"file_name|filename|exif_data|evidence|street|postal|latitude|longitude|passport|full_name|first_name|last_name"
)
"""What must never enter, by name: it identifies a child, or is content."""


def named_types() -> dict[str, Any]:
    found: dict[str, Any] = {}

    def visit(hint: Any) -> None:
        for part in typing.get_args(hint):
            visit(part)
        if isinstance(hint, type) and issubclass(hint, Struct | Enum) and hint.__name__ not in found:
            found[hint.__name__] = hint
            for inner in typing.get_type_hints(hint).values() if issubclass(hint, Struct) else ():
                visit(inner)

    for record_type in RECORD_TYPES:
        visit(record_type)
    return found


def avro_type(hint: Any) -> Any:
    hint = getattr(hint, "__supertype__", hint)
    if hint in PRIMITIVES:
        return PRIMITIVES[hint]
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        (branch,) = (part for part in arguments if part is not type(None))
        return ["null", avro_type(branch)]
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": avro_type(arguments[0])}
    if typing.get_origin(hint) is dict:
        return {"type": "map", "values": avro_type(arguments[1])}
    return f"{NAMESPACE}.{hint.__name__}"


def default_of(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    default = field.default_factory() if field.default_factory is not NODEFAULT else field.default
    if default is NODEFAULT:
        return {}
    value = msgspec.to_builtins(default, builtin_types=(bytes,))
    return {
        "default": value.decode("latin-1")
        if isinstance(value, bytes)
        else msgspec.json.decode(msgspec.json.encode(value))
    }


RECORDS = {name: kind for name, kind in named_types().items() if issubclass(kind, Struct)}
ENUMERATIONS = {name: kind for name, kind in named_types().items() if issubclass(kind, Enum)}


def test_there_is_one_file_for_each_named_type_and_no_other() -> None:
    assert {file.stem for file in FOLDER.glob("*.avsc")} == set(named_types())


@pytest.mark.parametrize("name", RECORDS)
def test_a_file_lists_the_fields_of_its_record_in_order_with_type_and_default(name: str) -> None:
    hints = typing.get_type_hints(RECORDS[name])
    expected = [
        {"name": field.name, "type": avro_type(hints[field.name])} | default_of(field)
        for field in msgspec.structs.fields(RECORDS[name])
    ]
    found = [
        {part: field[part] for part in ("name", "type", "default") if part in field}
        for field in definition(name)["fields"]
    ]
    assert found == expected


@pytest.mark.parametrize("name", ENUMERATIONS)
def test_an_enumeration_starts_with_unknown_and_falls_back_to_it(name: str) -> None:
    found = definition(name)
    assert found["symbols"] == [member.value for member in ENUMERATIONS[name]]
    assert found["symbols"][0] == found["default"] == "UNKNOWN"


@pytest.mark.parametrize("name", RECORDS)
def test_only_identity_fields_have_no_default(name: str) -> None:
    without = {field["name"] for field in definition(name)["fields"] if "default" not in field}
    assert without == IDENTITY.get(name, set())


@pytest.mark.parametrize("name", RECORDS)
def test_every_field_says_what_it_is_how_sensitive_and_who_may_see_it(name: str) -> None:
    for field in definition(name)["fields"]:
        assert field["doc"].endswith(".")
        assert field["sensitivity"] in set(Sensitivity)
        assert set(field["release"]) <= set(Audience)
        assert set(field) <= {"name", "type", "default", "doc", "sensitivity", "release"}


@pytest.mark.parametrize("name", RECORDS)
def test_no_field_has_a_name_of_the_never_list(name: str) -> None:
    assert [field["name"] for field in definition(name)["fields"] if NEVER.search(field["name"])] == []


@pytest.mark.parametrize("word", ["password", "school_name", "date_of_birth", "profile_bio", "screenshot_url", "image"])
def test_the_never_list_knows_what_it_is_for(word: str) -> None:
    assert NEVER.search(word)


@pytest.mark.parametrize("name", RECORDS)
def test_free_text_is_shown_to_no_platform_and_to_nobody_by_default(name: str) -> None:
    for rule in field_rules(RECORDS[name]).values():
        if rule.sensitivity is Sensitivity.FREE_TEXT:
            assert Audience.PLATFORM not in rule.release


@pytest.mark.parametrize("name", ["PersonalPart", "AccountIdentifier", "NetworkEvent", "EstimatedLocation"])
def test_what_identifies_a_person_is_for_hotlines_and_police_only(name: str) -> None:
    for rule in field_rules(RECORDS[name]).values():
        assert rule.sensitivity is Sensitivity.PERSONAL
        assert rule.release <= {Audience.HOTLINE, Audience.LEA, Audience.INTERNATIONAL}


def test_a_whole_schema_spells_out_each_named_type_once() -> None:
    text = schema_text(ReportSubmitted)
    assert text.count('"name":"Instant"') == 1
    assert expanded("ReportSubmitted")["name"] == "ReportSubmitted"


def test_there_are_no_logical_types_and_no_unions_but_optional_ones() -> None:
    for record_type in RECORD_TYPES:
        text = schema_text(record_type)
        assert "logicalType" not in text
        for union in re.findall(r'"type":(\[[^\]{]*)', text):
            assert union.startswith('["null",')


def test_a_record_is_found_by_its_name_with_or_without_namespace() -> None:
    assert record_type_named("tocsin.ReportSubmitted") is ReportSubmitted
    assert record_type_named("ReportSubmitted") is ReportSubmitted
    assert record_type_named("Instant") is None
