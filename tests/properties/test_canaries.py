"""A canary in each string of a report, one at a time: it comes out where the published ceilings let it."""

import logging
from pathlib import Path as FilePath
from typing import cast

import pytest
from msgspec import structs
from prometheus_client import generate_latest

from processors.index.memory import MemoryIndex
from processors.referring import Desk
from processors.triage import Finished, Tools, TriageStages
from schemas.codec import encode
from schemas.disclosure import Audience
from schemas.records.report import PersonalPart, ReportSubmitted, Withdrawal
from schemas.sealing import unsealed_part
from schemas.topics import TRIAGED, status_topic, submitted_topic
from tests.builders.identity import KEYS, VEIL
from tests.builders.planting import (
    CANARY,
    MEMBER,
    NEVER_TEXT,
    ceiling,
    field_of,
    people,
    places_of_text,
    planted,
    reports,
    strings,
    takings_back,
)
from tests.builders.policy import the_sample, with_member
from tests.builders.reports import NOON_MS
from tests.builders.sealing import Exchange
from tocsin.policy.sharing import AUDIENCES
from tocsin.runtime.database import Database
from tocsin.runtime.metrics import REGISTRY
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

CODEC = RecordCodec(FixedDirectory())


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


def test_the_reports_have_text_wherever_the_published_schemas_have() -> None:
    records = (*reports(), people(), takings_back())
    planted_in = {field_of(record, path) for record in records for path in strings(record)}
    assert places_of_text(ReportSubmitted, PersonalPart, Withdrawal) - planted_in == NEVER_TEXT


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
