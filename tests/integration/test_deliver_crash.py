"""SIGKILL between sending and recording: one effect at every sink, or a delivery that is shown as uncertain."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from consumers.sinks.manifest import MANIFEST
from consumers.states import State
from schemas.records.answers import ReturnKind
from tests.builders.deliveries import Counter
from tests.builders.reports import NOON_MS
from tests.builders.sinks import serving
from tests.integration.bundle_and_die import COPIES, PERIOD_MS, at_the_counter
from tests.integration.deliver_and_die import REFERRALS, open_sink

KEYS = sorted(referral.referral_id for referral in REFERRALS)
Effects = Callable[[], list[str]]


def files_in(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("[!.]*.json"))


def rows_in(folder: Path) -> list[str]:
    engine = create_engine(f"sqlite:///{folder / 'theirs.sqlite'}")
    with engine.connect() as connection:
        found = sorted(connection.scalars(text("SELECT referral_id FROM tocsin_referrals")))
    engine.dispose()
    return found


def bundles_in(folder: Path) -> list[Path]:
    return sorted((folder / "theirs").glob("bundle-*.json"))


@contextmanager
def after_death(folder: Path, kind: str, moment: str, url: str = "-") -> Iterator[Counter]:
    """The process that is started after one that died, on the same store and the same sink."""
    command = [sys.executable, "-m", "tests.integration.deliver_and_die", str(folder), kind, moment, url]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], check=False, timeout=60)  # noqa: S603 -- our own words
    assert ended.returncode == -signal.SIGKILL
    sink = open_sink(kind, folder, url)
    counter = Counter(folder=folder / "store", sinks={"sink": sink})
    try:
        counter.courier.recover(all_claims=True)
        for _ in range(6):
            counter.courier.turn()
            counter.clock.now_ms += 60_000
        yield counter
    finally:
        counter.courier.close()
        counter.close()


def assert_delivered_once(counter: Counter, effects: list[str]) -> None:
    assert effects == KEYS
    assert {counter.find(key).state for key in KEYS} == {State.DELIVERED}
    assert sorted(counter.told()) == [(key, ReturnKind.DELIVERED) for key in KEYS]


@pytest.mark.parametrize("moment", ["before", "within", "after"])
def test_a_folder_has_each_referral_once(tmp_path: Path, moment: str) -> None:
    with after_death(tmp_path, "directory", moment) as counter:
        assert_delivered_once(counter, files_in(tmp_path / "theirs"))
    assert len((tmp_path / "theirs" / MANIFEST).read_text().splitlines()) == 3


@pytest.mark.parametrize("moment", ["waiting", "before", "within", "after"])
def test_a_bundle_leaves_once_at_the_end_of_its_period_whenever_its_process_is_killed(
    tmp_path: Path, moment: str
) -> None:
    command = [sys.executable, "-m", "tests.integration.bundle_and_die", str(tmp_path), moment]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], check=False, timeout=60)  # noqa: S603 -- our own words
    assert ended.returncode == -signal.SIGKILL
    counter = at_the_counter(tmp_path)
    try:
        counter.courier.recover(all_claims=True)
        counter.clock.now_ms = NOON_MS + PERIOD_MS - 1
        counter.courier.turn()
        assert moment != "waiting" or bundles_in(tmp_path) == [], "not before the period ends"
        for _ in range(3):
            counter.clock.now_ms += 60_000
            counter.courier.turn()
        (bundle,) = bundles_in(tmp_path)
        listed = bundle.read_text()
        assert [copy.referral_id for copy in COPIES if copy.referral_id not in listed] == []
        assert {counter.find(copy.referral_id).state for copy in COPIES} == {State.DELIVERED}
    finally:
        counter.courier.close()
        counter.close()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_table_has_each_referral_once(tmp_path: Path, moment: str) -> None:
    with after_death(tmp_path, "database", moment) as counter:
        assert_delivered_once(counter, rows_in(tmp_path))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_receiver_has_each_referral_once(tmp_path: Path, moment: str) -> None:
    with serving(tmp_path / "received") as address, after_death(tmp_path, "https", moment, address) as counter:
        assert_delivered_once(counter, files_in(tmp_path / "received"))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_receiver_that_promises_nothing_leaves_one_delivery_uncertain_and_told(tmp_path: Path, moment: str) -> None:
    with serving(tmp_path / "received") as address, after_death(tmp_path, "keyless", moment, address) as counter:
        states = sorted(counter.find(key).state for key in KEYS)
        assert states == [State.DELIVERED, State.DELIVERED, State.UNCERTAIN]
        assert len(files_in(tmp_path / "received")) == (3 if moment == "after" else 2)
        kinds = sorted(kind for _, kind in counter.told())
        assert kinds == [ReturnKind.DELIVERED, ReturnKind.DELIVERED, ReturnKind.UNCERTAIN]
