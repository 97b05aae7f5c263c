"""The HTTP port tells the truth about metrics, life and readiness."""

import socket
import ssl
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

import pytest

from tocsin.runtime.endpoint import Endpoint
from tocsin.runtime.failures import Broken
from tocsin.runtime.health import Health
from tocsin.runtime.metrics import record_left
from tocsin.runtime.settings import MetricsTls
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
