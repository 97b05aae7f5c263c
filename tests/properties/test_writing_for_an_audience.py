"""The writer itself cannot emit a field whose ceiling does not name the audience, whatever the rules before it did."""

import json
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from schemas.codec import UnwritableRecord, decode, encode
from schemas.definitions import FOLDER
from schemas.disclosure import Audience
from schemas.records.answers import Status
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart
from schemas.records.triage import ReportTriaged
from schemas.records.values import Text
from tests.builders.any_record import any_record
from tests.builders.release import a_full_referral

READERS = st.sampled_from([Audience.HOTLINE, Audience.LEA, Audience.INTERNATIONAL, Audience.PLATFORM])


@cache
def ceilings(record_type: type[Struct]) -> dict[str, list[str]]:
    """Read here from the published file, and not by the code that is tested."""
    fields = json.loads((FOLDER / f"{record_type.__name__}.avsc").read_text())["fields"]
    return {field["name"]: field["release"] for field in fields}


def emitted(record: Any, audience: Audience) -> Any:
    return decode(type(record), encode(record, audience=audience))


def disagreements(found: Any, full: Any, audience: Audience) -> list[str]:
    """Fields that are seen and should not be, or are not and should be; records inside records as well."""
    if isinstance(found, tuple):
        return [path for one, other in zip(found, full, strict=True) for path in disagreements(one, other, audience)]
    if not isinstance(found, Struct):
        return [] if found == full else ["value"]
    wrong: list[str] = []
    for name, release in ceilings(type(found)).items():
        value = getattr(found, name)
        if audience in release:
            wrong += (f"{name}.{path}" for path in disagreements(value, getattr(full, name), audience))
        elif value != default_of(type(found), name):
            wrong.append(name)
    return wrong


def default_of(record_type: type[Struct], name: str) -> Any:
    field = next(field for field in msgspec.structs.fields(record_type) if field.name == name)
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


@given(any_record(Referral), READERS)
def test_a_referral_holds_what_its_reader_may_see_at_most_and_all_of_that(record: Referral, reader: Audience) -> None:
    assert disagreements(emitted(record, reader), record, reader) == []


@given(any_record(PersonalPart), READERS)
def test_so_does_a_personal_part(record: PersonalPart, reader: Audience) -> None:
    assert disagreements(emitted(record, reader), record, reader) == []


@given(any_record(Status))
def test_a_status_holds_what_its_submitter_may_see_and_so_no_words_of_a_recipient(record: Status) -> None:
    found = emitted(record, Audience.SUBMITTER)
    assert disagreements(found, record, Audience.SUBMITTER) == []
    assert found.question is None or found.question.text in {None, Text()}


@given(any_record(ReportTriaged))
def test_a_decision_loses_nothing_on_its_way_to_the_operators(record: ReportTriaged) -> None:
    assert emitted(record, Audience.OPERATOR) == record


def test_the_writer_for_a_platform_drops_what_no_rule_took_out() -> None:
    found = emitted(a_full_referral(), Audience.PLATFORM)
    assert (found.escalation, found.law_enforcement, found.memo, found.sealed) == (None, (), None, ())
    assert found.items
    assert found.submitter == a_full_referral().submitter


def test_a_hidden_field_is_not_even_read() -> None:
    unwritable: Any = object()
    record = PersonalPart(accounts=unwritable)
    with pytest.raises(UnwritableRecord):
        encode(record, audience=Audience.LEA)
    assert encode(record, audience=Audience.PLATFORM) == encode(PersonalPart())


def test_a_record_is_not_written_for_readers_who_may_not_see_what_it_cannot_do_without() -> None:
    with pytest.raises(UnwritableRecord):
        encode(a_full_referral(), audience=Audience.SUBMITTER)
