"""A canary in each string of what members answer, one at a time: it comes out where the published ceilings let it."""

import logging
from collections.abc import Iterator
from typing import Final, cast

import pytest
from msgspec import Struct
from prometheus_client import generate_latest

from processors.counting import count_journeys, count_letters
from processors.labelling import addressed
from processors.returns import NAME, Claimed, Finished, ReturnStages, ReturnTools
from processors.telling import Known
from schemas.disclosure import Audience
from schemas.records.identifiers import MemberId, ReferralId
from schemas.topics import RULINGS, dead_letter_topic, returns_topic, status_topic
from tests.builders.answering import ANSWERING, AUTHOR, may_read, sayings
from tests.builders.answers import REFERRAL, REPORT
from tests.builders.planting import CANARY, field_of, places_of_text, planted, strings
from tests.builders.policy import with_member
from tests.builders.reports import NOON_MS
from tocsin.policy.policies import OnePolicy
from tocsin.runtime.database import Database
from tocsin.runtime.metrics import REGISTRY
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

HOTLINE, SUBMITTER = MemberId("nl-hotline"), MemberId("plat-a")
CODEC: Final = RecordCodec(FixedDirectory())


class Returns:
    """The way back in memory, but for what the ledger looks up: here every referral is this member's."""

    def __init__(self, member: MemberId) -> None:
        self._member, bundle = member, with_member(member, signs=False)
        tools = ReturnTools(codec=CODEC, policies=OnePolicy(bundle))
        self._stages = ReturnStages(tools, cast(Database, None), {}, lambda: NOON_MS)
        self._known: dict[str, Known] = {
            REFERRAL: Known(
                recipient=member,
                submitter=SUBMITTER,
                submitter_reference="case-1",
                report_id=REPORT,
                holders=(HOTLINE, MemberId("de-police"), MemberId("nl-police")),
            )
        }

    def finished(self, said: Struct) -> Finished:
        """What follows from one record; an outcome makes triage decide again as well."""
        raw = RawRecord(offset=0, timestamp_ms=NOON_MS, key=b"k", value=CODEC.dumps(said), headers=())
        piece = Slice(topic_id="id", topic=returns_topic(self._member), partition=0, records=(raw,))
        decided = self._stages.decide(piece)
        found = addressed(decided.read, {(REPORT, self._member): ReferralId(REFERRAL)})
        return self._stages.finish(Claimed(decided=type(decided)(piece=piece, read=found), known=self._known))

    def readers(self, found: Finished) -> frozenset[str]:
        """Who reads the canary on a topic; what is a dead letter is not looked into: it is the record."""
        topics = {one.topic for one in found.records if CANARY.encode() in one.value.lower()}
        readers = {
            RULINGS: Audience.OPERATOR,
            status_topic(SUBMITTER): Audience.SUBMITTER,
            status_topic(self._member): AUTHOR,
        }
        return frozenset(str(readers[topic]) for topic in topics - {dead_letter_topic(returns_topic(self._member))})


def said() -> Iterator[tuple[Returns, Struct]]:
    """Everything that a hotline and a police unit may say."""
    for member in (HOTLINE, MemberId("nl-police")):
        returns = Returns(member)
        for record in sayings(member):
            yield returns, record


def test_what_is_said_has_text_wherever_the_published_schemas_have() -> None:
    there = {field_of(record, path) for _, record in said() for path in strings(record)}
    assert places_of_text(*ANSWERING) <= there


def test_a_canary_in_an_answer_sings_to_those_alone_whom_the_ceilings_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    heard = set()
    for returns, record in said():
        for path in strings(record):
            found = returns.finished(planted(record, path))
            readers = returns.readers(found)
            assert readers <= may_read(record, path), field_of(record, path)
            heard |= {(field_of(record, path), reader) for reader in readers}
            count_letters(NAME, found.piece.topic, [letter.code for _, letter in found.letters])
            count_journeys(found.journeys)
    assert {reader for _, reader in heard} == {Audience.SUBMITTER, Audience.OPERATOR, AUTHOR}, "or it would see nothing"
    assert CANARY not in caplog.text
    counted = generate_latest(REGISTRY)
    assert b"tocsin_dead_letters" in counted
    assert CANARY.encode() not in counted
