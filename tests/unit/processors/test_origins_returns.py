"""Whose word an answer, a label and a look are: counted where the topic's member signed it, a dead letter elsewhere."""

from collections.abc import Callable, Mapping
from typing import Final, cast

import pytest
from msgspec import Struct
from msgspec.structs import replace

from processors.labelling import addressed
from processors.looking import facts
from processors.returns import Claimed, Finished, ReturnStages, ReturnTools
from processors.telling import Known
from schemas.framing import FRAME_BYTES
from schemas.headers import Headers, event_type
from schemas.records.answers import LabelAdded, ReferralsRead, Return, ReturnKind, Status, StatusKind
from schemas.records.identifiers import KeyId, MemberId, ReferralId
from schemas.records.report import Label
from schemas.signing import signature_headers
from schemas.topics import dead_letter_topic, returns_topic, status_topic
from tests.builders.answers import REFERRAL, REPORT, a_label
from tests.builders.policy import with_member
from tests.builders.proofs import PRIVATE, PUBLIC
from tests.builders.reports import NOON_MS, an_instant
from tocsin.policy.policies import OnePolicy
from tocsin.runtime.database import Database
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.directory import Directory, RevocationReason
from tocsin.runtime.keys.files import Use
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

MEMBER, OTHER, SUBMITTER = MemberId("nl-hotline"), MemberId("de-police"), MemberId("plat-a")
CODEC: Final = RecordCodec(FixedDirectory())
LIVE: Final = changing.admitted(Directory(), MEMBER, Use.SIGN, PUBLIC, NOON_MS - 1)
(KEY,) = LIVE.keys
ENDED: Final = changing.admitted(
    Directory(), MEMBER, Use.SIGN, PUBLIC, NOON_MS - (changing.VALID_DAYS + 1) * changing.DAY_MS
)
REVOKED: Final = changing.revoked(LIVE, KEY.key_id, RevocationReason.LOST, NOON_MS)
OF_ANOTHER: Final = changing.admitted(Directory(), OTHER, Use.SIGN, PUBLIC, NOON_MS - 1)
TO_SEAL: Final = changing.admitted(Directory(), MEMBER, Use.SEAL, PUBLIC, NOON_MS - 1)

Said = Return | LabelAdded | ReferralsRead
TAKEN_UP: Final = Return(
    return_id="r", referral_id=REFERRAL, report_id=REPORT, member=MEMBER, kind=ReturnKind.TAKEN_UP, at=an_instant()
)
LABEL: Final = a_label(MEMBER, "item-1")
LOOK: Final = ReferralsRead(
    read_id="l", member=MEMBER, at=an_instant(), person="anna", purpose="a case", what="referrals"
)
ALTERED: Final[Mapping[type[Struct], Said]] = {
    Return: replace(TAKEN_UP, kind=ReturnKind.REFUSED),
    LabelAdded: replace(LABEL, label=Label(scheme="iccam", label="baseline")),
    ReferralsRead: replace(LOOK, person="ben"),
}
EACH: Final = pytest.mark.parametrize("said", [TAKEN_UP, LABEL, LOOK], ids=lambda said: type(said).__name__)


def signed(said: Struct, as_type: type[Struct] | None = None, key_id: KeyId = KEY.key_id) -> Headers:
    body = CODEC.dumps(said)[FRAME_BYTES:]
    return signature_headers(PRIVATE, key_id, event_type(as_type or type(said)), body)


def finished(
    said: Struct, headers: Headers, directory: Directory, *, topic: MemberId = MEMBER, signs: bool = True
) -> Finished:
    """Twice through the real stage, but for what the ledger looks up: here the referral is the member's."""
    tools = ReturnTools(codec=CODEC, policies=OnePolicy(with_member(MEMBER, signs=signs)), directory=lambda: directory)
    stages = ReturnStages(tools, cast(Database, None), {}, lambda: NOON_MS)
    value = CODEC.dumps(said)
    raws = [RawRecord(offset=n, timestamp_ms=NOON_MS, key=b"k", value=value, headers=tuple(headers)) for n in (0, 1)]
    decided = stages.decide(Slice(topic_id="id", topic=returns_topic(topic), partition=0, records=tuple(raws)))
    decided = replace(decided, read=addressed(decided.read, {(REPORT, MEMBER): ReferralId(REFERRAL)}))
    known = Known(recipient=MEMBER, submitter=SUBMITTER, submitter_reference="case-1", report_id=REPORT)
    return stages.finish(Claimed(decided=decided, known={REFERRAL: known}))


