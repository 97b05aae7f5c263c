"""A file or folder that others can read is refused in one sentence, before anything is read from it or put into it."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consumers.receiver import application
from consumers.replies import Replies
from consumers.settings import HttpsSink, StoreSettings
from consumers.sinks.build import build
from consumers.sinks.directory import DirectorySink
from consumers.store.engine import open_store
from producers.journal.store import open_journal
from schemas.failures import Broken
from schemas.records.identifiers import MemberId
from tests.builders.sinks import SECRET
from tocsin.cli.auditing.twopeople import desk_of
from tocsin.cli.policing.changing import sign
from tocsin.policy.store.trust import new_key
from tocsin.runtime.database import Database
from tocsin.runtime.privacy import write_private
from tocsin.runtime.settings import DatabaseSettings, KafkaSettings, RegistrySettings, Settings
from tocsin.runtime.tls import serving, showing
from tocsin.stack.certificates import Authority, Pair

NOW = datetime(2026, 11, 27, tzinfo=UTC)
MEMBER = MemberId("de-hotline-a")


def journal(folder: Path) -> None:
    open_journal(folder, MEMBER).close()


def inbox(folder: Path) -> None:
    open_store(StoreSettings(folder=folder), MEMBER).close()


def sink(folder: Path) -> None:
    DirectorySink(folder).close()


def receiver(folder: Path) -> None:
    application(folder, SECRET)


def replies(folder: Path) -> None:
    with closing(open_store(StoreSettings(folder=folder.with_name("store")), MEMBER)) as store:
        Replies(store, folder, MEMBER, lambda: 0)


def password(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / "word"
    file.touch(mode=0o600)
    Database(DatabaseSettings(url="postgresql+psycopg://ops@/x?host=/run/postgresql", password_file=file)).close()


def pairs(folder: Path) -> KafkaSettings:
    authority = Authority(folder)
    pair = authority.pair("ops")
    return KafkaSettings(bootstrap="127.0.0.1:9", ca=authority.certificate, certificate=pair.certificate, key=pair.key)


def clients_key(folder: Path) -> None:
    pairs(folder).client()


def triages_key(folder: Path) -> None:
    assert showing(pairs(folder))


def metrics_key(folder: Path) -> None:
    found = pairs(folder)
    assert found.certificate
    assert found.key
    assert found.ca
    serving(found.certificate, found.key, found.ca)


def sinks_key(folder: Path) -> None:
    found, secret = pairs(folder), folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    url = "https://hooks.example.test/"
    build(HttpsSink(url=url, secret_file=secret, certificate=found.certificate, key=found.key)).close()


def authoritys_key(folder: Path) -> None:
    Authority(folder).issue("ops", Pair(*(folder / name for name in "abc")), NOW, NOW)


def stores_password(folder: Path) -> None:
    """Nobody answers there: it is read, and then the store is not opened."""
    folder.mkdir(exist_ok=True)
    file = folder / "word"
    file.touch(mode=0o600)
    url = f"postgresql+psycopg://de@/x?host={folder}"
    with pytest.raises(Broken) as caught:
        open_store(StoreSettings(url=url, password_file=file), MEMBER)
    if caught.value.code != "store.not_opened":
        raise caught.value


def a_process(folder: Path) -> Settings:
    return Settings(
        principal="ops",
        state=folder,
        policy=folder,
        kafka=KafkaSettings(bootstrap="127.0.0.1:9"),
        registry=RegistrySettings(url="http://127.0.0.1:9", cache=folder),
    )


def signers_key(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / "anna.pem"
    if not file.exists():
        new_key(file)
    desk_of(a_process(folder), "erase", petition=folder / "petition", signer="anna", key=file)


def promoters_key(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / "anna.pem"
    if not file.exists():
        new_key(file)
    sign.make_context("sign", ["0123", "--signer", "anna", "--key", str(file), "--home", str(folder)])


FOLDERS: dict[str, Callable[[Path], None]] = {
    "journal": journal,
    "inbox": inbox,
    "sink": sink,
    "receiver": receiver,
    "replies": replies,
}
OPENED = FOLDERS | {
    "password": password,
    "password of the store": stores_password,
    "key of a client": clients_key,
    "key of triage": triages_key,
    "key of the metrics": metrics_key,
    "key of a sink": sinks_key,
    "key of the authority": authoritys_key,
    "key of who asks": signers_key,
    "key of who promotes": promoters_key,
}


@pytest.mark.parametrize("what", OPENED)
def test_what_we_make_is_private_and_opens_again(what: str, tmp_path: Path) -> None:
    for _ in range(2):
        OPENED[what](tmp_path / "own")
    files = [file for file in (tmp_path / "own").rglob("*") if file.stat().st_mode & 0o077]
    assert files == []


@pytest.mark.parametrize("what", FOLDERS)
@pytest.mark.parametrize("mode", [0o750, 0o705, 0o755])
def test_a_folder_that_others_can_enter_is_refused(what: str, mode: int, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    OPENED[what](folder)
    before = sorted(folder.iterdir())
    folder.chmod(mode)
    with pytest.raises(Broken, match="others have rights") as caught:
        OPENED[what](folder)
    assert caught.value.code == "file.too_open"
    assert sorted(folder.iterdir()) == before


FILES = (
    ("journal", "journal.sqlite"),
    ("journal", "journal.sqlite-wal"),
    ("inbox", "inbox.sqlite"),
    ("inbox", "inbox.sqlite-wal"),
    ("sink", "manifest.sha256"),
    ("sink", "0b1f6a0e.json"),
    ("receiver", "0b1f6a0e.json"),
    ("password", "word"),
    ("password of the store", "word"),
    ("key of a client", "ops.key"),
    ("key of triage", "ops.key"),
    ("key of the metrics", "ops.key"),
    ("key of a sink", "ops.key"),
    ("key of the authority", "ca.key"),
    ("key of who asks", "anna.pem"),
    ("key of who promotes", "anna.pem"),
)


@pytest.mark.parametrize(("what", "name"), FILES)
@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(what: str, name: str, mode: int, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    OPENED[what](folder)
    file = folder / name
    file.touch(mode=0o600)
    OPENED[what](folder)
    file.touch()
    file.chmod(mode)
    with pytest.raises(Broken, match="others have rights") as caught:
        OPENED[what](folder)
    assert caught.value.code == "file.too_open"


def test_what_is_written_in_a_folder_of_others_is_for_its_owner_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("not ours")
    (tmp_path / "rejects").symlink_to(tmp_path / "elsewhere")
    write_private(tmp_path / "rejects", b"a report")
    assert (tmp_path / "elsewhere").read_text() == "not ours"
    assert (tmp_path / "rejects").read_bytes() == b"a report"
    assert {path.name for path in tmp_path.iterdir()} == {"elsewhere", "rejects"}
    assert not (tmp_path / "rejects").is_symlink()
    assert (tmp_path / "rejects").stat().st_mode & 0o077 == 0
