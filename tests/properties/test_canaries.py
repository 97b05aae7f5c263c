"""A canary in each string of a report, one at a time: it comes out where the published ceilings let it."""

import json
import logging
import typing
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path as FilePath
from typing import Any, cast

import pytest
from msgspec import Struct, structs
from prometheus_client import generate_latest

from processors.index.memory import MemoryIndex
from processors.referring import Desk
from processors.triage import Finished, Tools, TriageStages
from schemas.codec import encode
from schemas.definitions import FOLDER
from schemas.disclosure import Audience
from schemas.records.identifiers import ContentId, CountryCode, MemberId
from schemas.records.report import EstimatedLocation, PersonalPart, ReportSubmitted, SharingChoices
from schemas.sealing import unsealed_part
from schemas.topics import TRIAGED, status_topic, submitted_topic
from tests.builders.identity import KEYS, VEIL
from tests.builders.policy import the_sample, with_member
from tests.builders.reports import (
    NOON_MS,
    a_governance,
    a_network_event,
    a_personal_part,
    a_report,
    an_account,
    an_item,
)
from tests.builders.sealing import Exchange
from tests.golden.cases import cases
from tocsin.policy.sharing import AUDIENCES
from tocsin.runtime.database import Database
from tocsin.runtime.metrics import REGISTRY
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

MEMBER = MemberId("plat-a")
CODEC = RecordCodec(FixedDirectory())
CANARY = "canary-93d1-sings"
INCIDENTS = ("grooming", "sextortion", "live_streaming")
ITEMS = ("page_with_items", "synthetic_item", "choices")
Place = tuple[str | int, ...]


def strings(value: Any, path: Place = ()) -> Iterator[Place]:
    """Where a record has strings, its parts' included."""
    if isinstance(value, str) and not isinstance(value, Enum):
        yield path
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from strings(getattr(value, name), (*path, name))
    elif isinstance(value, tuple):
        for position, one in enumerate(value):
            yield from strings(one, (*path, position))
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from strings(one, (*path, key))


def planted(value: Any, path: Place) -> Any:
    if not path:
        return CANARY
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        return (*value[:step], planted(value[step], rest), *value[step + 1 :])
    if isinstance(value, dict):
        return value | {step: planted(value[step], rest)}
    return structs.replace(value, **{step: planted(getattr(value, step), rest)})


@cache
def release_of(type_name: str) -> dict[str, frozenset[str]]:
    """Read here from the published file, and not by the code that is tested."""
    fields = json.loads((FOLDER / f"{type_name}.avsc").read_text())["fields"]
    return {field["name"]: frozenset(field["release"]) for field in fields}


def ceiling(record: Struct, path: Place) -> frozenset[str]:
    """Who may ever see what lies there: everything on the way to it must allow."""
    allowed, at = frozenset(Audience), cast(Any, record)
    for step in path:
        if isinstance(at, Struct):
            allowed &= release_of(type(at).__name__)[str(step)]
        at = getattr(at, str(step)) if isinstance(at, Struct) else at[step]
    return allowed


