"""Whatever is asked of an HTTP surface, it asks nobody else and starts nothing: seen by Python's own audit events."""

import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from tests.builders.sinks import a_parcel, an_https_sink, serving
from tocsin.runtime.endpoint import PATHS, Endpoint
from tocsin.runtime.health import Health

OUTWARD = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request", "sqlite3.connect")
STARTED = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn")
EVALUATED = ("exec", "code.__new__")
_heard: list[tuple[str, str]] = []
_listening = threading.Event()


def _hear(event: str, _: tuple[object, ...]) -> None:
    if _listening.is_set() and event in {*OUTWARD, *STARTED, *EVALUATED}:
        _heard.append((threading.current_thread().name, event))


sys.addaudithook(_hear)  # for the life of the process, deaf but where a test listens


@contextmanager
def heard() -> Iterator[list[tuple[str, str]]]:
    """What any thread but the test's own did meanwhile."""
    _heard.clear()
    _listening.set()
    found: list[tuple[str, str]] = []
    try:
        yield found
    finally:
        _listening.clear()
        found += [(name, event) for name, event in _heard if name != threading.main_thread().name]


def test_the_receiver_asks_nobody_and_starts_nothing(tmp_path: Path) -> None:
    with serving(tmp_path / "kept") as address, closing(an_https_sink(address)) as sink:
        sink.send(a_parcel())  # whatever is imported late is there now
        with heard() as found:
            sink.send(a_parcel("case-2"))
            for path in (*PATHS, "/openapi.json", "/referrals/key", "/referrals", "/nowhere"):
                httpx.get(address + path, headers={"host": "198.51.100.7"}, trust_env=False)
    assert found == []


def test_a_metrics_port_asks_nobody_and_starts_nothing() -> None:
    endpoint = Endpoint(Health(), "127.0.0.1", 0)
    try:
        with heard() as found:
            for path in (*PATHS, "http://198.51.100.7/live", "/nowhere"):
                with closing(HTTPConnection("127.0.0.1", endpoint.port, timeout=5)) as connection:
                    connection.request("GET", path)
                    connection.getresponse().read()
    finally:
        endpoint.close()
    assert found == []


@pytest.mark.parametrize("event", [*OUTWARD, *STARTED, *EVALUATED])
def test_it_would_be_heard(event: str) -> None:
    with heard() as found:
        other = threading.Thread(target=sys.audit, args=(event,), name="surface")
        other.start()
        other.join()
    assert found == [("surface", event)]
