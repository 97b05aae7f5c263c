"""What is told of a referral after it came reaches the member's sinks, once, and is never taken for a referral."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from consumers import upkeep
from consumers.formats.referral_csv import write as write_csv
from consumers.replies import sort_file
from consumers.states import State
from consumers.store import deliveries
from schemas.records.answers import ReturnKind, Status, StatusKind
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from tests.builders.deliveries import Counter
from tests.builders.referrals import RECIPIENT, a_referral
from tests.builders.reports import an_instant

ID = "5b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e33"


def a_notice(referral: Referral, **changes: Any) -> Status:
    defaults: dict[str, Any] = {
        "status_id": ID,
        "member": RECIPIENT,
        "report_id": referral.report_id,
        "referral_id": referral.referral_id,
        "kind": StatusKind.LINK_CHANGED,
        "at": an_instant(),
        "code": "link.disputed",
    }
    return Status(**(defaults | changes))


def test_a_changed_link_reaches_the_sink_with_the_referral_it_concerns_and_words_for_a_person(counter: Counter) -> None:
    referral = a_referral()
    counter.arrive(referral)
    counter.hear(a_notice(referral))
    counter.courier.turn()
    parcel = next(parcel for parcel in counter.sink.sent if parcel.key == ID)
    written = json.loads(parcel.document.body)
    assert (written["type"], written["notice"]["referral_id"]) == ("notice", referral.referral_id)
    assert "false positive" in written["notice"]["message"]
    assert parcel.document.suffix == ".notice.json"
    assert counter.told() == [(referral.referral_id, ReturnKind.DELIVERED)], "a notice is not answered"


def test_a_notice_is_json_whatever_format_the_referrals_have(counter: Counter) -> None:
    outlet = counter.courier._outlets[0]
    counter.courier._outlets = (replace(outlet, write=write_csv),)
    counter.hear(a_notice(a_referral()))
    counter.courier.turn()
    assert counter.sink.sent[0].document.media_type == "application/json"


def test_a_notice_that_comes_again_is_sent_once(counter: Counter) -> None:
    notice = a_notice(a_referral())
    counter.hear(notice, notice)
    counter.courier.turn()
    counter.hear(notice)
    counter.courier.turn()
    assert counter.sink.keys == [ID]


@pytest.mark.parametrize("kind", [kind for kind in StatusKind if kind is not StatusKind.LINK_CHANGED])
def test_other_messages_are_passed_over(counter: Counter, kind: StatusKind) -> None:
    counter.hear(a_notice(a_referral(), kind=kind))
    assert counter.courier.turn() == 0


def test_what_was_taken_back_needs_no_notice(counter: Counter) -> None:
    referral = a_referral()
    counter.arrive(referral)
    counter.courier.turn()
    counter.arrive(replace(referral, referral_id=a_referral("w").referral_id, withdrawn=True, revision=2))
    counter.courier.turn()
    counter.hear(a_notice(referral))
    assert counter.courier.turn() == 0


def test_a_withdrawal_finds_the_referral_and_not_the_notice(counter: Counter) -> None:
    referral = a_referral()
    counter.hear(a_notice(referral))
    counter.courier.turn()
    counter.arrive(replace(referral, withdrawn=True, revision=2))
    counter.courier.turn()
    assert counter.find(ID).state is State.DELIVERED
    assert referral.referral_id in counter.sink.keys


def test_a_notice_of_another_member_is_kept_aside(counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    counter.hear(a_notice(a_referral(), member=MemberId("fr-hotline")))
    assert counter.courier.turn() == 0
    assert "kept aside" in caplog.text


def test_nobody_answers_a_notice(counter: Counter) -> None:
    counter.hear(a_notice(a_referral()))
    with counter.store.begin() as connection:
        found = sort_file(
            ".csv",
            f"referral_id,answer\n{ID},taken_up\n".encode(),
            lambda key: deliveries.find_referral(connection, key) is not None,
        )
    assert [problem.code for problem in found.problems] == ["answer.unknown_referral"]


def test_a_notice_that_no_sink_took_expires_without_a_word_to_the_exchange(
    open_counter: Callable[..., Counter],
) -> None:
    counter = open_counter()
    counter.hear(a_notice(a_referral()))
    counter.clock.now_ms += 400 * 86_400_000
    assert upkeep.expire(counter.store, counter.desk) == 1
    assert (counter.find(ID).state, counter.told()) == (State.EXPIRED, [])
