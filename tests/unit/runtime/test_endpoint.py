"""The HTTP port tells the truth about metrics, life and readiness."""

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import generate_latest

from tests.builders.waiting import a_free_port
from tocsin.runtime import endpoint as served
from tocsin.runtime.endpoint import MOST_CONNECTIONS, OPENAPI, PATHS, Endpoint, endpoint_of
from tocsin.runtime.failures import Broken
from tocsin.runtime.health import Health
from tocsin.runtime.metrics import REGISTRY, record_left
from tocsin.runtime.pacing import Callers, pace
from tocsin.runtime.settings import KafkaSettings, MetricsTls, RegistrySettings, Settings
from tocsin.stack.certificates import Authority


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def endpoint(health: Health) -> Iterator[Endpoint]:
    endpoint = Endpoint(health, "127.0.0.1", 0)
    yield endpoint
    endpoint.close()


def get(endpoint: Endpoint, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", endpoint.port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_metrics_show_what_was_counted(endpoint: Endpoint) -> None:
    record_left("triage", "routed")
    status, text = get(endpoint, "/metrics")
    assert status == 200
    assert 'tocsin_records_total{outcome="routed",stage="triage"}' in text


def test_a_process_with_a_stale_part_lives_but_is_not_ready(endpoint: Endpoint, health: Health) -> None:
    health.expect("database", stale_after_seconds=60)
    assert get(endpoint, "/live") == (200, "live\n")
    assert get(endpoint, "/ready") == (503, "stale: database\n")
    health.beat("database", now_seconds=time.monotonic())
    assert get(endpoint, "/ready") == (200, "ready\n")


def test_another_path_is_not_found(endpoint: Endpoint) -> None:
    assert get(endpoint, "/table")[0] == 404


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[Endpoint, Authority]]:
    """One that answers only scrapers of its own authority."""
    authority = Authority(tmp_path / "ours")
    pair = authority.pair("triage")
    tls = MetricsTls(certificate=pair.certificate, key=pair.key, ca=authority.certificate)
    endpoint = Endpoint(Health(), "127.0.0.1", 0, tls)
    yield endpoint, authority
    endpoint.close()


def scraped(endpoint: Endpoint, trusted: Authority, shown: Authority | None) -> int:
    context = ssl.create_default_context(cafile=trusted.certificate)
    if shown:
        pair = shown.pair("prometheus")
        context.load_cert_chain(pair.certificate, pair.key)
    connection = HTTPSConnection("127.0.0.1", endpoint.port, timeout=5, context=context)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_guarded_port_answers_who_shows_a_certificate_and_nobody_else(
    guarded: tuple[Endpoint, Authority], tmp_path: Path
) -> None:
    endpoint, ours = guarded
    assert scraped(endpoint, ours, shown=ours) == 200
    for shown in (None, Authority(tmp_path / "theirs")):
        with pytest.raises(OSError, match=r"alert|reset|closed|EOF"):
            scraped(endpoint, ours, shown)
    with pytest.raises((OSError, HTTPException)):
        get(endpoint, "/metrics")
    assert scraped(endpoint, ours, shown=ours) == 200


def spoken(endpoint: Endpoint, ours: Authority, suites: str) -> tuple[str, int]:
    """The suite of TLS 1.2 that the port chose, and its bits, for a client that would speak these."""
    context = ssl.create_default_context(cafile=ours.certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suites)
    pair = ours.pair("prometheus")
    context.load_cert_chain(pair.certificate, pair.key)
    place = ("127.0.0.1", endpoint.port)
    with socket.create_connection(place, 5) as plain, context.wrap_socket(plain, server_hostname="localhost") as found:
        name, _, bits = found.cipher() or ("", "", 0)
        return name, bits


def test_a_guarded_port_speaks_authenticated_suites_with_forward_secrecy_alone_the_strongest_first(
    guarded: tuple[Endpoint, Authority],
) -> None:
    assert spoken(*guarded, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384") == (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        256,
    )
    assert spoken(*guarded, "ECDHE-ECDSA-AES128-GCM-SHA256")[1] == 128
    for weak in ("ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA", "AES256-GCM-SHA384", "DHE-RSA-AES256-SHA256"):
        with pytest.raises(OSError, match=r"alert|reset|closed|EOF"):
            spoken(*guarded, weak)