def code(found: Finished) -> str:
    """Of the first record, held against all that follows from it."""
    rejected = found.read[0].rejected
    return rejected.code if rejected else ""


def topics(found: Finished) -> set[str]:
    return {record.topic for record in found.records}


def counts(found: Finished) -> bool:
    """Whether the submitter or triage hears of it, or the log says that somebody looked."""
    told = topics(found) - {status_topic(MEMBER), dead_letter_topic(returns_topic(MEMBER))}
    return bool(told or list(facts(found.read)))


@EACH
def test_what_the_member_signed_counts_and_makes_no_dead_letter(said: Said) -> None:
    found = finished(said, signed(said), LIVE)
    assert (code(found), found.letters, found.read[0].outcome()) == ("", (), Outcome.APPLIED)
    assert counts(found), "or the next test would see nothing"


@EACH
@pytest.mark.parametrize(
    ("forged", "refused"),
    [
        (lambda said: ([], LIVE), "origin.unsigned"),
        (lambda said: ([("tocsin-key-id", KEY.key_id.encode())], LIVE), "origin.unsigned"),
        (lambda said: (signed(said, key_id=KeyId("f" * 16)), LIVE), "origin.unknown_key"),
        (lambda said: (signed(said), OF_ANOTHER), "origin.unknown_key"),
        (lambda said: (signed(said), TO_SEAL), "origin.unknown_key"),
        (lambda said: (signed(said), Directory()), "origin.unknown_key"),
        (lambda said: (signed(said), REVOKED), "origin.revoked"),
        (lambda said: (signed(ALTERED[type(said)]), LIVE), "origin.wrong"),
        (lambda said: (signed(said, Status), LIVE), "origin.wrong"),
    ],
    ids=[
        "unsigned", "half signed", "an unknown key", "another's key", "a key to seal with", "no key at all",
        "a revoked key", "other bytes", "another type",
    ],
)  # fmt: skip
def test_what_is_not_the_members_word_is_a_dead_letter_and_nothing_follows_from_it(
    said: Said, forged: Callable[[Said], tuple[Headers, Directory]], refused: str
) -> None:
    found = finished(said, *forged(said))
    assert (code(found), found.read[0].outcome()) == (refused, Outcome.REFUSED)
    assert [letter.code for _, letter in found.letters] == [refused] * 2, "sent again, it is refused again"
    assert not counts(found)


@EACH
def test_a_key_that_has_ended_still_counts(said: Said) -> None:
    """An outcome that is lost would be worse than one that is not proven."""
    assert code(finished(said, signed(said), ENDED)) == ""


@EACH
def test_only_a_member_that_has_not_agreed_to_sign_may_answer_unsigned(said: Said) -> None:
    assert code(finished(said, [], LIVE, signs=False)) == ""
    assert code(finished(said, signed(said), REVOKED, signs=False)) == "origin.revoked"


@EACH
def test_what_is_sent_again_on_another_members_topic_is_refused_whoever_signed_it(said: Said) -> None:
    found = finished(said, signed(said), LIVE, topic=OTHER)
    assert code(found) == "return.wrong_member"
    assert {letter.code for _, letter in found.letters} == {"return.wrong_member"}


def test_an_answer_that_is_sent_again_says_what_it_said_under_the_same_id() -> None:
    """The ledger and the submitter's journal know it by that: a replay changes nothing."""
    found = finished(TAKEN_UP, signed(TAKEN_UP), LIVE)
    one, other = (record for record in found.records if record.topic == status_topic(SUBMITTER))
    assert (one.value, found.letters) == (other.value, ())


def test_whoever_is_refused_for_its_signature_is_told_on_its_own_topic_and_nobody_else() -> None:
    found = finished(TAKEN_UP, [], LIVE)
    status, _ = (CODEC.loads(one.value, Status) for one in found.records if one.topic == status_topic(MEMBER))
    assert isinstance(status, Status)
    assert (status.kind, status.code, status.referral_id) == (StatusKind.REFUSED, "origin.unsigned", REFERRAL)
    assert topics(found) == {status_topic(MEMBER), dead_letter_topic(returns_topic(MEMBER))}


def test_a_look_that_the_member_did_not_sign_names_nobody_in_the_log() -> None:
    assert [fact.statement for fact in facts(finished(LOOK, signed(LOOK), LIVE).read)]
    assert list(facts(finished(LOOK, signed(ALTERED[ReferralsRead]), LIVE).read)) == []
