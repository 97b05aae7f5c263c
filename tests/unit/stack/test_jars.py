"""The lock, and what is refused: a file with another digest, a download that fails."""

import fcntl
import gc
import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import Broken
from tocsin.stack.jars import LOCK, Jar, Jars, broker_jars, locked, postgresql_archive, registry_archive
from tocsin.stack.lock_jars import changes, text_of
from tocsin.stack.progress import silent

# The resolver leaves the socket of an answer that it does not like to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

CONTENT: Final = b"a jar, for all that a digest knows"
JAR: Final = Jar(group="test.example", artifact="thing", version="1.0", sha256=hashlib.sha256(CONTENT).hexdigest())
WORDS: Final = st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True)
A_JAR: Final = st.builds(
    Jar,
    group=WORDS,
    artifact=WORDS,
    version=WORDS,
    sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
)


class SmallRepository:
    """A Maven repository on loopback that serves one content, or fails."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.status = 200
        self.asked = 0
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=lambda: self._server.serve_forever(poll_interval=0.01), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        repository = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, content = repository.status, repository.content
                if self.path.endswith(".sha1"):
                    content = hashlib.sha1(content).hexdigest().encode()  # noqa: S324 -- what Maven serves
                else:
                    repository.asked += 1
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        return Handler


@pytest.fixture
def repository() -> Iterator[SmallRepository]:
    small = SmallRepository()
    yield small
    small.close()


def jars_from(repository: SmallRepository, cache: Path) -> Jars:
    jars = Jars(cache)
    jars.context.remote_repos = {"small": repository.url}
    return jars


@pytest.fixture
def jars(repository: SmallRepository, tmp_path: Path) -> Iterator[Jars]:
    yield jars_from(repository, tmp_path)
    gc.collect()


def test_what_the_lock_names_is_fetched_once_and_kept(jars: Jars, repository: SmallRepository) -> None:
    (path,) = jars.fetch((JAR,), silent)
    assert path.read_bytes() == CONTENT
    asked = repository.asked
    repository.status = 500
    assert jars.fetch((JAR,), silent) == (path,)
    assert repository.asked == asked


def test_a_jar_with_another_digest_is_refused_and_not_kept(
    jars: Jars, repository: SmallRepository, tmp_path: Path
) -> None:
    repository.content = b"something else"
    with pytest.raises(Broken, match=r"test\.example:thing:1\.0 does not have the digest") as caught:
        jars.fetch((JAR,), silent)
    assert caught.value.code == "download.digest"
    assert not list(tmp_path.rglob("thing-1.0.jar"))


def test_a_jar_that_was_changed_in_the_cache_is_fetched_again(jars: Jars) -> None:
    (path,) = jars.fetch((JAR,), silent)
    path.write_bytes(b"changed by somebody")
    assert jars.fetch((JAR,), silent)[0].read_bytes() == CONTENT


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_download_that_fails_is_one_clear_sentence(jars: Jars, repository: SmallRepository, status: int) -> None:
    repository.status = status
    with pytest.raises(Broken, match=r"Downloading test\.example:thing:1\.0 failed.*run the command again") as caught:
        jars.fetch((JAR,), silent)
    assert (caught.value.code, "\n" in str(caught.value)) == ("download.failed", False)


def test_a_repository_that_is_away_is_one_clear_sentence(jars: Jars, repository: SmallRepository) -> None:
    repository.close()
    with pytest.raises(Broken, match="failed") as caught:
        jars.fetch((JAR,), silent)
    assert caught.value.code == "download.failed"


def test_what_comes_in_is_told_while_it_comes(repository: SmallRepository, jars: Jars) -> None:
    repository.content = b"x" * 3_500_000
    large = msgspec.structs.replace(JAR, sha256=hashlib.sha256(repository.content).hexdigest())
    told: list[str] = []
    jars.fetch((large,), lambda part, text: told.append(text))
    assert told == ["0 of 1, 1 MB received", "0 of 1, 2 MB received", "0 of 1, 3 MB received", "1 of 1"]


def test_what_is_given_up_ends_in_the_middle_and_is_fetched_whole_the_next_time(
    repository: SmallRepository, jars: Jars, tmp_path: Path
) -> None:
    repository.content = b"x" * 3_500_000
    large = msgspec.structs.replace(JAR, sha256=hashlib.sha256(repository.content).hexdigest())

    def ctrl_c(part: str, text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jars.fetch((large,), ctrl_c)
    assert jars_from(repository, tmp_path).fetch((large,), silent)[0].read_bytes() == repository.content


def test_two_commands_fill_the_cache_one_after_the_other(jars: Jars, tmp_path: Path) -> None:
    told: list[str] = []
    with (tmp_path / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def wait(part: str, text: str) -> None:
            told.append(text)
            fcntl.flock(other, fcntl.LOCK_UN)

        jars.fetch((JAR,), wait)
    assert told == ["waiting for another command that downloads", "1 of 1"]


def test_the_committed_lock_has_a_broker_first_a_registry_last_and_no_host() -> None:
    jars = locked()
    assert jars[0].artifact.startswith("kafka_")
    assert (jars[-1].artifact, jars[-1].packaging) == ("apicurio-registry-app", "tar.gz")
    assert len({jar.coordinate for jar in jars}) == len(jars)
    assert "://" not in LOCK.read_text()


@pytest.mark.parametrize(("machine", "ending"), [("x86_64", "amd64"), ("aarch64", "arm64v8")])
def test_each_processor_has_its_own_postgresql_and_the_broker_none(machine: str, ending: str) -> None:
    jars = locked()
    assert postgresql_archive(jars, machine).artifact.endswith(ending)
    assert len(broker_jars(jars)) == len(jars) - 3
    assert registry_archive(jars) == jars[-1]


def test_a_processor_without_a_postgresql_is_told_so() -> None:
    with pytest.raises(Broken, match="found riscv64") as caught:
        postgresql_archive(locked(), "riscv64")
    assert caught.value.code == "stack.processor"


def test_the_committed_lock_is_written_as_the_command_would_write_it() -> None:
    assert text_of(locked()) == LOCK.read_text()


@given(st.lists(A_JAR))
def test_a_lock_that_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, jars: list[Jar]) -> None:
    file = tmp_path_factory.mktemp("lock") / "jars.lock"
    file.write_text(text_of(jars))
    assert locked(file) == tuple(jars)


def test_a_digest_that_changes_under_its_version_is_shown_as_both() -> None:
    other = Jar(group=JAR.group, artifact=JAR.artifact, version=JAR.version, sha256="0" * 64)
    assert changes([JAR], [other]) == (
        f"- {JAR.coordinate} {JAR.sha256}",
        f"+ {JAR.coordinate} {other.sha256}",
    )
    assert changes([JAR], [JAR]) == ()