def test_a_silent_client_of_a_guarded_port_holds_up_nobody(guarded: tuple[Endpoint, Authority]) -> None:
    endpoint, ours = guarded
    with socket.create_connection(("127.0.0.1", endpoint.port), 5):
        assert scraped(endpoint, ours, shown=ours) == 200


def test_a_file_that_cannot_be_used_is_said_in_one_sentence(tmp_path: Path) -> None:
    missing = MetricsTls(certificate=tmp_path / "a", key=tmp_path / "b", ca=tmp_path / "c")
    with pytest.raises(Broken) as caught:
        Endpoint(Health(), "127.0.0.1", 0, missing)
    assert caught.value.code == "endpoint.certificate"


def test_a_port_in_use_is_said_in_one_sentence(endpoint: Endpoint) -> None:
    with pytest.raises(Broken, match=r"Port \d+ on 127.0.0.1 cannot be opened for metrics"):
        Endpoint(Health(), "127.0.0.1", endpoint.port)


def called(endpoint: Endpoint, *hosts: str, path: str = "/metrics") -> int:
    """The status for a request with these Host headers."""
    head = "".join(f"Host: {host}\r\n" for host in hosts)
    with closing(socket.create_connection(("127.0.0.1", endpoint.port), timeout=5)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        return int(connection.recv(65_536).split()[1])


@pytest.mark.parametrize("path", [*PATHS, "/table"])
def test_a_strangers_name_that_was_made_to_lead_to_loopback_gets_nothing(endpoint: Endpoint, path: str) -> None:
    for strange in ("evil.example.test", "127.0.0.1.evil.example.test:80", "10.0.0.1", "[::2]", "*", ""):
        assert called(endpoint, strange, path=path) == 400
    assert called(endpoint, "localhost", "evil.example.test", path=path) == 400


def test_a_name_of_this_machine_is_answered_and_a_prober_that_says_none_is_too(endpoint: Endpoint) -> None:
    for hosts in (("localhost",), ("LOCALHOST:9100",), ("127.0.0.1:1",), ("[::1]:9100",), ()):
        assert called(endpoint, *hosts) == 200


def test_a_port_elsewhere_is_asked_by_names_that_only_its_network_knows(tmp_path: Path) -> None:
    made = endpoint_of(replace(a_process(tmp_path, "0.0.0.0"), metrics_plaintext=True), Health())  # noqa: S104  # asked for
    assert made is not None
    with closing(made):
        assert called(made, "10.42.0.7:9100") == 200


SAYS = json.loads(OPENAPI.read_text("utf-8"))


def test_its_openapi_names_each_path_and_each_answer(endpoint: Endpoint, health: Health) -> None:
    assert set(SAYS["paths"]) == set(PATHS)
    for stale in (False, True):
        if stale:
            health.expect("database", stale_after_seconds=60)
        for path, operations in SAYS["paths"].items():
            assert str(get(endpoint, path)[0]) in operations["get"]["responses"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD", "QUERY"])
@pytest.mark.parametrize("path", [*PATHS, "/table"])
def test_nothing_but_a_get_is_answered(endpoint: Endpoint, path: str, method: str) -> None:
    with closing(HTTPConnection("127.0.0.1", endpoint.port, timeout=5)) as connection:
        connection.request(method, path, body=b"x" * 100)
        response = connection.getresponse()
        assert (response.status, response.getheader("Allow")) == (405, "GET")


def test_it_does_not_say_what_it_is_made_of(endpoint: Endpoint) -> None:
    with closing(HTTPConnection("127.0.0.1", endpoint.port, timeout=5)) as connection:
        connection.request("GET", "/live")
        response = connection.getresponse()
        assert "Python" not in str(response.headers)
        assert response.getheader("X-Content-Type-Options") == "nosniff"
        assert response.getheader("Cache-Control") == "no-store"


@pytest.mark.parametrize(
    "head",
    [
        b"\x00\xff\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /live HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /live HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"BREW <script> HTTP/1.1\r\n\r\n",
        b"GET http://evil.example.test/live HTTP/1.1\r\n\r\n",
    ],
)
def test_a_request_that_is_none_is_refused_and_the_next_is_served(endpoint: Endpoint, head: bytes) -> None:
    with closing(socket.create_connection(("127.0.0.1", endpoint.port), timeout=5)) as connection:
        connection.sendall(head)
        said = connection.recv(65_536)
        assert b" 200 " not in said.split(b"\r\n")[0]
        assert b"<script>" not in said.partition(b"\r\n\r\n")[2]
    assert get(endpoint, "/live") == (200, "live\n")


def test_a_byte_now_and_then_keeps_no_connection_open(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "LONGEST_CONNECTION_SECONDS", 0.3)
    with closing(socket.create_connection(("127.0.0.1", endpoint.port), timeout=5)) as slow:
        began = time.monotonic()
        with contextlib.suppress(OSError):
            drip(slow, until=began + 5)
        assert time.monotonic() - began < 2


def drip(connection: socket.socket, until: float) -> None:
    while time.monotonic() < until:
        connection.sendall(b"G")
        time.sleep(0.05)


def test_more_connections_than_there_are_places_are_closed_and_the_places_come_back(endpoint: Endpoint) -> None:
    place = ("127.0.0.1", endpoint.port)
    with contextlib.ExitStack() as held:
        for _ in range(MOST_CONNECTIONS):
            held.enter_context(closing(socket.create_connection(place, timeout=5)))
        one_more = held.enter_context(closing(socket.create_connection(place, timeout=5)))
        assert is_closed(one_more)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        with contextlib.suppress(OSError, HTTPException):
            assert get(endpoint, "/live") == (200, "live\n")
            return
    pytest.fail("no place came back")


def test_a_caller_above_its_pace_is_told_to_wait_and_it_is_counted(health: Health) -> None:
    endpoint = Endpoint(health, "127.0.0.1", 0, paces=Callers(each=pace(0.001, 2), together=pace(1, 100)))
    try:
        assert [get(endpoint, path)[0] for path in ("/live", "/metrics", "/live")] == [200, 200, 429]
        with closing(HTTPConnection("127.0.0.1", endpoint.port, timeout=5)) as connection:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            assert int(response.getheader("Retry-After") or 0) > 0
            assert str(response.status) in SAYS["paths"]["/metrics"]["get"]["responses"]
    finally:
        endpoint.close()
    assert b'tocsin_records_total{outcome="paced",stage="endpoint"}' in generate_latest(REGISTRY)


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_without_a_port_nothing_is_served_and_with_one_only_this_machine_hears_it(
    tmp_path: Path, health: Health
) -> None:
    kafka, registry = (
        KafkaSettings(bootstrap="broker.example.test:9092"),
        RegistrySettings(url="http://127.0.0.1:1", cache=tmp_path),
    )
    quiet = Settings(principal="triage", state=tmp_path, policy=tmp_path, kafka=kafka, registry=registry)
    assert endpoint_of(quiet, health) is None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = endpoint_of(replace(quiet, metrics_port=port), health)
    assert made is not None
    with closing(made):
        assert get(made, "/live")[0] == 200
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=5)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "metrics.example.test"])  # noqa: S104  # refused
def test_a_port_that_others_reach_answers_in_plain_only_where_that_was_asked_for(host: str, tmp_path: Path) -> None:
    with pytest.raises(Broken, match="metrics_plaintext = true") as caught:
        endpoint_of(a_process(tmp_path, host), Health())
    assert caught.value.code == "endpoint.plaintext"


def test_where_it_was_asked_for_it_answers(tmp_path: Path) -> None:
    made = endpoint_of(replace(a_process(tmp_path, "0.0.0.0"), metrics_plaintext=True), Health())  # noqa: S104  # asked for
    assert made is not None
    with closing(made):
        assert get(made, "/live")[0] == 200


def a_process(folder: Path, host: str) -> Settings:
    """One whose metrics port is at this address."""
    return Settings(
        principal="triage",
        state=folder,
        policy=folder,
        kafka=KafkaSettings(bootstrap="broker.example.test:9093"),
        registry=RegistrySettings(url="http://127.0.0.1:1", cache=folder),
        metrics_host=host,
        metrics_port=a_free_port(),
    )
