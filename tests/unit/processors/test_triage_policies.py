"""Triage decides each record by the bundle in force when the broker took it, and says so."""

from pathlib import Path
from typing import cast

import pytest

from processors.index.memory import MemoryIndex
from processors.referring import Desk
from processors.triage import Finished, Tools, TriageStages
from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.triage import ReportTriaged
from schemas.topics import TRIAGED, submitted_topic
from tests.builders.identity import KEYS, VEIL
from tests.builders.promotions import a_chancery, another_bundle
from tests.builders.reports import a_report, a_withdrawal
from tocsin.policy.policies import Policies
from tocsin.runtime.database import Database
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

CODEC = RecordCodec(FixedDirectory())
MEMBER = MemberId("plat-a")
INSTANT_MS = 1_795_000_000_000


@pytest.fixture
def rules(tmp_path: Path) -> Policies:
    """From the instant on the Dutch hotline does not take part."""
    chancery = a_chancery(tmp_path)
    chancery.promoted(another_bundle(tmp_path / "new", "nl-hotline"), INSTANT_MS)
    return chancery.policies()


def stages(rules: Policies) -> TriageStages:
    desk = Desk(bundle=rules.at(0), keys=KEYS, personal_schema_id=8)
    tools = Tools(desk=desk, veil=VEIL, codec=CODEC, policies=rules)
    return TriageStages(tools, MemoryIndex(), cast(Database, None), {})


def a_piece(*records: tuple[ReportSubmitted | Withdrawal, int]) -> Slice:
    raw = (
        RawRecord(offset=n, timestamp_ms=at, key=b"k", value=CODEC.dumps(record), headers=())
        for n, (record, at) in enumerate(records)
    )
    return Slice(topic_id="id", topic=submitted_topic(MEMBER), partition=0, records=tuple(raw))


def finished(stages: TriageStages, piece: Slice) -> Finished:
    return stages.finish(stages.claim(stages.decide(piece)))


def test_within_one_slice_each_record_is_decided_by_the_bundle_of_its_own_time(rules: Policies) -> None:
    old, new = rules.at(INSTANT_MS - 1), rules.at(INSTANT_MS)
    piece = a_piece(
        (a_report(submitter_reference="before"), INSTANT_MS - 1),
        (a_report(submitter_reference="at"), INSTANT_MS),
        (a_withdrawal(submitter_reference="before", revision=2), INSTANT_MS + 1),
    )
    before, after, withdrawn = finished(stages(rules), piece).answers
    assert {made.policy.bundle for made in before.referrals} == {old.digest}
    assert {made.policy.bundle for made in after.referrals} == {new.digest}
    assert "nl-hotline" in {made.recipient for made in before.referrals}
    assert "nl-hotline" not in {made.recipient for made in after.referrals}
    assert {made.policy.bundle for made in withdrawn.referrals} == {new.digest}
    assert "nl-hotline" in {made.recipient for made in withdrawn.referrals}, "whoever has it is told, under any bundle"


def test_decisions_of_every_kind_carry_the_digest(rules: Policies) -> None:
    piece = a_piece((a_report(), INSTANT_MS - 1), (a_withdrawal(revision=2), INSTANT_MS))
    made = finished(stages(rules), piece)
    triaged = [CODEC.loads(record.value, ReportTriaged) for record in made.records if record.topic == TRIAGED]
    digests = [one.policy.bundle for one in triaged if isinstance(one, ReportTriaged)]
    assert digests == [rules.at(INSTANT_MS - 1).digest, rules.at(INSTANT_MS).digest]
    assert made.answers[0].decision is not None
    assert made.answers[0].decision.policy == digests[0]


def test_a_replay_under_a_newer_clock_decides_as_it_was_decided(tmp_path: Path) -> None:
    chancery = a_chancery(tmp_path)
    piece = a_piece((a_report(), INSTANT_MS - 1))
    first = finished(stages(chancery.policies()), piece)
    chancery.promoted(another_bundle(tmp_path / "new", "nl-hotline"), INSTANT_MS)
    assert finished(stages(chancery.policies()), piece).records == first.records
