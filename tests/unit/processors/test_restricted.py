"""A report that is only kept: whoever has it gives it up, nothing gives it to anybody, and lifting gives it back."""

from pathlib import Path

import pytest

from processors.answering import Answered
from schemas.records.answers import StatusKind
from schemas.records.identifiers import MemberId, report_id_of
from schemas.records.report import ReportSubmitted
from schemas.records.ruling import Ruling, RulingCause
from tests.builders.reports import a_report
from tests.builders.ruled_exchange import INSTANT_MS, MEMBER, SOURCE, Exchange, members, told, triaged
from tests.builders.rulings import a_ruling
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.standings import Standing

RESTRICTED = Standing(restricted=frozenset({a_report().report_id}))


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path)


def restricted(exchange: Exchange) -> Answered:
    exchange.standing = RESTRICTED
    return exchange.take(a_ruling(a_report(), SOURCE, cause=RulingCause.RESTRICTED, occasion="r:1"), at_ms=INSTANT_MS)[
        0
    ]


def test_whoever_has_it_is_told_to_give_it_up_and_why_and_so_is_its_submitter(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    answer = restricted(exchange)
    holders = members(first, recalled=False)
    assert (answer.outcome, members(answer, recalled=True)) == (Outcome.NO_RECIPIENT, holders)
    assert {name: one.code for name, one in told(answer, StatusKind.RECALL).items()} == dict.fromkeys(
        holders, "recall.restricted"
    )
    assert told(answer, StatusKind.NO_RECIPIENT)[MEMBER].code == "route.restricted"
    assert [refusal.rule for refusal in triaged(answer).refusals] == ["route.restricted"], "its explanation says so"
    assert answer.unrouted is not None
    assert not answer.unrouted.waits, "no person can do anything about it"


@pytest.mark.parametrize(
    "later",
    [
        a_report(revision=2, platform="another"),
        a_ruling(a_report(), SOURCE, cause=RulingCause.LABEL, occasion="label:1"),
        a_ruling(a_report(), SOURCE, cause=RulingCause.MOVED, occasion="moved:1"),
        a_ruling(a_report(), SOURCE, cause=RulingCause.REROUTE, occasion="range:1"),
        a_ruling(a_report(), SOURCE, cause=RulingCause.PERSON, occasion="queue:1", chosen=(MemberId("nl-police"),)),
        a_ruling(a_report(), SOURCE, cause=RulingCause.ESCALATED, occasion="late:1", chosen=(MemberId("nl-police"),)),
    ],
    ids=["revision", "label", "moved", "reroute", "person", "escalated"],
)
def test_nothing_that_comes_later_gives_it_to_anybody(exchange: Exchange, later: ReportSubmitted | Ruling) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    restricted(exchange)
    (answer,) = exchange.take(later, at_ms=INSTANT_MS + 1)
    assert (answer.outcome, answer.referrals) == (Outcome.NO_RECIPIENT, ())


def test_what_was_restricted_before_anybody_had_it_reaches_nobody(exchange: Exchange) -> None:
    exchange.standing = RESTRICTED
    (answer,) = exchange.take(a_report(), at_ms=INSTANT_MS)
    assert answer.referrals == ()


def test_another_report_of_the_same_member_goes_on(exchange: Exchange) -> None:
    exchange.standing = RESTRICTED
    other = report_id_of(MEMBER, "another")
    (answer,) = exchange.take(a_report(submitter_reference="another", report_id=other), at_ms=INSTANT_MS)
    assert answer.outcome is Outcome.ROUTED


def test_once_it_is_lifted_the_rules_give_it_out_again(exchange: Exchange) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS)
    restricted(exchange)
    exchange.standing = Standing()
    lifting = a_ruling(a_report(), SOURCE, cause=RulingCause.LIFTED, occasion="l:1")
    (answer,) = exchange.take(lifting, at_ms=INSTANT_MS + 1)
    assert answer.outcome is Outcome.ROUTED
    assert members(answer, recalled=False) == set(exchange.holders[a_report().report_id]) != set()
