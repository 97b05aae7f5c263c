"""Which recalls are open and late, and how a person reads them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.records.values import Mark
from tocsin.cli.recalls import as_line
from tocsin.runtime.ledger.recalls import LATE_AFTER, OPEN, Recall, tally

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def a_recall(**changes: Any) -> Recall:
    values: dict[str, Any] = {
        "referral_id": ReferralId("f"), "report_id": ReportId("r"), "revision": 2, "submitter": MemberId("plat-a"),
        "member": MemberId("nl-hotline"), "mark": Mark.LIVE, "sent_at": NOON, "state": "waiting", "state_at": NOON,
    }  # fmt: skip
    return Recall(**(values | changes))


@pytest.mark.parametrize("state", OPEN)
def test_it_is_late_when_its_hour_has_passed_and_nobody_has_acknowledged(state: str) -> None:
    one = a_recall(state=state)
    assert (one.is_late(NOON + LATE_AFTER), one.is_late(NOON + LATE_AFTER + SECOND)) == (False, True)


@pytest.mark.parametrize("state", ["delivered", "taken_up", "refused", "withdrawn", "counted"])
def test_an_answer_of_any_kind_acknowledges_it(state: str) -> None:
    one = a_recall(state=state, state_at=NOON + 90 * SECOND)
    assert not one.is_open
    assert not one.is_late(NOON + 2 * LATE_AFTER)
    assert one.age(NOON + 2 * LATE_AFTER) == 90 * SECOND


def test_what_is_published_counts_the_open_and_the_late_and_no_test() -> None:
    now = NOON + LATE_AFTER + SECOND
    found = [
        a_recall(),
        a_recall(sent_at=NOON + LATE_AFTER),
        a_recall(mark=Mark.TEST, sent_at=NOON - LATE_AFTER),
        a_recall(state="delivered"),
    ]
    counted = tally(found, now)
    assert (counted.open, counted.late, counted.oldest_seconds) == (2, 1, NOON.timestamp())
    assert tally([], now).oldest_seconds == 0


def test_a_line_says_whether_and_after_how_long_it_was_acknowledged() -> None:
    late = as_line(a_recall(), NOON + timedelta(hours=3))
    assert late.endswith("report r of plat-a, revision 2  NOT ACKNOWLEDGED for 3 h: waiting, LATE")
    done = as_line(a_recall(state="delivered", state_at=NOON + 5 * SECOND, mark=Mark.DRILL), NOON)
    assert "2026-01-01 12:00:00 UTC  nl-hotline" in done
    assert done.endswith("(drill)  acknowledged after 5 s: delivered")
