"""One contract for the delivery store over SQLite and PostgreSQL: atomic, claimed once, and never of another member."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, func, inspect, select, text
from sqlalchemy.engine import make_url

from consumers.settings import StoreSettings
from consumers.states import Event, State, after
from consumers.store import arrivals, deliveries, outbox
from consumers.store.engine import DeliveryStore, open_store, open_to_read
from consumers.store.tables import DELIVERIES, METADATA
from schemas.failures import Broken, Temporary
from schemas.records.identifiers import MemberId
from schemas.records.values import Coordinate
from tests.builders.deliveries import Counter
from tests.builders.referrals import RECIPIENT, a_referral
from tests.builders.reports import NOON_MS
from tocsin.runtime.tls import verified

OpenCounter = Callable[[], Counter]


def on_sqlite(folder: Path, _: pytest.FixtureRequest) -> StoreSettings:
    return StoreSettings(folder=folder)


def on_postgresql(folder: Path, request: pytest.FixtureRequest) -> StoreSettings:
    stack = request.getfixturevalue("stack")
    return StoreSettings(
        folder=folder,
        url=stack.postgres.url("ops"),
        password_file=stack.postgres.password_file("ops"),
        ca=stack.authority.certificate,
        schema=f"test_{uuid4().hex}",
    )


@pytest.fixture(params=[on_sqlite, pytest.param(on_postgresql, marks=pytest.mark.stack(shared=True))])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreSettings]:
    chosen: StoreSettings = request.param(tmp_path, request)
    yield chosen
    if chosen.url:
        drop_schema(chosen)


def drop_schema(chosen: StoreSettings) -> None:
    assert chosen.password_file is not None
    url = make_url(chosen.url)
    password = chosen.password_file.read_text().strip()
    engine = create_engine(url.set(password=password), connect_args=verified(url, chosen.ca))
    with engine.begin() as connection:
        connection.execute(text(f'DROP SCHEMA "{chosen.schema}" CASCADE'))
    engine.dispose()


@pytest.fixture
def open_counter(settings: StoreSettings, tmp_path: Path) -> Iterator[OpenCounter]:
    opened: list[Counter] = []

    def build() -> Counter:
        opened.append(Counter(folder=tmp_path, store_settings=settings))
        return opened[-1]

    yield build
    for counter in opened:
        counter.close()


@pytest.fixture
def counter(open_counter: OpenCounter) -> Counter:
    return open_counter()


def test_what_was_received_is_there_after_opening_again(counter: Counter) -> None:
    counter.arrive(a_referral())
    counter.close()
    counter.open()
    assert counter.find(a_referral().referral_id).state is State.RECEIVED
    with counter.store.begin() as connection:
        assert [position.next_offset for position in arrivals.positions(connection).values()] == [1]


def test_a_transaction_that_fails_leaves_nothing(counter: Counter) -> None:
    place = Coordinate(topic_id="t", topic="topic", partition=0, offset=5)

    def advance_and_fail() -> None:
        with counter.store.begin() as connection:
            arrivals.advance(connection, place)
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        advance_and_fail()
    with counter.store.begin() as connection:
        assert arrivals.positions(connection) == {}


def test_a_position_never_goes_back(counter: Counter) -> None:
    with counter.store.begin() as connection:
        for offset in (5, 3):
            arrivals.advance(connection, Coordinate(topic_id="t", topic="topic", partition=0, offset=offset))
        assert arrivals.positions(connection)[("topic", 0)].next_offset == 6


def test_two_couriers_never_claim_the_same_delivery(counter: Counter) -> None:
    counter.arrive(*(a_referral(f"case-{n}") for n in range(40)))
    claimed: list[str] = []

    def claim() -> None:
        for _ in range(10):
            with counter.store.begin() as connection:
                claimed.extend(each.key for each in deliveries.take(connection, NOON_MS, 2, 1000))

    threads = [threading.Thread(target=claim) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 40


def test_an_attempt_is_on_record_before_and_after_the_try(counter: Counter) -> None:
    counter.arrive(a_referral())
    key = a_referral().referral_id
    with counter.store.begin() as connection:
        deliveries.open_attempts(connection, [(key, "folder")], NOON_MS)
        assert deliveries.sinks_open(connection, [key])[key] == {"folder"}
        deliveries.close_attempts(connection, {(key, "folder"): (deliveries.DELIVERED, "")}, NOON_MS)
        assert deliveries.sinks_open(connection, [key])[key] == set()
        assert deliveries.sinks_done(connection, [key])[key] == {"folder"}


def test_a_return_is_owed_once_until_it_is_confirmed(counter: Counter) -> None:
    counter.arrive(a_referral())
    counter.courier.turn()
    (owed,) = counter.owed()
    with counter.store.begin() as connection:
        assert outbox.owe(connection, [owed], NOON_MS) == 0
        outbox.confirm(connection, [owed.return_id], NOON_MS)
        assert outbox.owed(connection, 10) == []
        assert outbox.owe(connection, [owed], NOON_MS) == 0


def test_the_store_of_another_member_is_refused(counter: Counter, settings: StoreSettings) -> None:
    counter.close()
    with pytest.raises(Broken) as caught:
        open_store(settings, MemberId("de-police"))
    assert caught.value.code == "store.of_another_member"
    counter.open()


def test_somebody_can_look_while_a_process_delivers(counter: Counter, settings: StoreSettings) -> None:
    counter.arrive(a_referral())
    reading = open_to_read(settings, RECIPIENT)
    assert reading is not None
    with reading.begin() as connection:
        assert deliveries.counts(connection) == {State.RECEIVED: 1}
    reading.close()


def test_a_second_process_is_refused_on_sqlite(tmp_path: Path) -> None:
    first = open_store(StoreSettings(folder=tmp_path), RECIPIENT)
    with pytest.raises(Broken) as caught:
        open_store(StoreSettings(folder=tmp_path), RECIPIENT)
    assert caught.value.code == "store.in_use"
    assert "PostgreSQL" in str(caught.value)
    first.close()
    open_store(StoreSettings(folder=tmp_path), RECIPIENT).close()


def test_sqlite_syncs_every_commit_to_disk_and_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    store = open_store(StoreSettings(folder=tmp_path), RECIPIENT)
    with store.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    store.close()
    assert (tmp_path / "inbox.sqlite").stat().st_mode & 0o777 == 0o600


def test_whoever_looks_can_change_nothing(tmp_path: Path) -> None:
    open_store(StoreSettings(folder=tmp_path), RECIPIENT).close()
    reading = open_to_read(StoreSettings(folder=tmp_path), RECIPIENT)
    assert reading is not None
    with pytest.raises(Temporary), reading.begin() as connection:
        connection.execute(DELIVERIES.delete())
    reading.close()


@pytest.mark.stack(shared=True)
def test_several_processes_may_share_a_postgresql_store(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    chosen = on_postgresql(tmp_path, request)
    stores: list[DeliveryStore] = [open_store(chosen, RECIPIENT) for _ in range(2)]
    assert all(store.shared for store in stores)
    with stores[0].begin() as connection:
        assert connection.scalar(select(func.count()).select_from(DELIVERIES)) == 0
    for store in stores:
        store.close()
    drop_schema(chosen)


def test_every_table_is_made(tmp_path: Path) -> None:
    open_store(StoreSettings(folder=tmp_path), RECIPIENT).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'inbox.sqlite'}")
    assert set(inspect(engine).get_table_names()) == set(METADATA.tables)
    engine.dispose()


def test_settling_follows_the_table_of_states(counter: Counter) -> None:
    counter.arrive(a_referral())
    key = a_referral().referral_id
    with counter.store.begin() as connection:
        found = deliveries.find(connection, key)
        assert found is not None
        deliveries.settle(connection, found, after(found.state, Event.EXPIRE), NOON_MS, reason_code="courier.expired")
    assert counter.find(key).reason_code == "courier.expired"


def test_a_recall_stops_what_waits_marks_what_left_and_nothing_of_it_goes_again(counter: Counter) -> None:
    first, second = a_referral(), a_referral(revision=2)
    counter.arrive(first)
    counter.courier.turn()
    counter.arrive(second)
    with counter.store.begin() as connection:
        copies = arrivals.copies_until(connection, first.report_id, 2)
        stopped = arrivals.recall(connection, copies, NOON_MS)
        assert [copy.key for copy in stopped] == [second.referral_id]
        assert deliveries.may_have_arrived(connection, [first.referral_id])
        assert not deliveries.may_have_arrived(connection, [second.referral_id])
        assert all(deliveries.is_recalled(connection, copy.key) for copy in copies)
        assert deliveries.resumable(connection, list(State)) == []
    assert counter.find(first.referral_id).state is State.DELIVERED
    assert counter.find(second.referral_id).state is State.WITHDRAWN
