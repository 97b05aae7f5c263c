"""When an entry of the queue cannot wait any longer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.records.values import Coordinate
from tocsin.runtime.ledger.queue import Alert, Waiting, alarms

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def an_entry(**changes: Any) -> Waiting:
    said: dict[str, Any] = {
        "number": 1,
        "report_id": "r",
        "revision": 1,
        "referral_id": "",
        "recipient": "",
        "submitter": "plat-a",
        "submitter_reference": "case-1",
        "mark": "LIVE",
        "tier": "HIGH",
        "reasons": ("route.no_evidence",),
        "recipients": 1,
        "deadline": NOW + timedelta(hours=5),
        "at": NOW,
        "taken_by": "",
        "decided_by": "",
        "source": Coordinate(),
    }
    return Waiting(**(said | changes))


@pytest.mark.parametrize(
    ("changes", "alert"),
    [
        ({}, Alert.NONE),
        ({"deadline": None}, Alert.NONE),
        ({"deadline": NOW + timedelta(minutes=59)}, Alert.SOON),
        ({"deadline": NOW}, Alert.OVERDUE),
        ({"tier": "URGENT", "recipients": 0}, Alert.URGENT_WITHOUT_RECIPIENT),
        ({"tier": "URGENT", "recipients": 2, "deadline": NOW - timedelta(hours=1)}, Alert.OVERDUE),
        ({"tier": "URGENT", "recipients": 0, "mark": "TEST"}, Alert.NONE),
    ],
)
def test_deadline_and_recipients_decide_the_alert(changes: dict[str, Any], alert: Alert) -> None:
    assert an_entry(**changes).alert(NOW) is alert


def test_every_alert_is_counted_also_where_nothing_stands_under_it() -> None:
    counts = alarms([an_entry(), an_entry(deadline=NOW)], NOW)
    assert counts == {
        Alert.URGENT_WITHOUT_RECIPIENT: 0,
        Alert.OVERDUE: 1,
        Alert.SOON: 0,
        Alert.NONE: 1,
    }
