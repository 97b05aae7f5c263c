"""A link of the chain is worth what its bytes prove, and a member sees its own part of it."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from processors.steps.release.proofs import proven
from schemas.codec import encode
from schemas.commitments import Commitments
from schemas.framing import FRAME_BYTES
from schemas.headers import event_type
from schemas.records.answers import ReturnKind
from schemas.records.identifiers import JurisdictionCode, MemberId, ReferralId
from schemas.records.triage import ReportTriaged
from schemas.records.values import Coordinate, Instant, SealedPart
from schemas.signing import signature_headers
from tests.builders.answers import an_outcome_return
from tests.builders.proofs import (
    DIRECTORY,
    KEY,
    PRIVATE,
    PUBLIC,
    SUBMITTER,
    a_committed_report,
    a_report_on,
    with_part,
)
from tests.builders.referrals import RECIPIENT, a_referral
from tests.builders.reports import NOON_MS, a_personal_part, a_withdrawal, an_account
from tocsin.runtime.audit.disclosed import Told
from tocsin.runtime.audit.statements import Disclosure, landed_at
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.directory import RevocationReason
from tocsin.runtime.keys.files import Use, new_key
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord
from tocsin.stack.receipts import Link, Reader, Step, logged_in, seen_by

CODEC = RecordCodec(FixedDirectory())
REPORT = a_committed_report()
SUBMITTED = Step(what="submitted", member=SUBMITTER, revision=1, place=Coordinate(topic="t", offset=4))


def a_raw(record: Struct, *, signed_as: Struct | None = None) -> RawRecord:
    """As it lies on its topic, signed; or with the signature of another record."""
    body = CODEC.dumps(signed_as or record)[FRAME_BYTES:]
    headers = signature_headers(PRIVATE, KEY.key_id, event_type(type(record)), body)
    return RawRecord(offset=4, timestamp_ms=NOON_MS, key=None, value=CODEC.dumps(record), headers=tuple(headers))


def a_link(step: Step, raw: RawRecord | None, **changes: Any) -> Link:
    reader = Reader(codec=CODEC, directory=DIRECTORY, report_id=REPORT.report_id)
    return replace(reader, **changes).link(step, raw)


def test_a_submission_is_verified_from_its_bytes_and_names_them() -> None:
    found = a_link(SUBMITTED, a_raw(REPORT))
    assert (found.proof, found.key_id, found.holds, len(found.sha256)) == ("verified", KEY.key_id, True, 64)
    withdrawn = replace(SUBMITTED, what="withdrawn", revision=2)
    assert a_link(withdrawn, a_raw(a_withdrawal(submitter=SUBMITTER))).proof == "verified"


def test_a_key_that_was_exchanged_since_still_proves_what_it_signed() -> None:
    public = new_key(Use.SIGN).public_key().public_bytes_raw()
    later = changing.replaced(DIRECTORY, SUBMITTER, Use.SIGN, public, NOON_MS + 1)
    assert public != PUBLIC
    assert a_link(SUBMITTED, a_raw(REPORT), directory=later).proof == "verified"


@pytest.mark.parametrize(
    ("raw", "proof"),
    [
        (a_raw(replace(REPORT, platform="changed"), signed_as=REPORT), "wrong"),
        (replace(a_raw(REPORT), headers=()), "unsigned"),
        (a_raw(replace(REPORT, revision=2)), "other_record"),
        (a_raw(a_committed_report(submitter_reference="case-2")), "other_record"),
        (replace(a_raw(REPORT), value=b"\x00garbage"), "other_record"),
    ],
)
def test_what_does_not_verify_does_not_hold(raw: RawRecord, proof: str) -> None:
    found = a_link(SUBMITTED, raw)
    assert (found.proof, found.holds) == (proof, False)


def test_a_stolen_key_proves_nothing() -> None:
    stolen = changing.revoked(DIRECTORY, KEY.key_id, RevocationReason.COMPROMISED, NOON_MS + 1)
    assert a_link(SUBMITTED, a_raw(REPORT), directory=stolen).proof == "revoked"


def test_bytes_that_retention_took_are_said_to_be_gone() -> None:
    found = a_link(SUBMITTED, None)
    assert (found.proof, found.sha256, found.holds) == ("gone", "", True)


def test_a_referral_is_held_against_its_submitters_signature() -> None:
    names = ("source_url", "items", "detected_at", "handling", "mark")
    full = a_referral(**{name: getattr(REPORT, name) for name in names}, submitter=SUBMITTER)
    sent = proven(full, Commitments(submitted=REPORT))
    step = replace(SUBMITTED, what="referred", member=RECIPIENT, referral_id=sent.referral_id)
    assert a_link(step, a_raw(sent), logged=logged(step, a_raw(sent))).proof == "verified"
    assert a_link(step, a_raw(sent)).proof == "not_as_logged"
    raised = a_raw(replace(sent, priority=replace(sent.priority, score=sent.priority.score + 1)))
    found = a_link(step, raised, logged=logged(step, a_raw(sent)))
    assert (found.proof, found.holds) == ("not_as_logged", False), "no field of the submitter's is another one"
    found = a_link(step, a_raw(replace(sent, platform="planted")))
    assert (found.proof, found.altered, found.holds) == ("altered", ("platform",), False)


def test_a_personal_part_is_its_recipients_to_verify_and_where_it_lies_open_it_counts() -> None:
    report = a_report_on()
    full = a_referral(submitter=SUBMITTER, **{name: getattr(report, name) for name in ("mark", "handling")})
    sent = with_part(proven(full, Commitments(submitted=report)), report, a_personal_part())
    step = replace(SUBMITTED, what="referred", member=RECIPIENT, referral_id=sent.referral_id)

    def found(part: SealedPart) -> Link:
        raw = a_raw(replace(sent, sealed=(part,)))
        return a_link(step, raw, logged=logged(step, raw))

    (part,) = sent.sealed
    whole, shut = found(part), found(replace(part, key_id="k" * 16))
    assert (whole.proof, whole.personal, whole.holds) == ("verified", ("verified",), True)
    assert (shut.proof, shut.personal, shut.holds) == ("verified", ("sealed",), True)
    changed = found(replace(part, ciphertext=encode(a_personal_part(accounts=(an_account(value="planted"),)))))
    assert (changed.proof, changed.personal, changed.holds) == ("altered", ("altered",), False)
    assert changed.altered == ("personal.accounts[0].value",)


def test_a_decision_is_the_one_that_the_log_commits_to() -> None:
    decided = ReportTriaged(
        report_id=REPORT.report_id,
        submitter=SUBMITTER,
        source=SUBMITTED.place,
        submitted_at=Instant(epoch_ms=NOON_MS),
        triaged_as_of=Instant(epoch_ms=NOON_MS),
        outcome="routed",
    )
    step, written = replace(SUBMITTED, what="decided"), a_raw(decided)
    found = a_link(step, written, logged=logged(step, written))
    assert (found.proof, found.holds) == ("recorded", True)
    other = a_raw(replace(decided, outcome="counted"))
    for raw, known in ((other, logged(step, written)), (written, frozenset[tuple[str, str]]())):
        found = a_link(step, raw, logged=known)
        assert (found.proof, found.holds) == ("not_as_logged", False)
    assert a_link(replace(step, ruling=1), written, logged=logged(step, written)).proof == "other_record"


def test_a_statement_that_its_leaf_does_not_open_is_no_word_of_the_log() -> None:
    landed, digest = "t/0/4", "ab" * 32
    line = Disclosure(
        report=REPORT.report_id,
        revision=1,
        referral=ReferralId("r"),
        recipient=RECIPIENT,
        jurisdiction=JurisdictionCode("nl"),
        mark="live",
        landed=landed,
        sha256=digest,
    )
    told = Told(at_ms=0, recorded=datetime.now(UTC), statement=line, holds=True, leaf=b"", line=b"", nonce=b"")
    assert logged_in([told]) == {(landed, digest)}
    assert logged_in([replace(told, holds=False)]) == frozenset()


def logged(step: Step, raw: RawRecord) -> frozenset[tuple[str, str]]:
    """What the log says where it commits to these bytes."""
    return frozenset({(landed_at(step.place), sha256(raw.value or b"").hexdigest())})


def test_an_answer_is_verified_as_its_members_word_on_that_referral() -> None:
    answer = an_outcome_return(SUBMITTER, report_id=REPORT.report_id, kind=ReturnKind.TAKEN_UP)
    step = replace(SUBMITTED, what="taken_up", referral_id=answer.referral_id, by_person=True)
    assert a_link(step, a_raw(answer)).proof == "verified"
    assert a_link(replace(step, what="refused"), a_raw(answer)).proof == "other_record"
    assert a_link(replace(step, referral_id="another"), a_raw(answer)).proof == "other_record"


def test_a_submitter_reads_no_recipients_name_and_a_recipient_its_own_part_only() -> None:
    to = [Link(what="referred", member=MemberId(name), revision=1, proof="verified", at_ms=0) for name in ("x", "y")]
    links = (a_link(SUBMITTED, a_raw(REPORT)), *to)
    assert [link.member for link in seen_by(links, SUBMITTER)] == [SUBMITTER, "a recipient", "a recipient"]
    assert [link.member for link in seen_by(links, MemberId("x"))] == ["x"]
    assert seen_by(links, MemberId("z")) == ()
