"""The way back, without a database: what is held against a referral, what is early, what a submitter hears."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.closing import _RANKS, STATES
from processors.intake import Rejected
from processors.returns import EARLY_MS, Decided, _held, _is_early
from processors.steps.release.answers import release_answer
from processors.telling import TOLD, Known, Read, refusal_of, status_of
from schemas.records.answers import Return, ReturnKind, StatusKind
from schemas.records.identifiers import MemberId, ReferralId, ReportId
from tests.builders.policy import TODAY, the_sample
from tests.builders.reports import an_instant
from tocsin.runtime.transport.slices import RawRecord, Slice

RECIPIENT, SUBMITTER = MemberId("nl-hotline"), MemberId("plat-a")
REFERRAL = ReferralId("2b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e33")
REPORT = ReportId("3b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e33")
KNOWN: dict[str, Known] = {
    REFERRAL: Known(recipient=RECIPIENT, submitter=SUBMITTER, submitter_reference="case-1", report_id=REPORT)
}


def an_answer(
    kind: ReturnKind = ReturnKind.TAKEN_UP, member: MemberId = RECIPIENT, report: ReportId = REPORT
) -> Return:
    return Return(return_id="r", referral_id=REFERRAL, report_id=report, member=member, kind=kind, at=an_instant())


def read(answer: Return | None, at_ms: int = 0) -> Read:
    raw = RawRecord(offset=0, timestamp_ms=at_ms, key=None, value=b"v", headers=())
    return Read(raw=raw, answer=answer)


def a_slice_of(*entries: Read) -> Decided:
    records = tuple(entry.raw for entry in entries)
    return Decided(piece=Slice(topic_id="i", topic="returns.nl-hotline.v1", partition=0, records=records), read=entries)


def test_a_young_return_to_an_unknown_referral_waits_and_an_old_one_does_not() -> None:
    decided = a_slice_of(read(an_answer(), at_ms=1_000))
    assert _is_early(decided, {}, 1_000 + EARLY_MS - 1, 0)
    assert not _is_early(decided, {}, 1_000 + EARLY_MS, 0)
    assert not _is_early(decided, KNOWN, 1_000, 0)


def test_after_an_outage_triage_gets_its_time_to_settle_what_it_sent_meanwhile() -> None:
    decided = a_slice_of(read(an_answer(), at_ms=0))
    back_ms = 10 * EARLY_MS
    assert _is_early(decided, {}, back_ms + EARLY_MS - 1, back_ms)
    assert not _is_early(decided, {}, back_ms + EARLY_MS, back_ms)


def code(entry: Read) -> str:
    return entry.rejected.code if entry.rejected else ""


def test_a_return_to_nothing_and_one_to_a_referral_of_another_are_refused() -> None:
    assert code(_held(read(an_answer()), {})) == "return.unknown_referral"
    assert code(_held(read(an_answer(member=MemberId("de-police"))), KNOWN)) == "return.foreign_referral"
    elsewhere = ReportId("4b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e33")
    assert code(_held(read(an_answer(report=elsewhere)), KNOWN)) == "return.other_report"
    assert code(_held(read(an_answer()), KNOWN)) == ""


def test_what_was_refused_already_stays_refused() -> None:
    refused = Read(raw=read(None).raw, rejected=Rejected(code="value.empty", field="", message=""))
    assert _held(refused, KNOWN) is refused


@pytest.mark.parametrize("kind", sorted(TOLD))
def test_a_submitter_hears_its_own_reference_and_no_recipient(kind: ReturnKind) -> None:
    status = release_answer(status_of(an_answer(kind), KNOWN[REFERRAL]), RECIPIENT, the_sample(), TODAY)
    assert (status.member, status.submitter_reference) == (SUBMITTER, "case-1")
    assert RECIPIENT not in str(status)


def test_whoever_gives_an_answer_that_does_not_count_is_told_and_nobody_else() -> None:
    refused = _held(read(an_answer(member=MemberId("de-police"))), KNOWN)
    assert refused.answer is not None
    assert refused.rejected is not None
    status = refusal_of(refused.answer, refused.rejected)
    assert (status.member, status.kind, status.code) == ("de-police", StatusKind.REFUSED, "return.foreign_referral")
    assert SUBMITTER not in str(status)


def test_every_kind_of_return_that_closes_something_has_a_rank() -> None:
    assert set(STATES.values()) <= set(_RANKS)


@given(st.permutations(sorted(STATES)))
def test_the_order_in_which_returns_arrive_does_not_decide_how_a_referral_ends(kinds: list[ReturnKind]) -> None:
    state = "waiting"
    for kind in kinds:
        if _RANKS[state] < _RANKS[STATES[kind]]:
            state = STATES[kind]
    assert state == "taken_up"
