"""An old signed record that is sent again is recognised: it says nothing new, and on no other topic is it taken."""

from collections.abc import Callable
from typing import cast

import pytest
from msgspec import Struct

from processors.index.memory import MemoryIndex
from processors.referring import Desk
from processors.triage import Finished, Tools, TriageStages
from schemas.framing import FRAME_BYTES
from schemas.headers import event_type
from schemas.records.identifiers import MemberId
from schemas.records.values import Novelty
from schemas.signing import signature_headers
from schemas.topics import submitted_topic
from tests.builders.identity import KEYS, VEIL
from tests.builders.policy import the_sample
from tests.builders.proofs import DIRECTORY, KEY, PRIVATE, SUBMITTER, a_committed_report
from tests.builders.reports import NOON_MS, a_withdrawal
from tocsin.runtime.database import Database
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

CODEC = RecordCodec(FixedDirectory())
FIRST, SECOND = a_committed_report(), a_committed_report(revision=2, platform="corrected")
WITHDRAWN = a_withdrawal(submitter=SUBMITTER, revision=3)


def sent(record: Struct, offset: int, topic_of: MemberId = SUBMITTER) -> Slice:
    """A record on a member's topic, with the very signature that its submitter made."""
    value = CODEC.dumps(record)
    headers = signature_headers(PRIVATE, KEY.key_id, event_type(type(record)), value[FRAME_BYTES:])
    raw = RawRecord(offset=offset, timestamp_ms=NOON_MS + offset, key=b"k", value=value, headers=tuple(headers))
    return Slice(topic_id=topic_of, topic=submitted_topic(topic_of), partition=0, records=(raw,))


@pytest.fixture
def triaged() -> Callable[[Slice], Finished]:
    """Triage with what it has learned so far."""
    desk = Desk(bundle=the_sample(), keys=KEYS, personal_schema_id=8)
    directory: Callable[[], Directory] = lambda: DIRECTORY  # noqa: E731 -- as the process asks for it
    tools = Tools(desk=desk, veil=VEIL, codec=CODEC, directory=directory)
    nowhere = cast(Database, None)  # settling is not what these tests are about
    stages = TriageStages(tools, MemoryIndex(), nowhere, {})
    return lambda piece: stages.finish(stages.claim(stages.decide(piece)))


def outcome(found: Finished) -> Outcome:
    (answer,) = found.answers
    return answer.outcome


def test_the_same_revision_again_is_a_resubmission_under_the_same_ids(triaged: Callable[[Slice], Finished]) -> None:
    first, again = triaged(sent(FIRST, 0)), triaged(sent(FIRST, 1))
    (one,), (two,) = first.answers, again.answers
    assert [made.referral_id for made in one.referrals] == [made.referral_id for made in two.referrals]
    assert {made.novelty for made in two.referrals} == {Novelty.RESUBMISSION}
    assert (len(two.referrals) > 0, outcome(again)) == (True, Outcome.ROUTED)


@pytest.mark.parametrize("later", [SECOND, WITHDRAWN])
def test_an_older_revision_is_stale_and_reaches_nobody(triaged: Callable[[Slice], Finished], later: Struct) -> None:
    triaged(sent(FIRST, 0))
    triaged(sent(later, 1))
    again = triaged(sent(FIRST, 2))
    assert (outcome(again), again.answers[0].referrals) == (Outcome.STALE, ())


def test_an_old_withdrawal_takes_nothing_back_again(triaged: Callable[[Slice], Finished]) -> None:
    triaged(sent(FIRST, 0))
    triaged(sent(a_withdrawal(submitter=SUBMITTER, revision=2), 1))
    triaged(sent(a_committed_report(revision=3), 2))
    again = triaged(sent(a_withdrawal(submitter=SUBMITTER, revision=2), 3))
    assert (outcome(again), again.answers[0].referrals) == (Outcome.STALE, ())


def test_on_the_topic_of_another_member_it_is_refused(triaged: Callable[[Slice], Finished]) -> None:
    found = triaged(sent(FIRST, 0, topic_of=MemberId("ngo-b")))
    (answer,) = found.answers
    assert (outcome(found), answer.referrals) == (Outcome.REFUSED, ())
    assert answer.dead_letter is not None
    assert answer.dead_letter.code == "report.wrong_submitter"
