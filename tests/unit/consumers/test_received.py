"""An inbox writes one line for each record that it stored, with ids, coordinate and codes and nothing of the case."""

import logging
from collections import Counter as Counts
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from consumers.agreement import Agreement, Treatment
from consumers.store import arrivals
from schemas.records.answers import StatusKind
from schemas.records.identifiers import ReportId
from schemas.records.values import Mark
from tests.builders import counted
from tests.builders.deliveries import CODEC, TOPIC, Counter
from tests.builders.holds import a_hold
from tests.builders.referrals import RECIPIENT, a_referral
from tests.builders.reports import HOUR_MS, NOON_MS
from tests.builders.told import outcomes
from tests.unit.consumers.test_canaries import a_canary
from tests.unit.consumers.test_notices import a_notice

Opener = Callable[..., Counter]
LOGGER = "consumers.received"


@pytest.fixture(autouse=True)
def _listening(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger=LOGGER)


def test_each_record_of_a_batch_is_a_line_with_what_the_courier_calls_it_by(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    first, again, canary = a_referral("a"), a_referral("a"), a_canary()
    counter.source.values += [CODEC.dumps(first), CODEC.dumps(again), b"garbage", CODEC.dumps(canary)]
    counter.arrive()
    told = sorted(outcomes(caplog.records, LOGGER), key=lambda line: line["offset"])
    assert [(line["outcome"], line["offset"]) for line in told] == [
        ("received", 0),
        ("replayed", 1),
        ("unreadable", 2),
        ("canary", 3),
    ]
    assert told[0] == {
        "stage": "inbox",
        "outcome": "received",
        "topic": TOPIC,
        "partition": 0,
        "offset": 0,
        "delivery": first.referral_id,
        "report_id": first.report_id,
        "revision": first.revision,
        "code": counter.find(first.referral_id).reason_code,
    }
    assert told[2] == {
        "stage": "inbox",
        "outcome": "unreadable",
        "topic": TOPIC,
        "partition": 0,
        "offset": 2,
        "code": "value.not_framed",
    }


def test_a_text_that_somebody_wrote_where_an_id_should_be_is_in_no_line(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    counter.arrive(a_referral(report_id=ReportId("a name in it")))
    (line,) = outcomes(caplog.records, LOGGER)
    assert "report_id" not in line
    assert "a name in it" not in str(line)


def test_each_message_of_the_status_topic_is_a_line_whether_or_not_it_concerns_the_inbox(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    referral, other = a_referral(), a_referral("case-2")
    counter.arrive(referral, other)
    caplog.clear()
    kinds = (StatusKind.LINK_CHANGED, StatusKind.RECALL, StatusKind.ERASE, StatusKind.DELIVERED)
    for number, kind in enumerate(kinds):
        counter.hear(a_notice(referral, kind=kind, status_id=f"5b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e4{number}"))
    for until_ms in (NOON_MS + HOUR_MS, None):
        counter.hear(a_hold(other.report_id, RECIPIENT, told_ms=NOON_MS, until_ms=until_ms))
    told = [line["outcome"] for line in outcomes(caplog.records, LOGGER)]
    assert told == ["notice", "recall", "erasure", "passed_by", "held", "hold_ended"]


def test_a_notice_of_what_was_taken_back_is_told_as_void(counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    referral = a_referral()
    counter.arrive(referral, replace(a_referral(ruling=1), withdrawn=True))
    counter.hear(a_notice(referral))
    assert [line["outcome"] for line in outcomes(caplog.records, LOGGER)] == ["received", "withdrawn", "notice_void"]


def test_what_is_counted_by_agreement_says_by_which_rule(
    open_counter: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    counter = open_counter(agreement=Agreement(known_content=Treatment.COUNT))
    counter.arrive(a_referral("a", content_keys=("url:c",)))
    counter.courier.turn()
    counter.arrive(a_referral("b", content_keys=("url:c",)))
    received, held_back = outcomes(caplog.records, LOGGER)
    assert (received["outcome"], held_back["outcome"]) == ("received", "counted")
    assert held_back["code"] == counter.find(a_referral("b").referral_id).reason_code


def test_a_batch_that_is_rolled_back_is_neither_told_nor_counted_until_it_is_in_the_store(
    counter: Counter, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.source.values += [CODEC.dumps(a_referral(name)) for name in ("a", "b")]
    before = counted.left("inbox", "received")
    with monkeypatch.context() as patched:
        patched.setattr(arrivals, "advance", _refuse_to_advance)
        with pytest.raises(OSError, match="full"):
            counter.inbox.turn(0)
    assert outcomes(caplog.records, LOGGER) == []
    assert counted.left("inbox", "received") == before
    assert counter.inbox.turn(0) == 2
    assert Counts(line["outcome"] for line in outcomes(caplog.records, LOGGER)) == {"received": 2}
    assert counted.left("inbox", "received") - before == 2


def _refuse_to_advance(*_: object) -> None:
    raise OSError("the disk is full")


def test_a_line_shows_nothing_of_the_case(counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    planted = "planted-and-told-to-nobody"
    counter.arrive(replace(a_referral(), platform=planted, mark=Mark.DRILL))
    counter.hear(a_notice(a_referral(), kind=StatusKind.OUTCOME, case_number=planted, submitter_reference=planted))
    told = outcomes(caplog.records, LOGGER)
    assert len(told) == 2
    assert planted not in str(told)


def test_a_batch_is_one_record_of_logging_however_many_it_holds(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    counter.arrive(*(a_referral(f"case-{number}") for number in range(40)))
    assert len([record for record in caplog.records if record.name == LOGGER]) == 1
    assert len(outcomes(caplog.records, LOGGER)) == 40
