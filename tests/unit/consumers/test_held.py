"""A legal hold in an inbox: neither age nor an order takes what is held, and both do what they have to once it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers import upkeep
from consumers.agreement import Agreement, Treatment
from consumers.sinks.directory import DirectorySink
from consumers.states import State
from schemas.records.answers import ReturnKind, Status, StatusKind
from schemas.records.referral import Referral
from tests.builders.deliveries import Counter
from tests.builders.holds import a_hold
from tests.builders.referrals import RECIPIENT, a_referral
from tests.builders.reports import HOUR_MS, NOON_MS, an_instant
from tests.unit.consumers.test_erasing import an_order, confirmed, delivered, files_with_marker, marked, until_day

DAY_MS = 24 * HOUR_MS


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    made = Counter(tmp_path / "inbox", sinks={"folder": DirectorySink(tmp_path / "theirs")})
    yield made
    made.close()


def held(referral: Referral, days: int | None, *, told_ms: int = NOON_MS) -> Status:
    until_ms = None if days is None else NOON_MS + days * DAY_MS
    return a_hold(referral.report_id, RECIPIENT, told_ms=told_ms, until_ms=until_ms)


def passes(counter: Counter, days: int) -> int:
    """Days later, what a running process does about age; tells how many deliveries were let go."""
    counter.clock.now_ms = NOON_MS + days * DAY_MS
    upkeep.erase(counter.store, counter.desk)
    return counter.eraser.let_go()


def test_what_is_held_outlives_its_retention_in_store_and_folder_and_goes_when_the_hold_ends(
    counter: Counter, tmp_path: Path
) -> None:
    referral, other = marked(retain_until=until_day(1)), a_referral("case-2", retain_until=until_day(1))
    delivered(counter, referral, other)
    counter.hear(held(referral, 5))
    assert passes(counter, 2) == 1, "the other one goes on its day"
    assert counter.find(other.referral_id).value is None
    assert set(files_with_marker(tmp_path)) >= {f"{referral.referral_id}.json", "inbox.sqlite"}
    assert passes(counter, 4) == 0
    assert passes(counter, 5) == 1, "the hold ends by itself"
    assert files_with_marker(tmp_path) == []


def test_a_hold_that_is_released_keeps_nothing_any_more(counter: Counter, tmp_path: Path) -> None:
    referral = marked(retain_until=until_day(1))
    delivered(counter, referral)
    counter.hear(held(referral, 5))
    assert passes(counter, 2) == 0
    counter.hear(held(referral, None, told_ms=NOON_MS + 2))
    assert passes(counter, 2) == 1
    assert files_with_marker(tmp_path) == []


def test_what_was_told_before_changes_nothing_when_it_comes_late(counter: Counter) -> None:
    referral = marked(retain_until=until_day(1))
    delivered(counter, referral)
    counter.hear(held(referral, 5, told_ms=NOON_MS + 2), held(referral, None, told_ms=NOON_MS + 1))
    assert passes(counter, 2) == 0


def test_what_was_closed_long_ago_stays_while_it_is_held(counter: Counter) -> None:
    referral = marked(retain_until=until_day(400))
    delivered(counter, referral)
    counter.hear(held(referral, 60))
    passes(counter, 40)
    assert counter.find(referral.referral_id).value is not None
    passes(counter, 60)
    assert counter.find(referral.referral_id).value is None, "as erase_after_days says"


def test_a_hold_that_comes_before_the_report_keeps_it_too(counter: Counter, tmp_path: Path) -> None:
    referral = marked(retain_until=until_day(1))
    counter.hear(held(referral, 5))
    delivered(counter, referral)
    assert passes(counter, 2) == 0
    assert files_with_marker(tmp_path)


def test_an_order_that_meets_a_hold_waits_is_said_to_wait_once_and_is_carried_out_when_that_ends(
    counter: Counter, tmp_path: Path
) -> None:
    referral = marked()
    delivered(counter, referral)
    counter.hear(held(referral, 5), an_order(referral))
    assert counter.eraser.turn() == 0
    assert counter.eraser.turn() == 0
    (answer,) = counter.owed()
    assert (answer.kind, answer.referral_id, answer.reason_code) == (
        ReturnKind.ERASURE_HELD,
        referral.referral_id,
        "erasure.held",
    )
    confirmed(counter)
    counter.eraser = type(counter.eraser)(counter.store, [], counter.desk)
    assert (counter.eraser.turn(), counter.owed()) == (0, []), "nor does a process that starts anew say it again"
    counter.close()
    counter.open()
    assert set(files_with_marker(tmp_path)) >= {f"{referral.referral_id}.json", "inbox.sqlite"}
    counter.clock.now_ms += 5 * DAY_MS
    assert counter.eraser.turn() == 1
    assert files_with_marker(tmp_path) == []
    assert [one.reason_code for one in counter.owed()] == ["erasure.done"]


def test_what_has_not_left_of_a_report_that_is_held_and_ordered_to_be_erased_stays_and_does_not_leave(
    counter: Counter, tmp_path: Path
) -> None:
    referral = marked()
    counter.arrive(referral)
    counter.hear(held(referral, 5), an_order(referral))
    assert counter.eraser.turn() == 0
    assert counter.courier.turn() == 0
    assert counter.find(referral.referral_id).state is State.WITHDRAWN
    assert counter.find(referral.referral_id).value is not None
    assert list((tmp_path / "theirs").glob("*.json")) == []


def test_a_hold_keeps_nobody_from_delivering(counter: Counter, tmp_path: Path) -> None:
    referral = marked()
    counter.arrive(referral)
    counter.hear(held(referral, 5))
    assert counter.courier.turn() == 1
    assert f"{referral.referral_id}.json" in files_with_marker(tmp_path)


def test_a_bundle_stays_in_its_sink_while_a_report_in_it_is_held(tmp_path: Path) -> None:
    agreement = Agreement(known_content=Treatment.BUNDLE, bundle_period_seconds=3600)
    counter = Counter(tmp_path, agreement=agreement)
    delivered(counter, a_referral("first", content_keys=("url:c",), retain_until=until_day(90)))
    bundled = a_referral("second", content_keys=("url:c",), retain_until=until_day(2))
    delivered(counter, bundled)
    counter.clock.now_ms += DAY_MS
    counter.courier.turn()
    confirmed(counter)
    counter.hear(held(bundled, 5))

    def bundles_after(days: int) -> int:
        while passes(counter, days):
            pass
        return sum(key.startswith("bundle-") for key in counter.sink.keys)

    assert [bundles_after(days) for days in (3, 6)] == [1, 0]
    counter.close()


def test_a_message_of_another_kind_holds_nothing(counter: Counter) -> None:
    referral = marked(retain_until=until_day(1))
    delivered(counter, referral)
    told = held(referral, 5)
    counter.hear(
        Status(
            status_id=told.status_id,
            member=told.member,
            report_id=told.report_id,
            kind=StatusKind.TRIAGED,
            at=an_instant(NOON_MS),
            until=told.until,
        )
    )
    assert passes(counter, 2) == 1