class Triage:
    """All steps in memory, with keys for everybody who is in the sample policy."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        bundle = with_member(MEMBER, with_member(MEMBER, signs=False), seals=True)
        desk = Desk(bundle=bundle, keys=KEYS, personal_schema_id=8, sealer=exchange.sealer())
        self._tools = Tools(desk=desk, veil=VEIL, codec=CODEC, opener=exchange.opener())

    def finished(self, report: ReportSubmitted, personal: PersonalPart) -> Finished:
        whole = structs.replace(report, sealed=(unsealed_part(personal, "lea", 8),))
        sealed = self.exchange.sealer().report(whole, the_sample().digest, NOON_MS)
        raw = RawRecord(offset=0, timestamp_ms=NOON_MS, key=b"k", value=CODEC.dumps(sealed), headers=())
        piece = Slice(topic_id="id", topic=submitted_topic(MEMBER), partition=0, records=(raw,))
        stages = TriageStages(self._tools, MemoryIndex(), cast(Database, None), {})
        return stages.finish(stages.claim(stages.decide(piece)))

    def readers(self, found: Finished) -> frozenset[str]:
        """Which classes of readers the canary comes to; what is a dead letter is not looked into: it is the record."""
        classes = {Audience.OPERATOR for one in found.records if one.topic == TRIAGED and is_in(one.value)}
        classes |= {
            Audience.SUBMITTER for one in found.records if one.topic == status_topic(MEMBER) and is_in(one.value)
        }
        for referral in found.answers[0].referrals:
            opened = self.exchange.opener(referral.recipient).referral(referral)
            if is_in(encode(opened)):
                classes.add(AUDIENCES[the_sample().members[referral.recipient].sector])
        return frozenset(classes)


def is_in(value: bytes) -> bool:
    return CANARY.encode() in value.lower()


def reports() -> Iterator[ReportSubmitted]:
    """Reports that have each field of the language, between them."""
    full = structs.replace(
        a_report(submitter_reference="full", items=(an_item(annotations=("generative_ai",)),)),
        governance=a_governance(from_profile=("purpose",)),
        reported_elsewhere=("example",),
        reporting_obligations=("example",),
        removed_fields=("memo: example",),
        sharing=SharingChoices(deny_labels=("example",), deny_sectors=("platform",)),
    )
    golden = cases()
    for found in (full, *(golden[f"report_{name}"] for name in (*INCIDENTS, *ITEMS))):
        assert isinstance(found, ReportSubmitted)
        yield structs.replace(found, submitter=MEMBER, sealed=())


def people() -> PersonalPart:
    location = EstimatedLocation(country=CountryCode("DE"), city="Example City", person_index=0)
    event = a_network_event(country=CountryCode("DE"), content_id=ContentId("item-1"))
    account = an_account(person_index=0, prior_report_ids=("ncmec:1",), age_band="adult")
    return a_personal_part(accounts=(account,), network_events=(event,), locations=(location,))


def has_strings(record_type: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Each field of a type and of its parts that holds text, by the type's own hints."""
    if isinstance(record_type, type) and issubclass(record_type, Struct):
        for field, hint in typing.get_type_hints(record_type).items():
            yield from (
                (record_type.__name__, field) if not owner else (owner, inner)
                for owner, inner in has_strings(getattr(hint, "__supertype__", hint))
            )
    elif record_type is str:
        yield "", ""
    for hint in typing.get_args(record_type):
        yield from has_strings(getattr(hint, "__supertype__", hint))


def field_of(record: Struct, path: Place) -> tuple[str, str]:
    """The type and the name of the field that a string lies in."""
    found, at = ("", ""), cast(Any, record)
    for step in path:
        if isinstance(at, Struct):
            found = (type(at).__name__, str(step))
        at = getattr(at, str(step)) if isinstance(at, Struct) else at[step]
    return found


def test_the_reports_have_text_wherever_the_language_has() -> None:
    planted_in = {field_of(record, path) for record in (*reports(), people()) for path in strings(record)}
    language = {*has_strings(ReportSubmitted), *has_strings(PersonalPart)}
    of_exact_size = {("Commitment", "key_id")}
    made_by_sealing = {("SealedPart", name) for name in ("audience", "key_id", "policy")}
    assert language - planted_in == of_exact_size | made_by_sealing


def test_a_canary_sings_to_those_alone_whom_the_ceilings_name(
    tmp_path: FilePath, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    triage, heard = Triage(Exchange(tmp_path, *the_sample().members)), set()
    for report in reports():
        for record in (report, people()):
            for path in strings(record):
                changed = planted(record, path)
                pair = (report, changed) if record is not report else (changed, people())
                readers = triage.readers(triage.finished(*pair))
                assert readers <= ceiling(record, path), field_of(record, path)
                heard |= {(field_of(record, path), reader) for reader in readers}
    assert {reader for _, reader in heard} == {*Audience} - {Audience.PLATFORM}, "or this test would see nothing"
    assert CANARY not in caplog.text
    counted = generate_latest(REGISTRY)
    assert b"tocsin_records" in counted, "the registry that our processes show, and not the library's own"
    assert CANARY.encode() not in counted
