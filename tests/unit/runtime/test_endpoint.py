"""The HTTP port tells the truth about metrics, life and readiness."""

import time
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from tocsin.runtime.endpoint import Endpoint
from tocsin.runtime.failures import Broken
from tocsin.runtime.health import Health
from tocsin.runtime.metrics import record_left


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


def test_a_port_in_use_is_said_in_one_sentence(endpoint: Endpoint) -> None:
    with pytest.raises(Broken, match=r"Port \d+ on 127.0.0.1 cannot be opened for metrics"):
        Endpoint(Health(), "127.0.0.1", endpoint.port)
