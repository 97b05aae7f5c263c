"""One contract for every sink: once returned it is there, sent twice it is there once, and it can be asked."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from consumers import settings
from consumers.sinks.build import build
from consumers.sinks.database import DatabaseSink
from consumers.sinks.directory import DirectorySink
from consumers.sinks.manifest import MANIFEST
from consumers.sinks.port import Away, Later, Presence, Sink, Unanswered
from schemas.failures import Broken, Refused, Temporary
from tests.builders.sinks import ANOTHER_SECRET, SECRET, a_parcel, an_https_sink, serving, told


@dataclass
class Running:
    """A sink, and what is found at its other side."""

    sink: Sink
    found: Callable[[], dict[str, bytes]]


@contextmanager
def directory(folder: Path) -> Iterator[Running]:
    sink = DirectorySink(folder)
    yield Running(sink, lambda: {path.stem: path.read_bytes() for path in folder.glob("*.json")})
    sink.close()


@contextmanager
def database(folder: Path) -> Iterator[Running]:
    engine = create_engine(f"sqlite:///{folder / 'theirs.sqlite'}")
    sink = DatabaseSink(engine, "tocsin_referrals")

    def found() -> dict[str, bytes]:
        with engine.connect() as connection:
            return {
                row[0]: row[1] for row in connection.execute(text("SELECT referral_id, document FROM tocsin_referrals"))
            }

    yield Running(sink, found)
    sink.close()


@contextmanager
def https(folder: Path) -> Iterator[Running]:
    with serving(folder) as address, closing(an_https_sink(address)) as sink:
        yield Running(sink, lambda: {path.stem: path.read_bytes() for path in folder.glob("*.json")})


@pytest.fixture(params=[directory, database, https])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    with request.param(tmp_path / "theirs" if request.param is not database else tmp_path) as opened:
        yield opened


def test_a_parcel_that_was_sent_is_there_and_can_be_asked_for(running: Running) -> None:
    parcel = a_parcel()
    assert running.sink.check(parcel.key) is Presence.ABSENT
    running.sink.send(parcel)
    assert running.sink.check(parcel.key) is Presence.PRESENT
    assert running.found() == {parcel.key: parcel.document.body}


def test_the_same_parcel_twice_has_one_effect(running: Running) -> None:
    for _ in range(2):
        running.sink.send(a_parcel())
    assert len(running.found()) == 1


def test_parcels_do_not_disturb_each_other(running: Running) -> None:
    parcels = [a_parcel(f"case-{n}") for n in range(5)]
    for parcel in parcels:
        running.sink.send(parcel)
    assert running.found() == {parcel.key: parcel.document.body for parcel in parcels}


def test_what_is_erased_is_not_there_any_more_or_the_sink_says_that_it_cannot(running: Running) -> None:
    erased, other = a_parcel("erased"), a_parcel("other")
    for parcel in (erased, other):
        running.sink.send(parcel)
    gone = running.sink.erase(erased.key)
    assert set(running.found()) == ({other.key} if gone else {erased.key, other.key})
    assert running.sink.erase(erased.key) is gone, "twice is as once"
    if gone:
        assert running.sink.check(erased.key) is Presence.ABSENT


def test_the_manifest_of_a_folder_holds_every_digest_and_nobody_else_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    sink = DirectorySink(folder)
    for parcel in (a_parcel("a"), a_parcel("b"), a_parcel("a")):
        sink.send(parcel)
    lines = (folder / MANIFEST).read_text().splitlines()
    files = sorted(folder.glob("*.json"))
    assert sorted(lines) == sorted(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in files)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_recovers_from_a_crash_at_any_point_of_sending(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    DirectorySink(folder).send(a_parcel("a"))
    renamed = folder / f"{a_parcel('b').key}.json"
    renamed.touch(mode=0o600)
    renamed.write_bytes(b"renamed, not yet in the manifest")
    (folder / ".writing-c.json").write_bytes(b"half a fi")
    with (folder / MANIFEST).open("a") as manifest:
        manifest.write("0123456789abc")
    sink = DirectorySink(folder)
    assert sink.check(a_parcel("b").key) is Presence.PRESENT
    assert sink.check(a_parcel("c").key) is Presence.ABSENT
    assert len((folder / MANIFEST).read_text().splitlines()) == 2
    assert not list(folder.glob(".writing-*"))


def test_a_file_that_the_recipient_took_away_still_counts_as_delivered(tmp_path: Path) -> None:
    parcel = a_parcel()
    sink = DirectorySink(tmp_path)
    sink.send(parcel)
    (tmp_path / f"{parcel.key}.json").unlink()
    assert DirectorySink(tmp_path).check(parcel.key) is Presence.PRESENT


def test_another_content_under_the_same_key_replaces_file_and_digest(tmp_path: Path) -> None:
    sink = DirectorySink(tmp_path)
    sink.send(a_parcel())
    other = a_parcel(platform="chat.example.test")
    sink.send(other)
    digest = hashlib.sha256(other.document.body).hexdigest()
    assert (tmp_path / MANIFEST).read_text() == f"{digest}  {other.key}.json\n"


def test_a_folder_that_cannot_be_written_is_away(tmp_path: Path) -> None:
    sink = DirectorySink(tmp_path / "theirs")
    (tmp_path / "theirs").rmdir()
    (tmp_path / "theirs").write_text("no folder")
    with pytest.raises(Away):
        sink.send(a_parcel())


def test_a_database_that_is_away_is_away(tmp_path: Path) -> None:
    sink = DatabaseSink(create_engine(f"sqlite:///{tmp_path / 'missing' / 'x.sqlite'}"), "tocsin_referrals")
    with pytest.raises(Away):
        sink.send(a_parcel())
    sink.close()


@pytest.mark.parametrize(
    ("status", "failure", "code"),
    [
        (500, Temporary, "sink.status_retryable"),
        (503, Temporary, "sink.status_retryable"),
        (429, Temporary, "sink.status_retryable"),
        (404, Temporary, "sink.status_retryable"),
        (410, Refused, "sink.gone"),
        (422, Refused, "sink.status_permanent"),
        (302, Refused, "sink.redirected"),
    ],
)
def test_each_status_has_one_meaning(tmp_path: Path, status: int, failure: type[Exception], code: str) -> None:
    with serving(tmp_path) as address, closing(an_https_sink(address)) as sink:
        told(address, status=status, times=1)
        with pytest.raises(failure) as caught:
            sink.send(a_parcel())
    assert getattr(caught.value, "code", "") == code


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_a_receiver_says_when_to_come_again_in_seconds_or_by_a_date(tmp_path: Path, status: int, as_date: bool) -> None:
    said = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True) if as_date else "120"
    with serving(tmp_path) as address, closing(an_https_sink(address)) as sink:
        told(address, status=status, times=1, retry_after=said)
        with pytest.raises(Later) as caught:
            sink.send(a_parcel())
        sink.send(a_parcel())
    assert 60 < caught.value.wait_seconds <= 120


def test_an_answer_that_comes_too_late_leaves_it_open_and_the_receiver_can_tell(tmp_path: Path) -> None:
    parcel = a_parcel()
    with serving(tmp_path) as address, closing(an_https_sink(address, timeout_seconds=0.3)) as sink:
        told(address, status=200, delay_seconds=1.0, times=1, keeps=True)
        with pytest.raises(Unanswered):
            sink.send(parcel)
        assert sink.check(parcel.key) is Presence.PRESENT


def test_a_receiver_without_a_check_address_cannot_tell(tmp_path: Path) -> None:
    with serving(tmp_path) as address, closing(an_https_sink(address, check_url="")) as sink:
        assert sink.check(a_parcel().key) is Presence.UNKNOWN


def test_a_wrong_secret_is_not_taken(tmp_path: Path) -> None:
    with serving(tmp_path) as address, closing(an_https_sink(address, secret=ANOTHER_SECRET)) as sink:
        with pytest.raises(Temporary):
            sink.send(a_parcel())
        assert not list(tmp_path.glob("*.json"))


def test_a_receiver_that_does_not_run_is_away() -> None:
    with closing(an_https_sink("http://127.0.0.1:9")) as sink, pytest.raises(Away):
        sink.send(a_parcel())


def test_a_document_above_the_bound_is_parked_before_it_is_sent() -> None:
    with closing(an_https_sink("http://127.0.0.1:9", max_body_bytes=100)) as sink, pytest.raises(Refused) as caught:
        sink.send(a_parcel())
    assert caught.value.code == "sink.too_large"


def test_an_address_without_tls_is_refused_outside_loopback() -> None:
    with pytest.raises(Broken):
        an_https_sink("http://hooks.example.test")


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o644)
    with pytest.raises(Broken) as caught:
        build(settings.HttpsSink(url="https://hooks.example.test/", secret_file=secret))
    assert caught.value.code == "delivery.secret"
