"""An order to erase: stopped, taken from sinks and store, confirmed or said to be impossible, and never undone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers.agreement import Agreement, Treatment
from consumers.sinks.directory import DirectorySink
from consumers.sinks.port import Away
from consumers.states import State
from consumers.store import outbox
from schemas.records.answers import ReturnKind, Status, StatusKind
from schemas.records.referral import Referral
from tests.builders.deliveries import Counter, ObedientSink
from tests.builders.referrals import RECIPIENT, a_referral
from tests.builders.reports import HOUR_MS, NOON_MS, an_instant

MARKER = "marker-7f3a"


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    made = Counter(tmp_path / "inbox", sinks={"folder": DirectorySink(tmp_path / "theirs")})
    yield made
    made.close()


def an_order(referral: Referral, **changes: Any) -> Status:
    values: dict[str, Any] = {
        "status_id": "order-1",
        "member": RECIPIENT,
        "report_id": referral.report_id,
        "referral_id": referral.referral_id,
        "kind": StatusKind.ERASE,
        "at": an_instant(NOON_MS),
    }
    return Status(**(values | changes))


def confirmed(counter: Counter) -> None:
    """The broker has what was owed so far."""

    with counter.store.begin() as connection:
        outbox.confirm(connection, [one.return_id for one in outbox.owed(connection, 100)], NOON_MS)


def files_with_marker(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and MARKER.encode() in path.read_bytes()]


def marked(reference: str = "case-1", **changes: Any) -> Referral:
    return a_referral(reference, platform=MARKER, **changes)


def test_what_was_delivered_is_gone_from_folder_and_store_and_its_erasure_is_confirmed(
    counter: Counter, tmp_path: Path
) -> None:
    referral, other = marked(), a_referral("case-2")
    counter.arrive(referral, other)
    counter.courier.turn()
    confirmed(counter)
    assert files_with_marker(tmp_path), "the marker is in store and folder before"
    counter.hear(an_order(referral))
    assert counter.eraser.turn() == 1
    assert files_with_marker(tmp_path) == []
    assert counter.find(referral.referral_id).value is None
    assert counter.find(referral.referral_id).state is State.DELIVERED, "that it was delivered stays"
    assert counter.find(other.referral_id).value is not None
    (answer,) = counter.owed()
    assert (answer.kind, answer.referral_id, answer.reason_code) == (
        ReturnKind.ERASED,
        referral.referral_id,
        "erasure.done",
    )
    assert counter.eraser.turn() == 0, "once"


def test_what_was_not_delivered_never_leaves(counter: Counter, tmp_path: Path) -> None:
    referral = marked()
    counter.arrive(referral)
    counter.hear(an_order(referral))
    assert counter.eraser.turn() == 1
    assert counter.courier.turn() == 0
    assert counter.find(referral.referral_id).state is State.WITHDRAWN
    assert files_with_marker(tmp_path) == []


def test_a_copy_that_comes_behind_its_order_is_erased_as_well(counter: Counter, tmp_path: Path) -> None:
    first, late = marked(), marked(revision=2)
    counter.arrive(first)
    counter.hear(an_order(first))
    assert counter.eraser.turn() == 1
    counter.arrive(late)
    assert counter.courier.turn() == 0
    confirmed(counter)
    assert counter.eraser.turn() == 1
    assert files_with_marker(tmp_path) == []


def test_a_file_that_the_recipient_took_away_is_said_not_to_be_erased(counter: Counter, tmp_path: Path) -> None:
    referral = marked()
    counter.arrive(referral)
    counter.courier.turn()
    confirmed(counter)
    (tmp_path / "theirs" / f"{referral.referral_id}.json").unlink()
    counter.hear(an_order(referral))
    counter.eraser.turn()
    assert [answer.reason_code for answer in counter.owed()] == ["erasure.sinks_cannot"]
    confirmed(counter)
    counter.hear(an_order(referral, status_id="order-2", at=an_instant(NOON_MS + 1)))
    counter.eraser.turn()
    assert [answer.reason_code for answer in counter.owed()] == ["erasure.sinks_cannot"], "nor the second time"


def test_an_order_waits_for_a_sink_that_is_away_and_for_returns_that_have_not_left(tmp_path: Path) -> None:
    counter, referral = Counter(tmp_path), marked()
    counter.arrive(referral)
    counter.courier.turn()
    counter.hear(an_order(referral))
    assert counter.eraser.turn() == 0, "the Return of its delivery has not left"
    confirmed(counter)
    counter.sink.failures = [Away("away")]
    assert counter.eraser.turn() == 0
    assert counter.find(referral.referral_id).value is not None
    assert counter.eraser.turn() == 1
    assert counter.sink.keys == []
    counter.close()


def until_day(days: int) -> Any:
    return an_instant(NOON_MS + days * 24 * HOUR_MS)


def delivered(counter: Counter, *referrals: Referral) -> None:
    counter.arrive(*referrals)
    counter.courier.turn()
    confirmed(counter)


def test_what_is_past_its_retention_goes_from_store_and_folder_by_itself_and_what_is_not_stays(
    counter: Counter, tmp_path: Path
) -> None:
    past = marked(retain_until=until_day(1))
    later, forever = a_referral("case-2", retain_until=until_day(3)), a_referral("case-3", retain_until=None)
    delivered(counter, past, later, forever)
    assert counter.eraser.let_go() == 0, "nothing before its day"
    counter.clock.now_ms += 2 * 24 * HOUR_MS
    assert counter.eraser.let_go() == 1
    assert files_with_marker(tmp_path) == []
    assert {path.stem for path in (tmp_path / "theirs").glob("*.json")} == {later.referral_id, forever.referral_id}
    assert counter.find(past.referral_id).state is State.DELIVERED, "that it was delivered stays"
    assert counter.eraser.let_go() == 0, "once"


def test_a_later_revision_is_delivered_although_an_earlier_one_is_past_its_retention(counter: Counter) -> None:
    delivered(counter, marked(retain_until=until_day(1)))
    counter.clock.now_ms += 2 * 24 * HOUR_MS
    assert counter.eraser.let_go() == 1
    later = marked(revision=2, retain_until=until_day(9))
    delivered(counter, later)
    assert counter.find(later.referral_id).state is State.DELIVERED


def test_a_bundle_stays_in_its_sink_until_the_last_report_in_it_is_past(tmp_path: Path) -> None:
    agreement = Agreement(known_content=Treatment.BUNDLE, bundle_period_seconds=3600)
    counter = Counter(tmp_path, agreement=agreement)
    delivered(counter, a_referral("first", content_keys=("url:c",), retain_until=until_day(90)))
    delivered(
        counter, *(a_referral(f"{day}", content_keys=("url:c",), retain_until=until_day(day)) for day in (20, 30))
    )

    def bundles_after(days: int) -> int:
        counter.clock.now_ms = NOON_MS + days * 24 * HOUR_MS
        counter.courier.turn()
        confirmed(counter)
        while counter.eraser.let_go():
            pass
        return sum(key.startswith("bundle-") for key in counter.sink.keys)

    assert [bundles_after(days) for days in (1, 25, 31)] == [1, 1, 0]
    counter.close()


def test_a_sink_that_is_away_is_asked_again_and_one_that_cannot_delete_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counter = Counter(tmp_path)
    delivered(counter, marked(retain_until=until_day(1)))
    counter.clock.now_ms += 2 * 24 * HOUR_MS
    counter.sink.failures = [Away("away")]
    assert counter.eraser.let_go() == 0
    counter.sink.erase = lambda key: False  # type: ignore[method-assign]  # as https answers
    assert counter.eraser.let_go() == 1
    assert "a sink cannot delete it" in caplog.text
    counter.close()


def test_a_sink_that_cannot_delete_keeps_no_other_sink_from_it(tmp_path: Path) -> None:
    cannot, can = ObedientSink(), ObedientSink()
    cannot.erase = lambda key: False  # type: ignore[method-assign]  # as https answers
    counter, referral = Counter(tmp_path, sinks={"first": cannot, "second": can}), marked()
    delivered(counter, referral)
    assert can.keys == [referral.referral_id]
    counter.hear(an_order(referral))
    counter.eraser.turn()
    assert can.keys == []
    assert [answer.reason_code for answer in counter.owed()] == ["erasure.sinks_cannot"]
    counter.close()
