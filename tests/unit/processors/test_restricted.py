"""A report that is only kept: whoever has it gives it up, nothing gives it to anybody, and lifting gives it back."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

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


LATER: dict[str, ReportSubmitted | Ruling] = {
    "revision": a_report(revision=2, platform="another"),
    "label": a_ruling(a_report(), SOURCE, cause=RulingCause.LABEL, occasion="label:1"),
    "moved": a_ruling(a_report(), SOURCE, cause=RulingCause.MOVED, occasion="moved:1"),
    "reroute": a_ruling(a_report(), SOURCE, cause=RulingCause.REROUTE, occasion="range:1"),
    "person": a_ruling(
        a_report(), SOURCE, cause=RulingCause.PERSON, occasion="queue:1", chosen=(MemberId("nl-police"),)
    ),
    "escalated": a_ruling(
        a_report(), SOURCE, cause=RulingCause.ESCALATED, occasion="late:1", chosen=(MemberId("nl-police"),)
    ),
}


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


@pytest.mark.parametrize("later", LATER.values(), ids=LATER)
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


@pytest.mark.parametrize(("before", "after"), [(Standing(), RESTRICTED), (RESTRICTED, Standing())])
def test_a_revision_whose_slice_was_decided_before_the_order_heeds_it_when_it_is_claimed(
    exchange: Exchange, before: Standing, after: Standing
) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    exchange.standing = before
    decided = exchange.stages.decide(exchange.piece(a_report(revision=2, platform="another"), at_ms=INSTANT_MS))
    exchange.standing = after
    (answer,) = exchange.stages.finish(exchange.stages.claim(decided)).answers
    assert bool(members(answer, recalled=False)) is (after == Standing())


@settings(max_examples=20)
@given(names=st.lists(st.sampled_from(["restrict", "lift", *LATER]), max_size=8))
def test_whatever_is_said_of_it_in_whatever_order_nobody_is_given_what_is_only_kept(names: list[str]) -> None:
    with TemporaryDirectory() as folder:
        exchange = Exchange(Path(folder))
        exchange.take(a_report(), at_ms=INSTANT_MS - 1)
        for number, name in enumerate(names):
            newest = LATER["revision"] if "revision" in names[:number] else a_report()
            (answer,) = exchange.take(said(exchange, name, newest, number), at_ms=INSTANT_MS + number)
            if exchange.standing == RESTRICTED:
                assert members(answer, recalled=False) == set()
                assert exchange.holders[a_report().report_id] == {}, "whoever had it was told to give it up"


def said(exchange: Exchange, name: str, newest: ReportSubmitted | Ruling, number: int) -> ReportSubmitted | Ruling:
    """The record that says so, and what holds from then on; an order names the newest revision."""
    if name in LATER:
        return LATER[name]
    exchange.standing = RESTRICTED if name == "restrict" else Standing()
    cause = RulingCause.RESTRICTED if name == "restrict" else RulingCause.LIFTED
    assert isinstance(newest, ReportSubmitted)
    source = replace(SOURCE, offset=newest.revision - 1)
    return a_ruling(newest, source, cause=cause, occasion=f"{name}:{number}")
