"""Whoever stops a process of the exchange asks for nothing unusual: each ends with 0, and no manager sees a failure."""

import time
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.builders.standing import EXCHANGE
from tests.builders.waiting import a_free_port, until
from tocsin.stack.demo.crew import commanded

pytestmark = pytest.mark.stack
GRACE_SECONDS = 35
"""Less than any manager of ours gives (40)."""


@pytest.fixture(scope="module")
def ended(busy_stack: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """What each ended with after one SIGTERM, all of them started and stopped at once."""
    logs, children, ports = tmp_path_factory.mktemp("stopping"), {}, {name: a_free_port() for name in EXCHANGE}
    try:
        for name, words in EXCHANGE.items():
            own = (*words, "--metrics-port", str(ports[name]), "--home", str(busy_stack.home))
            children[name] = commanded("tocsin", own, logs / f"{name}.log")
        until(
            lambda: all(answers(port, "/ready") for port in ports.values()),
            seconds=120,
            what="one does not become ready",
        )
        for child in children.values():
            child.terminate()
        until_seconds = time.monotonic() + GRACE_SECONDS
        return {name: child.wait(until_seconds - time.monotonic()) for name, child in children.items()}
    finally:
        for child in children.values():
            child.kill()


def answers(port: int, path: str) -> bool:
    """Whether a process of this machine says there that all is well."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.mark.parametrize("name", EXCHANGE)
def test_a_process_of_the_exchange_ends_with_0_when_it_is_stopped(name: str, ended: dict[str, int]) -> None:
    assert ended[name] == 0
