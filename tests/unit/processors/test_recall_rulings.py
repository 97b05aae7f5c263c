"""The exchange takes a report or a label back: who has it is told, and nothing that comes later gives it again."""

from pathlib import Path

import pytest

from schemas.records.answers import StatusKind
from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.ruling import RECALLED, Amendment, Ruling, RulingCause
from tests.builders.reports import a_hosting, a_report, a_withdrawal, an_item
from tests.builders.ruled_exchange import INSTANT_MS, LEAVING, MEMBER, SOURCE, Exchange, members, told
from tests.builders.rulings import a_ruling
from tocsin.runtime.ledger.outcomes import Outcome


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path)


def a_recall() -> Ruling:
    return a_ruling(a_report(), SOURCE, cause=RulingCause.RECALLED, occasion="recalled", submitter_reference="case-1")


def test_the_exchange_takes_a_report_back_from_everybody_and_tells_each_on_its_status_topic(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    (answer,) = exchange.take(a_recall(), at_ms=INSTANT_MS)
    assert answer.outcome is Outcome.WITHDRAWN
    assert members(answer, recalled=True) == members(first, recalled=False) != set()
    notices = told(answer, StatusKind.RECALL)
    assert {name: one.referral_id for name, one in notices.items()} == {
        made.recipient: made.referral_id for made in answer.referrals
    }
    assert {(one.revision, one.ruling, one.code) for one in notices.values()} == {(RECALLED, 0, "recall.withdrawn")}
    assert told(answer, StatusKind.WITHDRAWN)[MEMBER].code == "recall.by_exchange"
    assert (answer.ruling, answer.record) != (None, None)


def test_it_takes_back_what_lies_on_no_topic_any_more(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    exchange.log.clear()
    (answer,) = exchange.take(a_recall(), at_ms=INSTANT_MS)
    assert members(answer, recalled=True) == members(first, recalled=False)


@pytest.mark.parametrize(
    "later",
    [
        a_report(revision=2, platform="another"),
        a_report(revision=RECALLED - 1, platform="another"),
        a_withdrawal(revision=3),
        a_ruling(a_report(), SOURCE, cause=RulingCause.LABEL, occasion="label:1"),
        a_ruling(a_report(), SOURCE, cause=RulingCause.MOVED, occasion="moved:1"),
        a_ruling(a_report(), SOURCE, chosen=(MemberId("fr-police"),), occasion="queue:1"),
        a_ruling(a_report(), SOURCE, cause=RulingCause.LABEL_RECALLED, occasion="label_recalled:1"),
    ],
)
def test_what_the_exchange_took_back_is_routed_by_nothing_that_comes_later(
    exchange: Exchange, later: ReportSubmitted | Withdrawal | Ruling
) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    exchange.take(a_recall(), at_ms=INSTANT_MS)
    (answer,) = exchange.take(later, at_ms=INSTANT_MS + 1)
    assert (answer.outcome, answer.referrals) == (Outcome.STALE, ())
    assert exchange.holders[a_report().report_id] == {}


def test_in_one_slice_with_a_recall_no_ruling_gives_the_report_to_anybody(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    stand = tuple(sorted(members(first, recalled=False)))
    added = a_ruling(a_report(), SOURCE, chosen=(MemberId("fr-police"),), unchanged=stand)
    late = a_ruling(a_report(), SOURCE, occasion="late")
    answers = exchange.take(added, a_recall(), late, at_ms=INSTANT_MS)
    assert [members(one, recalled=False) for one in answers] == [set(), set(), set()]
    assert members(answers[1], recalled=True) == set(stand)


def test_a_recall_said_again_recalls_nobody_twice(exchange: Exchange) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    exchange.take(a_recall(), at_ms=INSTANT_MS)
    (again,) = exchange.take(a_recall(), at_ms=INSTANT_MS + 1)
    assert again.referrals == ()
    assert told(again, StatusKind.RECALL) == {}


def test_whoever_has_a_label_that_is_taken_back_gets_a_copy_without_it_and_is_told(exchange: Exchange) -> None:
    item = an_item(hosting=a_hosting())
    report = a_report(items=(item,))
    exchange.take(report, at_ms=INSTANT_MS - 1)
    label = Amendment(content_id=item.content_id, classification="not_illegal")
    exchange.found.known[report.report_id] = (label,)
    (labelled,) = exchange.take(a_ruling(report, SOURCE, cause=RulingCause.LABEL, occasion="label:1"), at_ms=INSTANT_MS)
    exchange.found.known.clear()
    recall = a_ruling(report, SOURCE, cause=RulingCause.LABEL_RECALLED, occasion="label_recalled:1")
    (answer,) = exchange.take(recall, at_ms=INSTANT_MS + 1)
    had = {made.recipient for made in labelled.referrals if not made.withdrawn}
    notices = told(answer, StatusKind.RECALL)
    assert had
    assert had <= notices.keys()
    assert {(one.ruling, one.code) for one in notices.values()} == {(2, "recall.label")}
    words = {label.label for made in answer.referrals for each in made.items for label in each.labels}
    assert "not_illegal" not in words


def test_where_the_record_is_gone_whoever_may_have_the_label_gives_up_its_copy_and_a_correction_comes_again(
    exchange: Exchange,
) -> None:
    item = an_item(hosting=a_hosting())
    report = a_report(items=(item,))
    (first,) = exchange.take(report, at_ms=INSTANT_MS)
    exchange.log.clear()
    had = members(first, recalled=False)
    spared = min(had)
    recall = a_ruling(
        report, SOURCE, cause=RulingCause.LABEL_RECALLED, occasion="label_recalled:1", unchanged=(MemberId(spared),)
    )
    answer, again = exchange.take(recall, recall, at_ms=INSTANT_MS + 1)
    assert (answer.outcome, members(answer, recalled=True)) == (Outcome.WITHDRAWN, had - {spared})
    notices = told(answer, StatusKind.RECALL)
    assert notices.keys() == had - {spared}
    assert {(one.revision, one.ruling, one.code) for one in notices.values()} == {(1, 1, "recall.labelled")}
    assert told(answer, StatusKind.WITHDRAWN)[MEMBER].code == "recall.send_again"
    assert again.referrals == ()
    (later,) = exchange.take(a_report(items=(item,), revision=2), at_ms=INSTANT_MS + 2)
    assert members(later, recalled=False) == had, "the report was not taken back, only the copies"


def test_where_nobody_may_have_the_label_nobody_is_told(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS)
    exchange.log.clear()
    everybody = tuple(map(MemberId, sorted(members(first, recalled=False))))
    recall = a_ruling(a_report(), SOURCE, cause=RulingCause.LABEL_RECALLED, occasion="l:1", unchanged=everybody)
    (answer,) = exchange.take(recall, at_ms=INSTANT_MS + 1)
    assert (answer.referrals, answer.records) == ((), ())


def test_a_correction_that_concerns_others_tells_whoever_loses_it_on_its_status_topic(exchange: Exchange) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    (answer,) = exchange.take(a_ruling(a_report(), SOURCE), at_ms=INSTANT_MS)
    assert {name: one.code for name, one in told(answer, StatusKind.RECALL).items()} == {
        LEAVING: "recall.no_longer_concerned"
    }
