"""What a member says of a person who looks at its referrals: an entry of the log, never another member's person."""

from typing import Any

import pytest

from processors.looking import facts, looked
from processors.returns import ReturnStages
from processors.telling import Read
from schemas.records.answers import ReferralsRead
from schemas.records.identifiers import MemberId
from schemas.records.values import Instant
from tests.builders.reports import NOON_MS, an_instant
from tocsin.runtime.audit.statements import Reading, Span, people_of
from tocsin.runtime.transport.slices import RawRecord

MEMBER = MemberId("nl-hotline")


def said(**changes: Any) -> ReferralsRead:
    values: dict[str, Any] = {
        "read_id": "l", "member": MEMBER, "at": an_instant(), "person": "anna", "purpose": "the morning's list",
        "what": "referrals",
    }  # fmt: skip
    return ReferralsRead(**(values | changes))


def read(record: ReferralsRead) -> Read:
    return looked(RawRecord(offset=7, timestamp_ms=NOON_MS, key=None, value=b"v", headers=()), record)


def reading(record: ReferralsRead) -> Reading:
    (fact,) = facts([read(record)])
    assert (fact.at_ms, fact.log_offset) == (NOON_MS, 7), "at the broker's time"
    assert isinstance(fact.statement, Reading)
    return fact.statement


def test_who_looked_at_whose_referrals_of_which_time_and_why_is_one_entry() -> None:
    found = reading(said(since=Instant(epoch_ms=NOON_MS)))
    assert (found.person, found.purpose, found.command) == ("anna of nl-hotline", "the morning's list", "subscribe")
    assert found.member == MEMBER
    assert found.what == "the referrals of nl-hotline from 2026-01-01 12:00:00 UTC until the last"


def test_a_look_at_referrals_keeps_the_span_that_was_asked_for_and_one_at_notices_has_none() -> None:
    assert reading(said(since=Instant(epoch_ms=NOON_MS))).span == Span(since_ms=NOON_MS)
    assert reading(said(until=Instant(epoch_ms=NOON_MS))).span == Span(until_ms=NOON_MS)
    assert reading(said(what="notices")).span is None


def test_who_says_no_purpose_is_kept_as_having_said_none() -> None:
    assert reading(said(purpose="")).purpose == "not stated"


@pytest.mark.parametrize("epoch_ms", [2**62, -(2**62), -1])
def test_whatever_a_member_writes_as_an_instant_halts_nobody(epoch_ms: int) -> None:
    assert reading(said(until=Instant(epoch_ms=epoch_ms))).what.startswith("the referrals of nl-hotline")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"person": ""}, "reading.person"),
        ({"person": "  "}, "reading.person"),
        ({"person": "anna and ben"}, "reading.person"),
        ({"person": "a" * 201}, "reading.person"),
        ({"person": "anna\nben looked at everything"}, "reading.person"),
        ({"person": "anna\x1b[2J"}, "reading.person"),
        ({"purpose": "p" * 201}, "reading.purpose"),
        ({"purpose": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"}, "reading.purpose"),
        ({"what": ""}, "reading.purpose"),
        ({"what": "the database"}, "reading.purpose"),
    ],
)
def test_what_the_log_cannot_keep_is_a_dead_letter_and_no_entry(changes: dict[str, Any], code: str) -> None:
    found = read(said(**changes))
    assert found.rejected is not None
    assert found.rejected.code == code
    assert list(facts([found])) == []


def test_a_member_cannot_name_a_person_of_another_one() -> None:
    assert people_of(reading(said(person="ben of the exchange"))) == ("ben of the exchange of nl-hotline",)


def test_it_counts_where_it_names_the_topics_own_member() -> None:
    stages = ReturnStages.__new__(ReturnStages)
    found = stages._proven(read(said()), MemberId("de-police"), None)
    assert found.rejected is not None
    assert found.rejected.code == "return.wrong_member"
