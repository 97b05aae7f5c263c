"""Who is told of a legal hold, and what: the last hold to end, or that none stands any more."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas.records.answers import StatusKind
from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.records.values import Mark
from tocsin.runtime.ledger.erasing import Copy, Held
from tocsin.runtime.ledger.legal_holds import Standing
from tocsin.stack.holding import notices

REPORT = ReportId("6f5d1c1e-0000-5000-8000-000000000001")
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def a_copy(member: str, mark: Mark = Mark.LIVE) -> Copy:
    referral = ReferralId(f"referral-of-{member}")
    return Copy(member=MemberId(member), referral_id=referral, revision=1, mark=mark, confirmed_at=None, word="")


def held(*copies: Copy) -> Held:
    submitter = MemberId("fr-hotline")
    return Held(report_id=REPORT, submitter=submitter, erased=False, rows={}, copies=copies, letters=(), last_at=NOON)


def test_the_submitter_and_each_member_that_has_a_copy_are_told_until_when() -> None:
    until = NOON + timedelta(days=30)
    told = list(notices(held(a_copy("nl-hotline"), a_copy("de-police", Mark.TEST)), Standing(at=NOON, until=until)))
    assert [(one.member, one.referral_id, one.mark) for one in told] == [
        ("fr-hotline", "", Mark.LIVE),
        ("nl-hotline", "referral-of-nl-hotline", Mark.LIVE),
        ("de-police", "referral-of-de-police", Mark.TEST),
    ]
    assert {(one.kind, one.report_id, one.code) for one in told} == {
        (StatusKind.LEGAL_HOLD, REPORT, "legal_hold.stands")
    }
    assert {one.until.epoch_ms for one in told if one.until} == {int(until.timestamp() * 1000)}
    assert len({one.status_id for one in told}) == len(told)


@pytest.mark.parametrize("later_ms", [1, 60_000])
def test_where_no_hold_stands_they_are_told_so_in_a_message_of_its_own(later_ms: int) -> None:
    (first,) = notices(held(), Standing(at=NOON, until=NOON + timedelta(days=1)))
    (ended,) = notices(held(), Standing(at=NOON + timedelta(milliseconds=later_ms), until=None))
    assert (ended.until, ended.code) == (None, "legal_hold.ended")
    assert ended.status_id != first.status_id
